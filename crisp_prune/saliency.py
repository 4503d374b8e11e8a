"""Weights and gradients -> scores, elementwise in fp32: the larger, the more a weight is worth keeping."""

from typing import assert_never

from torch import Tensor

from crisp_prune.choices import OF_OUTPUTS, WITHOUT_GRADIENTS, Criterion


def magnitude(weight: Tensor) -> Tensor:
    """|W|: the score that needs no data.

    >>> import torch
    >>> magnitude(torch.tensor([-2.0, 1.0])).tolist()
    [2.0, 1.0]
    """
    return weight.detach().float().abs()


def cass(weight: Tensor, mean_abs_gradient: Tensor) -> Tensor:
    """Class-aware saliency |W| * mean |g|, the mean over batches of the user's classes.

    `g` is the gradient with respect to the dense weight, without weight decay and without loss scale. Both tensors
    have the same shape. Departs from Eq. 1 of arXiv 2311.14272 (see `signed`): near a minimum the mean gradient
    vanishes and would rank noise, the mean of its absolute value does not.

    >>> import torch
    >>> cass(torch.tensor([-2.0, 1.0]), torch.tensor([0.5, 3.0])).tolist()
    [1.0, 3.0]
    """
    return magnitude(weight) * mean_abs_gradient.float()


def signed(weight: Tensor, mean_gradient: Tensor) -> Tensor:
    """|W * mean g|: Eq. 1 of arXiv 2311.14272 as printed.

    >>> import torch
    >>> signed(torch.tensor([-2.0, 1.0]), torch.tensor([0.5, -3.0])).tolist()
    [1.0, 3.0]
    """
    return (weight.detach().float() * mean_gradient.float()).abs()


def squared(weight: Tensor) -> Tensor:
    """W^2: summed over a unit it ranks by the unit's L2 norm, as `magnitude` does by its L1 norm.

    >>> import torch
    >>> squared(torch.tensor([-2.0, 1.0])).tolist()
    [4.0, 1.0]
    """
    return weight.detach().float() ** 2


def taylor(weight: Tensor, mean_square_gradient: Tensor) -> Tensor:
    """The mean over batches of (g w)^2: the squared change of the loss to first order without the weight.

    Molchanov et al., arXiv 1906.10771, equation 8. (The mean of |g w| is `cass` while weights stand still.)

    >>> import torch
    >>> taylor(torch.tensor([-2.0]), torch.tensor([9.0])).item()
    36.0
    """
    return squared(weight) * mean_square_gradient.float()


def fisher(weight: Tensor, mean_square_gradient: Tensor) -> Tensor:
    """OBD's w^2 h / 2, the diagonal of the Hessian h taken for the empirical Fisher information: the mean of g^2.

    LeCun et al., 1990; over batches of one sample the mean is that over samples. It ranks as `taylor` does, whose
    half it is: the change of the loss to second order at a minimum.

    >>> import torch
    >>> fisher(torch.tensor([-2.0]), torch.tensor([9.0])).item()
    18.0
    """
    return taylor(weight, mean_square_gradient) / 2


def batch_term(gradient: Tensor, score: Criterion) -> Tensor:
    """What one batch adds to the accumulator of a score, in fp32: |g|, g or g^2.

    >>> import torch
    >>> [batch_term(torch.tensor([-2.0]), score).item() for score in ("cass", "signed", "taylor", "magnitude")]
    [2.0, -2.0, 4.0, -0.0]
    """
    found = gradient.detach().float()
    match score:
        case "cass":
            return found.abs()
        case "signed" | "bn-scale" | "apoz":
            return found
        case "taylor" | "fisher":
            return found**2
        case "magnitude" | "l2":
            return found * 0.0
    assert_never(score)


def saliency(weight: Tensor, mean_term: Tensor | None, score: Criterion) -> Tensor:
    """The score of every weight; `mean_term` is the mean of `batch_term` over batches (not read for magnitude).

    >>> import torch
    >>> saliency(torch.tensor([-2.0]), None, "magnitude").item()
    2.0
    """
    if score in WITHOUT_GRADIENTS:
        return magnitude(weight) if score == "magnitude" else squared(weight)
    if mean_term is None:
        raise ValueError(f"the criterion {score!r} needs gradients")
    if score in OF_OUTPUTS:
        return mean_term.float()
    return _OF_GRADIENTS[score](weight, mean_term)


_OF_GRADIENTS = {"cass": cass, "signed": signed, "taylor": taylor, "fisher": fisher}
