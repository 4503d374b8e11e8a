"""Weights and gradients -> scores, elementwise in fp32: the larger, the more a weight is worth keeping."""

from typing import assert_never

from torch import Tensor

from crisp_prune.choices import Score


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


def batch_term(gradient: Tensor, score: Score) -> Tensor:
    """What one batch adds to the accumulator of a score, in fp32: |g| for cass, g for signed, nothing for magnitude.

    >>> import torch
    >>> batch_term(torch.tensor([-2.0]), "cass").item(), batch_term(torch.tensor([-2.0]), "signed").item()
    (2.0, -2.0)
    """
    match score:
        case "cass":
            return gradient.detach().float().abs()
        case "signed":
            return gradient.detach().float()
        case "magnitude":
            return gradient.detach().float() * 0.0
    assert_never(score)


def saliency(weight: Tensor, mean_term: Tensor | None, score: Score) -> Tensor:
    """The score of every weight; `mean_term` is the mean of `batch_term` over batches (not read for magnitude).

    >>> import torch
    >>> saliency(torch.tensor([-2.0]), None, "magnitude").item()
    2.0
    """
    if score == "magnitude":
        return magnitude(weight)
    if mean_term is None:
        raise ValueError(f"the score {score!r} needs gradients")
    return cass(weight, mean_term) if score == "cass" else signed(weight, mean_term)
