"""N:M in one shot, without training: by magnitude, Wanda or SparseGPT, layer by layer on a few batches of inputs."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import pad, unfold

from crisp_hw.errors import InputError, Where
from crisp_hw.spec.kinds import of_kind
from crisp_hw.spec.patterns import NM, nm_of
from crisp_hw.spec.wrapped import module_of
from crisp_prune.attach import copied
from crisp_prune.batches import device_of, to_device
from crisp_prune.calling import call
from crisp_prune.geometry import evaluation
from crisp_prune.matrix import from_matrix, to_matrix
from crisp_prune.nm import nm_mask
from crisp_prune.reads import uncompiled, watched
from crisp_prune.sites import Site, find_sites, weight_of

Rule = Literal["magnitude", "wanda", "sparsegpt"]
"""How weights are chosen: |W|, |W| times the norm of their inputs, or by the Hessian of the layer's inputs."""
FIRST = (nn.Conv1d, nn.Conv2d)
"""Convolutions that are pruned; the first of them that is called stays dense, as `Crisp` has it."""
COLUMNS = 128
"""Columns whose errors are carried on at once: Frantar and Alistarh, arXiv 2301.00774."""
DAMPING = 0.01
"""Share of the Hessian's mean diagonal that is added to it: Frantar and Alistarh, arXiv 2301.00774."""


@dataclass(frozen=True)
class OneShot:
    """The pruned copy of a model, and by layer how far its output lies from before, relative, on the same inputs."""

    model: nn.Module
    errors: Mapping[str, float]


@dataclass(frozen=True)
class Pruned:
    """A layer about to be pruned: its weight matrix, x'x of what its columns read, and its input channels."""

    matrix: Tensor
    gram: Tensor
    channels: int


@dataclass
class Inputs:
    """What a layer reads: x'x summed over all rows of its unfolded inputs, in the order of the weight's matrix."""

    gram: Tensor


def one_shot(
    model: nn.Module,
    batches: Sequence[Any],
    nm: NM | str = "2:4",
    rule: Rule = "wanda",
    layers: Iterable[str] | None = None,
) -> OneShot:
    """A copy of a model with N:M in its Linear and ungrouped Conv1d and Conv2d layers, chosen one after the other.

    Each layer sees what those pruned before it give. A convolution counts as a Linear over its unfolded inputs. Batches
    are model inputs: tensors, tuples of arguments or maps of arguments by name. `layers` are names (none given: all
    but the first convolution). Layers that share a weight are one; those whose weight other code reads or changes stay
    dense. InputError where no such layer is called.

    >>> model = nn.Sequential(nn.Linear(8, 4))
    >>> pruned = one_shot(model, [torch.rand(16, 8)], "2:4", "sparsegpt").model
    >>> int((pruned[0].weight == 0).sum())
    16
    """
    of_kind("rule", rule, Rule)
    pattern = nm_of(nm)
    return each_layer(model, batches, layers, lambda pruned: RULES[rule](pruned.matrix, pruned.gram, pattern))


def each_layer(
    model: nn.Module, batches: Sequence[Any], layers: Iterable[str] | None, rule: Callable[[Pruned], Tensor]
) -> OneShot:
    """A copy of a model with another weight in each of its layers, one after the other, by any rule."""
    if isinstance(batches, Iterator):
        raise InputError("the batches are an iterator that can be read once", hint="give a list of model inputs")
    if not len(batches):
        raise InputError("there is no batch to calibrate with", hint="give a list of model inputs")
    twin = copied(model)
    order, obstacles = _order(twin, batches[0])
    first = next((name for name, site in order.items() if isinstance(_layer(twin, site), FIRST)), None)
    chosen = [name for name in order if name != first] if layers is None else list(dict.fromkeys(layers))
    unknown = [name for name in chosen if name not in order]
    if unknown or not chosen:
        said = "no layer is called"
        if unknown:
            why = obstacles.get(unknown[0], "is no Linear or ungrouped Conv1d or Conv2d layer that is called")
            said = f"{unknown[0]!r} {'cannot be pruned: ' if unknown[0] in obstacles else ''}{why}"
        raise InputError(said, hint=f"there are {', '.join(order)}")
    return OneShot(twin, {name: _prune(twin, order[name], batches, rule) for name in chosen})


def _order(model: nn.Module, batch: Any) -> tuple[dict[str, Site], dict[str, str]]:
    """The layers by name, in the order in which they are first called, and why others must stay dense.

    Layers that share a weight are one. A mask says nothing where a forward changes the weight, or other code reads it.
    """
    called: dict[str, Site] = {}
    sites = [site for site in find_sites(model) if _is_ours(model, site)]

    def note(site: Site, module: nn.Module, args: object) -> None:
        called.setdefault(site.name, site)

    handles = [
        module_of(model, use.caller).register_forward_pre_hook(partial(note, site))
        for site in sites
        for use in site.uses
    ]
    try:
        with evaluation(model), torch.no_grad(), uncompiled(), watched(model, tuple(sites)) as seen:
            call(model, to_device(batch, device_of(model)))
    finally:
        for handle in handles:
            handle.remove()
    obstacles = {name: site.obstacle or seen.get(name, "") for name, site in called.items()}
    obstacles = {name: why for name, why in obstacles.items() if why}
    return {name: site for name, site in called.items() if name not in obstacles}, obstacles


def _is_ours(model: nn.Module, site: Site) -> bool:
    """Is it a layer whose inputs are unfolded here, called as a module of its own?"""
    plain = isinstance(_layer(model, site), (nn.Linear, *FIRST)) or site.layout == "turned"
    return plain and all(use.caller == use.owner for use in site.uses)


