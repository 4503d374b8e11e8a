"""N:M in one shot, without training: by magnitude, Wanda or SparseGPT, layer by layer on a few batches of inputs."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from math import sqrt
from typing import Any, Literal

import torch
from torch import Tensor, nn

from crisp_hw.errors import InputError, Where
from crisp_hw.spec.kinds import of_kind
from crisp_hw.spec.patterns import NM, nm_of
from crisp_hw.spec.wrapped import module_of
from crisp_prune.attach import copied
from crisp_prune.batches import device_of, to_device
from crisp_prune.calling import call
from crisp_prune.geometry import evaluation
from crisp_prune.matrix import from_matrix, to_matrix
from crisp_prune.multiplied import Rows, multiplied
from crisp_prune.nm import nm_mask
from crisp_prune.reads import uncompiled, watched
from crisp_prune.sites import Site, find_sites, unsupported, weight_of

Rule = Literal["magnitude", "wanda", "sparsegpt"]
"""How weights are chosen: |W|, |W| times the norm of their inputs, or by the Hessian of the layer's inputs."""
INPUTS = "as in [inputs for inputs, labels in loader]"
MODEL_ERRORS = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What a model's own code raises when it does not like its input."""
UNREAD = "the inputs that it multiplies its weight with are not read"
STACKED = "its weights are stacked, each multiplied with inputs of its own"
META = "its weight is on the device meta, which has sizes and no numbers"
UNSEEN = "no product of its weight is seen, as in scripted code"
COLUMNS = 128
"""Columns whose errors are carried on at once: Frantar and Alistarh, arXiv 2301.00774."""
DAMPING = 0.01
"""Share of the Hessian's mean diagonal that is added to it: Frantar and Alistarh, arXiv 2301.00774."""


@dataclass(frozen=True)
class OneShot:
    """The pruned copy of a model, and by layer how far its output lies from before, relative, on the same inputs.

    `dense` says of every other layer with a weight why it stays as it is.
    """

    model: nn.Module
    errors: Mapping[str, float]
    dense: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Pruned:
    """A layer about to be pruned: its weight matrix, x'x of what its columns read, and its input channels."""

    matrix: Tensor
    gram: Tensor
    channels: int


