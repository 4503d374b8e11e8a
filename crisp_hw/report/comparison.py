"""What is said of two evaluations side by side: totals, the layers that differ, and what differs most."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from itertools import groupby
from math import inf, log

from crisp_hw.documents.columns import cell, plain, table
from crisp_hw.documents.document import Document, versions
from crisp_hw.report.records import Record
from crisp_hw.spec.columns import Value
from crisp_hw.spec.comparison import Compared, Comparison, Missing
from crisp_hw.spec.documents.verdicts import COMPARED, COMPARED_LAYERS
from crisp_hw.spec.shown import listed
from crisp_hw.spec.vocabulary import columns

SCHEMA = "crisp-hw/comparison/1"
TOTALS = (
    *("cycles", "on_chip_uj", "dram_uj", "energy_uj", "speedup", "on_chip_gain", "energy_gain"),
    *("ms", "effective_tops", "total_w", "edp_uj_ms", "on_chip_mm2"),
)
LAYERS = ("cycles", "on_chip_uj", "dram_uj", "energy_uj", "utilization")
SHOWN = 12  # of the figures that differ most
NAMED = 5  # layers that a line names before it counts the rest


def comparison_document(found: Comparison, files: tuple[str, str]) -> Document:
    """Totals, then the layers of which a figure is beyond the tolerance; the records are all figures of both.

    >>> same = Compared("stc", "stc", None, "cycles", 5, 5)
    >>> comparison_document(Comparison(("net", "net"), (same,), (), 0.0), ("a.json", "b.json")).summary["verdict"]
    ('all 1 figures are equal',)
    """
    title = plain(f"b against a: {' and '.join(dict.fromkeys(found.names))}")
    totals = [each for each in found.figures if each.layer is None]
    records = [_record(each) for each in found.figures]
    beyond = [_record(each) for each in found.beyond]
    tables = [table(f"{title}: totals of the layers that both have", COMPARED.columns, _total_rows(totals))]
    if rows := list(_layer_rows(found)):
        tables.append(table("layers that differ, b/a", _LAYER_COLUMNS, rows))
    if largest := _largest(found.beyond):
        tables.append(table("what differs most", COMPARED.columns, map(_figure_row, largest)))
    remarks = {
        "compared": tuple(plain(f"{letter}: {file}") for letter, file in zip("ab", files, strict=True)),
        "missing": tuple(plain(_alone(each)) for each in found.missing),
        "texts": tuple(_texts(found.figures)),
    }
    content = {
        "schema": SCHEMA,
        "versions": versions(),
        "a": {"file": files[0], "name": found.names[0]},
        "b": {"file": files[1], "name": found.names[1]},
        "tolerance": found.tolerance,
        "equal": found.equal,
        "missing": [asdict(each) for each in found.missing],
        "figures": records,
        "beyond": beyond,
    }
    verdict = {"verdict": (_answer(found),)}
    return Document(title, tuple(tables), remarks, records, content, summary=verdict)


_LAYER_COLUMNS = (
    *COMPARED_LAYERS.columns[:-1],
    *(replace(each, style="number") for each in columns(LAYERS)),  # ratios, with as many digits as they need
    COMPARED_LAYERS.columns[-1],
)


def _total_rows(totals: Sequence[Compared]) -> Iterator[dict[str, Value]]:
    for each in totals:
        if each.key in TOTALS:
            yield _figure_row(each)


def _layer_rows(found: Comparison) -> Iterator[dict[str, Value]]:
    """A row per layer of which something is beyond the tolerance, with the ratios of its main figures."""
    layers = (each for each in found.figures if each.layer is not None)
    for (arch, layer), group in groupby(layers, key=lambda each: (_arch(each), each.layer)):
        figures = list(group)
        if differing := sum(each.beyond(found.tolerance) for each in figures):
            ratios = {each.key: _ratio(each) for each in figures if each.key in LAYERS}
            yield {"arch": arch, "layer": layer, **ratios, "differing": differing}


def _largest(beyond: Sequence[Compared]) -> list[Compared]:
    """The figures of layers that are furthest apart; those without a positive ratio last."""
    of_layers = [each for each in beyond if each.layer is not None]
    return sorted(of_layers, key=lambda each: -_distance(each))[:SHOWN]


def _distance(each: Compared) -> float:
    """How far apart, the same in both directions."""
    ratio = each.ratio
    return abs(log(ratio)) if ratio is not None and 0 < ratio < inf else 0.0


def _figure_row(each: Compared) -> dict[str, Value]:
    (column,) = columns([each.key])
    figure, a, b = column.heading, cell(each.a, column.style), cell(each.b, column.style)
    return {"arch": _arch(each), "layer": each.layer, "figure": figure, "a": a, "b": b, "ratio": _ratio(each)}


def _ratio(each: Compared) -> str | None:
    """With as many digits as show that it is not 1."""
    ratio = each.ratio
    if ratio is None:
        return None
    return "1" if each.a == each.b else f"{ratio:#.4g}" if abs(ratio - 1.0) >= 1e-4 else f"{ratio:.12g}"


def _arch(each: Compared) -> str:
    return each.arch_a if each.arch_a == each.arch_b else f"{each.arch_a} -> {each.arch_b}"


def _record(each: Compared) -> Record:
    return {
        "arch_a": each.arch_a,
        "arch_b": each.arch_b,
        "layer": each.layer,
        "figure": each.key,
        "a": each.a,
        "b": each.b,
        "ratio": each.ratio,
    }


def _alone(each: Missing) -> str:
    where = {"a": "in a alone", "b": "in b alone"}[each.there]
    if not each.layers:
        return f"{each.arch}: {where}"
    return f"{each.arch}: {where} {'are' if len(each.layers) > 1 else 'is'} {listed(each.layers, NAMED)}"


def _answer(found: Comparison) -> str:
    count = sum(not each.text for each in found.figures)
    beyond = found.beyond
    if not beyond:
        same = all(each.text or each.a == each.b for each in found.figures)
        how = "equal" if same else f"within {100 * found.tolerance:g} % of each other"
        if found.missing:
            return f"the two differ: one alone has what stands below; all {count:,} figures that both have are {how}"
        return f"all {count:,} figures are {how}"
    within = f" by more than {100 * found.tolerance:g} %" if found.tolerance else ""
    return f"{len(beyond):,} of {count:,} figures differ{within}"


def _texts(figures: Sequence[Compared]) -> Iterator[str]:
    """How many layers have another text, such as another mapping; texts are not measured."""
    other = sorted((each for each in figures if each.text and each.a != each.b), key=lambda each: each.key)
    for key, group in groupby(other, key=lambda each: each.key):
        found = list(group)
        (column,) = columns([key])
        example = found[0]
        said = f"{example.layer} on {_arch(example)}: {_brief(example.a)} against {_brief(example.b)}"
        yield plain(f"{column.heading} differs {len(found)} times, for example {said}")


def _brief(value: Value) -> str:
    text = cell(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