def _layer(model: nn.Module, site: Site) -> nn.Module:
    found: nn.Module = module_of(model, site.uses[0].owner)
    return found


def _gram(model: nn.Module, site: Site, batches: Sequence[Any]) -> Inputs:
    """x'x of what a layer reads in all batches, and those that share its weight."""
    weight = weight_of(model, site.uses[0])
    columns = to_matrix(weight.detach(), site.layout).shape[1]
    found = Inputs(torch.zeros(columns, columns, dtype=torch.float64, device=weight.device))

    def add(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        rows = _rows(module, args[0] if args else next(iter(kwargs.values()))).double()
        found.gram += rows.t() @ rows

    owners = [module_of(model, use.owner) for use in site.uses]
    handles = [module.register_forward_pre_hook(add, with_kwargs=True) for module in owners]
    try:
        with evaluation(model), torch.no_grad(), uncompiled():
            for batch in batches:
                call(model, to_device(batch, device_of(model)))
    finally:
        for handle in handles:
            handle.remove()
    if not bool(found.gram.isfinite().all()):
        raise InputError("what it reads holds NaN or infinity", Where(key=site.name), "check weights and batches")
    return found


def _rows(module: nn.Module, given: Tensor) -> Tensor:
    """The inputs of every output position as rows, columns as those of the weight's matrix."""
    if not isinstance(module, FIRST):
        return given.reshape(-1, given.shape[-1])
    mode = "constant" if module.padding_mode == "zeros" else module.padding_mode
    given = pad(given, module._reversed_padding_repeated_twice, mode)
    sizes = module.kernel_size, module.dilation, (0,) * len(module.kernel_size), module.stride
    if isinstance(module, nn.Conv1d):  # a Conv2d of height 1
        given = given.unsqueeze(-2)
        sizes = (1, *module.kernel_size), (1, *module.dilation), (0, 0), (1, *module.stride)
    taps = unfold(given, *sizes)
    channels = given.shape[1]
    return taps.reshape(len(given), channels, -1, taps.shape[-1]).permute(0, 3, 2, 1).reshape(-1, taps.shape[1])


def _prune(model: nn.Module, site: Site, batches: Sequence[Any], rule: Callable[[Pruned], Tensor]) -> float:
    """Choose one layer's weights and set the others to zero; the relative error of its output."""
    weight, layout = weight_of(model, site.uses[0]), site.layout
    gram = _gram(model, site, batches).gram
    before = to_matrix(weight.detach(), layout).double()
    channels = weight.shape[0] if layout == "turned" else weight.shape[1]
    after = rule(Pruned(before, gram, channels))
    with torch.no_grad():
        weight.copy_(from_matrix(after, weight.shape, layout).to(weight.dtype))
    return _energy(after - before, gram) / max(_energy(before, gram), 1e-300)


def _energy(matrix: Tensor, gram: Tensor) -> float:
    """The norm of matrix x inputs."""
    return float(((matrix @ gram) * matrix).sum().clamp(min=0).sqrt())


def _magnitude(weight: Tensor, gram: Tensor, nm: NM) -> Tensor:
    return weight * nm_mask(weight.abs(), nm.n, nm.m)


def _wanda(weight: Tensor, gram: Tensor, nm: NM) -> Tensor:
    """Sun et al., arXiv 2306.11695: |W| x the norm of the inputs, compared inside a row."""
    return weight * nm_mask(weight.abs() * gram.diagonal().sqrt(), nm.n, nm.m)


def _sparsegpt(weight: Tensor, gram: Tensor, nm: NM) -> Tensor:
    """Frantar and Alistarh, arXiv 2301.00774: each pruned weight's error is carried on to the columns behind it."""
    weight, inverse = weight.clone(), _inverse(gram)
    dead = gram.diagonal() == 0
    weight[:, dead] = 0
    for start in range(0, weight.shape[1], COLUMNS):
        end = min(start + COLUMNS, weight.shape[1])
        errors = torch.zeros_like(weight[:, start:end])
        for column in range(start, end):
            if column % nm.m == 0:
                group = slice(column, min(column + nm.m, weight.shape[1]))
                keep = nm_mask((weight[:, group] / inverse.diagonal()[group]).square(), nm.n, nm.m)
            dropped = torch.where(keep[:, column % nm.m], torch.zeros_like(weight[:, column]), weight[:, column])
            error = dropped / inverse[column, column]
            weight[:, column:end] -= error.unsqueeze(1) * inverse[column, column:end]
            weight[:, column] = torch.where(keep[:, column % nm.m], weight[:, column], torch.zeros_like(dropped))
            errors[:, column - start] = error
        weight[:, end:] -= errors @ inverse[start:end, end:]
    return weight


def _inverse(gram: Tensor) -> Tensor:
    """The upper Cholesky factor of the damped Hessian's inverse; columns without inputs stand alone."""
    hessian = gram.clone()
    diagonal = hessian.diagonal()
    diagonal[diagonal == 0] = 1
    diagonal += DAMPING * diagonal.mean()
    factor: Tensor = torch.linalg.cholesky(torch.cholesky_inverse(torch.linalg.cholesky(hessian)), upper=True)
    return factor


RULES: dict[str, Callable[[Tensor, Tensor, NM], Tensor]] = {
    "magnitude": _magnitude,
    "wanda": _wanda,
    "sparsegpt": _sparsegpt,
}
"""The rules by name: weight and x'x of the inputs -> the weight that stays."""