def one_shot(
    model: nn.Module,
    batches: Sequence[Any],
    nm: NM | str = "2:4",
    rule: Rule = "wanda",
    layers: Iterable[str] | None = None,
) -> OneShot:
    """A copy of a model with N:M in its Linear and ungrouped convolution layers, chosen one after the other.

    Each layer sees what those pruned before it give. A convolution counts as a Linear over its unfolded inputs, padded
    as its forward does it. Batches are model inputs: tensors, tuples of arguments or maps of arguments by name.
    `layers` are names (none given: all but the first convolution). Layers that share a weight are one; those whose
    weight other code reads or changes stay dense, with the reason in `dense`. InputError where no layer can be pruned.

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
    _check(batches, layers)
    twin = copied(model)
    order, dense = _order(twin, batches[0])
    chosen = _chosen(order, dense, layers)
    left = dict.fromkeys(order, "first convolution" if layers is None else "not among the layers")
    left = dense | {name: why for name, why in left.items() if name not in chosen}
    return OneShot(twin, {name: _prune(twin, order[name], batches, rule) for name in chosen}, left)


def _check(batches: Any, layers: Any) -> None:
    """Refuse what is no list of batches, or no list of names."""
    kind = type(batches).__name__
    if isinstance(batches, Tensor | Mapping | str):
        raise InputError(f"the batches are one {kind}", hint="give a list of model inputs: [batch]")
    if isinstance(batches, Iterator) or not isinstance(batches, Sequence):
        once = "an iterator that can be read once" if isinstance(batches, Iterator) else f"a {kind}"
        raise InputError(f"the batches are {once}", hint=f"give a list of model inputs, {INPUTS}")
    if not len(batches):
        raise InputError("there is no batch to calibrate with", hint="give a list of model inputs")
    if isinstance(layers, str):
        raise InputError(f"layers is the text {layers!r}", hint=f"give a list of names: [{layers!r}]")


def _chosen(order: Mapping[str, Site], dense: Mapping[str, str], layers: Iterable[str] | None) -> list[str]:
    """The layers to prune: those asked for, or all but the first convolution."""
    first = next((name for name, site in order.items() if site.kind == "conv2d"), None)
    chosen = [name for name in order if name != first] if layers is None else list(dict.fromkeys(layers))
    unknown = next((name for name in chosen if name not in order), None)
    if unknown is None and chosen:
        return chosen
    if unknown is not None:
        said = f"{unknown!r} cannot be pruned: {dense.get(unknown, 'it is no layer with a weight')}"
        raise InputError(said, hint=f"there are {', '.join(order)}" if order else "")
    left = dict(dense) if first is None else {first: "first convolution, unless layers names it", **dense}
    why = "; ".join(f"{name}: {reason}" for name, reason in list(left.items())[:3])
    raise InputError("there is no layer that can be pruned" + (f" ({why})" if why else ""))


def _order(model: nn.Module, batch: Any) -> tuple[dict[str, Site], dict[str, str]]:
    """The layers by name, in the order in which they are first called, and why others must stay dense.

    Layers that share a weight are one. A mask says nothing where a forward changes the weight, or other code reads it.
    """
    called: dict[str, Site] = {}
    products: dict[str, list[str]] = {}
    every = find_sites(model)
    ours = [site for site in every if site.layout != "stacked"]

    def note(site: Site, module: nn.Module, args: object) -> None:
        called.setdefault(site.name, site)

    def told(name: str, rows: Rows, function: str) -> None:
        products.setdefault(name, []).append("" if rows else f"{UNREAD} ({function})")

    handles = [
        module_of(model, use.caller).register_forward_pre_hook(partial(note, site))
        for site in every
        for use in site.uses
    ]
    try:
        with _calibrating(model), watched(model, every) as seen, multiplied(model, ours, told):
            call(model, to_device(batch, device_of(model)))
    except MODEL_ERRORS as error:
        raise _failed(batch, error) from error
    finally:
        for handle in handles:
            handle.remove()
    meta = {site.name: META for site in every if weight_of(model, site.uses[0]).is_meta}
    never = {site.name: "never called" for site in every if site.name not in called}
    whole = {name: "" if site in ours else STACKED for name, site in called.items()}
    unread = {name: max(products.get(name, [UNSEEN])) for name in called}
    why = {
        name: site.obstacle or meta.get(name) or seen.get(name) or whole[name] or unread[name]
        for name, site in called.items()
    }
    dense = {each.name: each.reason for each in unsupported(model, every)} | never
    dense |= {name: reason for name, reason in why.items() if reason}
    return {name: site for name, site in called.items() if not why[name]}, dense


def _failed(batch: Any, error: Exception) -> InputError:
    said = (str(error) or type(error).__name__).splitlines()[0]
    said = f"the model fails on the first batch, a {type(batch).__name__} ({said})"
    return InputError(said, hint=f"batches are model inputs without labels: {INPUTS}")


@contextmanager
def _calibrating(model: nn.Module) -> Iterator[None]:
    """The model as calibration runs it: without what trains it, and in Python, where every product is seen."""
    with evaluation(model), torch.no_grad(), uncompiled():
        yield


def _grams(model: nn.Module, site: Site, batches: Sequence[Any]) -> list[Tensor]:
    """x'x of what a weight, or each part of its rows, is multiplied with in all batches, by all that share it."""
    found: list[Tensor] = []

    def add(name: str, rows: Rows, function: str) -> None:
        if not rows:
            raise InputError(f"{UNREAD} ({function}) in a later batch", Where(key=name), "leave it out of layers")
        new = [one.double().t() @ one.double() for one in rows]
        while len(found) < len(new):  # at first, or after calls that read the same for all parts
            found.append(found[0].clone() if found else torch.zeros_like(new[0]))
        for gram, more in zip(found, new * (len(found) // len(new)), strict=True):
            gram += more

    for batch in batches:
        with _calibrating(model), multiplied(model, [site], add):
            call(model, to_device(batch, device_of(model)))
    if not all(bool(gram.isfinite().all()) for gram in found):
        raise InputError("what it reads holds NaN or infinity", Where(key=site.name), "check weights and batches")
    return found


def _prune(model: nn.Module, site: Site, batches: Sequence[Any], rule: Callable[[Pruned], Tensor]) -> float:
    """Choose one layer's weights and set the others to zero; the relative error of its output."""
    weight, layout = weight_of(model, site.uses[0]), site.layout
    grams = _grams(model, site, batches)
    before = to_matrix(weight.detach(), layout).double()
    channels = weight.shape[0] if layout == "turned" else weight.shape[1]
    parts = list(zip(before.chunk(len(grams)), grams, strict=True))
    after = torch.cat([rule(Pruned(part, gram, channels)) for part, gram in parts])
    with torch.no_grad():
        weight.copy_(from_matrix(after, weight.shape, layout).to(weight.dtype))
    return _energy(after - before, grams) / max(_energy(before, grams), 1e-300)


def _energy(matrix: Tensor, grams: Sequence[Tensor]) -> float:
    """The norm of matrix x inputs."""
    parts = zip(matrix.chunk(len(grams)), grams, strict=True)
    return sqrt(max(sum(float(((part @ gram) * part).sum()) for part, gram in parts), 0.0))


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
