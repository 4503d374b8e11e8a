"""Names of a model's weights in a state dict whose names may begin with those of other wrappers."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from crisp_hw.errors import InputError, Where
from crisp_hw.spec.shown import listed
from crisp_hw.spec.wrapped import plain_name

if TYPE_CHECKING:
    from torch import nn

AVERAGE = ("ema", "average")
"""What names of weights that are averaged over training have in them."""


def matched(weights: Mapping[str, Any], model: "nn.Module", parameters: Sequence[str]) -> dict[str, str]:
    """The name in `weights` of every parameter: as it is, behind one prefix, or without the model's own first parts.

    A weight that the file keeps once for several parameters which share it is found under any of their names.

    Raises
    ------
    InputError
        When a weight is missing, with the nearest name that there is.

    Examples
    --------
    >>> from torch import nn
    >>> matched({"model.0.weight": 1}, nn.Sequential(nn.Linear(1, 1)), ["0.weight"])
    {'0.weight': 'model.0.weight'}
    """
    shared = _shared(model, parameters)
    whole: list[tuple[str, dict[str, str]]] = []
    for lost, prefix in _changes(weights, parameters):
        keys = {name: key for name in parameters if (key := _key(weights, (lost, prefix), shared[name])) is not None}
        if len(keys) == len(set(parameters)):
            whole.append((prefix, keys))
        if whole and (not prefix or _averaged(prefix)):
            break
    if len([prefix for prefix, _ in whole if not _averaged(prefix)]) > 1:
        said = f"the names begin with {listed([repr(prefix) for prefix, _ in whole])}, and each fits the model"
        raise InputError(said, Where("checkpoint"), "give a file with the weights of one of them")
    if whole:
        return whole[0][1]
    raise _missing(weights, next(name for name in parameters if _key(weights, ("", ""), shared[name]) is None))


def _missing(weights: Mapping[str, Any], name: str) -> InputError:
    near = get_close_matches(name, [str(key) for key in weights], n=1, cutoff=0.0)
    hint = f"; the nearest name is '{near[0]}'" if near else ""
    layer = name.rpartition(".")[0] or "model"
    said = f"no weight '{name}' for layer '{layer}'{hint}"
    return InputError(said, Where("checkpoint"), "give a state dict with the model's names")


def _key(weights: Mapping[str, Any], change: tuple[str, str], names: Sequence[str]) -> str | None:
    """The first of several names that is there once the change is made."""
    lost, prefix = change
    changed = (prefix + name.removeprefix(lost) for name in names if name.startswith(lost))
    return next((name for name in changed if name in weights), None)


def _changes(weights: Mapping[str, Any], parameters: Sequence[str]) -> Iterator[tuple[str, str]]:
    """What to take off the model's names and what to put in front of them, the likeliest first."""
    yield "", ""
    first = parameters[0]
    prefixes = {str(key).removesuffix(first) for key in weights if str(key).endswith(f".{first}")}
    if "." in first:  # the name of a bare layer's weight would fit every layer of a file
        yield from (("", prefix) for prefix in sorted(prefixes, key=_rank))
    parts = first.split(".")[:-1]
    yield from ((".".join(parts[:count]) + ".", "") for count in range(1, len(parts) + 1))


def _rank(prefix: str) -> tuple[bool, int, str]:
    """Averaged weights last; of others, the shortest prefix first."""
    return _averaged(prefix), len(prefix), prefix


def _averaged(prefix: str) -> bool:
    return any(word in prefix.lower() for word in AVERAGE)


def _shared(model: "nn.Module", parameters: Sequence[str]) -> dict[str, list[str]]:
    """All names of each parameter, its own first."""
    names: dict[int, list[str]] = {}
    for own, parameter in model.named_parameters(remove_duplicate=False):
        name = plain_name(own)
        names.setdefault(id(parameter), []).append(name)
    others = {name: group for group in names.values() for name in group}
    return {name: list(dict.fromkeys([name, *others.get(name, ())])) for name in parameters}
