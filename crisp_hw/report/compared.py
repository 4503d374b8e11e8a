"""Compares two evaluations, figure by figure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from crisp_hw.errors import InputError
from crisp_hw.report.records import arch_names, layer_records, total_records
from crisp_hw.spec.comparison import Compared, Comparison, Missing
from crisp_hw.spec.evaluation import LayerEvaluation, NetworkEvaluation

NO_FIGURES = frozenset({"arch", "layer", "layers", "mappings_tried", "mappings_valid"})
"""What names a record or tells how it was found, and so is not compared."""


def compare(
    a: NetworkEvaluation, b: NetworkEvaluation, archs: Sequence[str] = (), tolerance: float = 0.0
) -> Comparison:
    """Compare two evaluations on every accelerator and layer that both have.

    Parameters
    ----------
    archs
        One accelerator to look at, or two: the first of `a`, which is compared with the second of `b`. Empty: all.
    tolerance
        The share of the first by which the second may differ.

    Raises
    ------
    InputError
        When an accelerator is not there, or the two have none in common.

    Examples
    --------
    >>> nothing = NetworkEvaluation("nothing", ())
    >>> compare(nothing, nothing)
    Traceback (most recent call last):
    ...
    crisp_hw.errors.InputError: the two have no accelerator in common: nothing and nothing; name one of each, to ...
    """
    figures: list[Compared] = []
    pairs = _pairs(arch_names(a), arch_names(b), archs)
    missing = [] if archs else _alone(arch_names(a), arch_names(b))
    parameters = {key for network in (a, b) for changes in network.parameters.values() for key in changes}
    for arch_a, arch_b in pairs:
        first, second = _rows(a, arch_a), _rows(b, arch_b)
        common = [layer for layer in first if layer in second]
        missing += _lacking(arch_a, first, common, "a") + _lacking(arch_b, second, common, "b")
        if common:
            own = (
                replace(a, rows=tuple(first[each] for each in common)),
                replace(b, rows=tuple(second[each] for each in common)),
            )
            figures += (each for each in _compared(*own) if each.key not in NO_FIGURES | parameters)
    if not figures:
        raise InputError("the two have no layer in common", hint="compare two evaluations of one network")
    return Comparison((a.name, b.name), tuple(figures), tuple(missing), tolerance)


def _pairs(names_a: Sequence[str], names_b: Sequence[str], archs: Sequence[str]) -> list[tuple[str, str]]:
    """The accelerators to compare, of the first evaluation and of the second."""
    if len(archs) > 2:
        raise InputError(f"{len(archs)} accelerators are named", hint="name one, or one of each evaluation")
    if archs:
        for name, names, which in ((archs[0], names_a, "first"), (archs[-1], names_b, "second")):
            if name not in names:
                raise InputError(f"{name} is not in the {which} evaluation", hint=f"there are {', '.join(names)}")
        return [(archs[0], archs[-1])]
    common = [(each, each) for each in names_a if each in names_b]
    if not common:
        there = " and ".join(", ".join(names) or "nothing" for names in (names_a, names_b))
        said = f"the two have no accelerator in common: {there}"
        raise InputError(said, hint="name one of each, to compare these: --arch FIRST --arch SECOND")
    return common


def _alone(names_a: Sequence[str], names_b: Sequence[str]) -> list[Missing]:
    """The accelerators that one of the two alone has."""
    first = [Missing(each, (), "a") for each in names_a if each not in names_b]
    return first + [Missing(each, (), "b") for each in names_b if each not in names_a]


def _rows(network: NetworkEvaluation, arch: str) -> dict[str, LayerEvaluation]:
    return {row.layer: row for row in network.rows if row.arch == arch}


def _lacking(
    arch: str, rows: Mapping[str, LayerEvaluation], common: Sequence[str], there: Literal["a", "b"]
) -> list[Missing]:
    alone = tuple(layer for layer in rows if layer not in common)
    return [Missing(arch, alone, there)] if alone else []


def _compared(a: NetworkEvaluation, b: NetworkEvaluation) -> Iterator[Compared]:
    """Totals first, then the layers, of two evaluations of the same layers on one accelerator each."""
    archs = (a.rows[0].arch, b.rows[0].arch)
    for found in (total_records, layer_records):
        for first, second in zip(found(a), found(b), strict=True):
            layer = first.get("layer")
            for key in dict.fromkeys((*first, *second)):
                yield Compared(*archs, None if layer is None else str(layer), key, first.get(key), second.get(key))
