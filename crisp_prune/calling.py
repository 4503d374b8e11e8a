"""A model called with what somebody gives as its input: a tensor, a tuple of arguments, or arguments by name."""

from collections.abc import Mapping
from inspect import Parameter, Signature, signature
from typing import Any

from torch import nn
from torch.nn.utils.rnn import PackedSequence

from crisp_hw.errors import InputError
from crisp_hw.spec.shown import listed

Arguments = tuple[tuple[Any, ...], dict[str, Any]]
"""Those by place and those by name."""
NAMED = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)


def call(model: nn.Module, given: Any) -> Any:
    """What the model gives for an input, in the way of `arguments`.

    >>> import torch
    >>> call(nn.Bilinear(2, 3, 4), {"input1": torch.ones(1, 2), "input2": torch.ones(1, 3)}).shape
    torch.Size([1, 4])
    """
    args, kwargs = arguments(model, given)
    return model(*args, **kwargs)


def arguments(model: nn.Module, given: Any) -> Arguments:
    """How a model is called with an input, as its users call it; what its forward takes decides.

    A tuple is several arguments, a map (also one of Hugging Face's tokenizers) arguments by name. Either is one
    argument where forward takes it as one: it has no such number of places, or none of the names. Anything else is one.
    InputError for a map of which forward takes some names and not others, or that lacks one.

    >>> arguments(nn.Linear(2, 2), {"input": 1}), arguments(nn.Linear(2, 2), {"x": 1})
    (((), {'input': 1}), (({'x': 1},), {}))
    """
    takes = _signature(model)
    match given:
        case Mapping():
            return _by_name(model, given, takes)
        case tuple() if not isinstance(given, PackedSequence) and (_fits(takes, *given) or not _fits(takes, given)):
            return tuple(given), {}
    return (given,), {}


def in_places(model: nn.Module, given: Any) -> tuple[Any, ...]:
    """The same arguments all by place, as a traced graph takes them; those by name alone have no place.

    >>> in_places(nn.Bilinear(2, 3, 4), {"input2": 2, "input1": 1})
    (1, 2)
    """
    args, kwargs = arguments(model, given)
    takes = _signature(model)
    if not kwargs or takes is None:
        return args
    bound = takes.bind(*args, **kwargs)
    bound.apply_defaults()
    return bound.args


def without_masks(given: Arguments) -> list[Any]:
    """The arguments that tell the number of samples: masks often have no batch in front.

    >>> without_masks(((), {"x": 1, "attention_mask": 2}))
    [1]
    """
    args, kwargs = given
    plain = {name: value for name, value in kwargs.items() if "mask" not in name} or kwargs
    return [*args, *plain.values()]


def names_taken(model: nn.Module) -> frozenset[str]:
    """The names of arguments that the forward of a model has.

    >>> sorted(names_taken(nn.Linear(2, 2)))
    ['input']
    """
    takes = _signature(model)
    return frozenset() if takes is None else frozenset(n for n, one in takes.parameters.items() if one.kind in NAMED)


def _by_name(model: nn.Module, given: Mapping[Any, Any], takes: Signature | None) -> Arguments:
    worded = all(isinstance(name, str) for name in given)
    if worded and _fits(takes, **given):
        return (), dict(given)
    known = names_taken(model)
    if not known & set(given) and _fits(takes, given):
        return (given,), {}
    assert takes is not None  # without one everything fits
    needed = [n for n, one in takes.parameters.items() if one.default is Parameter.empty and one.kind in NAMED]
    foreign, lacking = [str(name) for name in given if name not in known], [n for n in needed if n not in given]
    parts = (("takes no", foreign), ("needs", lacking))
    said = " and ".join(f"{words} {listed(names, 3)}" for words, names in parts if names)
    raise InputError(
        f"an input names {listed([str(name) for name in given], 4)}, and forward of {type(model).__name__} {said}",
        hint="give what it takes, or a tuple with the map in it, ({...},), where the map is one argument",
    )


def _signature(model: nn.Module) -> Signature | None:
    """What forward takes; None where Python cannot tell, as of scripted modules."""
    inside = getattr(model, "_orig_mod", model)  # of torch.compile
    try:
        return signature(inside.forward)
    except (TypeError, ValueError):
        return None


def _fits(takes: Signature | None, *args: Any, **kwargs: Any) -> bool:
    """Could a function be called so?"""
    try:
        return takes is None or bool(takes.bind(*args, **kwargs)) or True
    except TypeError:
        return False
