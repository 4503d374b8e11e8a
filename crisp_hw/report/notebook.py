"""How results show themselves where they stand alone: a few lines, and as HTML in a notebook."""

from collections.abc import Sequence

from crisp_hw.documents.columns import Table, cell, plain
from crisp_hw.dropin.map_files import Mapped
from crisp_hw.report.evaluation import total_table
from crisp_hw.report.notes import note_line, notes
from crisp_hw.report.records import arch_names, headline, mapping_text, total_records
from crisp_hw.spec.evaluation import NetworkEvaluation
from crisp_hw.spec.shown import counted, folded_html, listed, table_html
from crisp_hw.timeloop.stats.detail import Evaluated

MOST = 8  # accelerators that get a line


def evaluation_text(network: NetworkEvaluation) -> str:
    """What was evaluated, and the totals of every accelerator.

    >>> print(evaluation_text(NetworkEvaluation("nothing", ())))
    Evaluation of nothing: 0 layers on nothing
    """
    layers, archs = dict.fromkeys(row.layer for row in network.rows), arch_names(network)
    lines = [
        f"Evaluation of {plain(headline(network))}: {counted(len(layers), 'layer')} on {listed(map(plain, archs))}"
    ]
    records = total_records(network)
    names = max((len(plain(str(record["arch"]))) for record in records[:MOST]), default=0)
    for record in records[:MOST]:
        cycles, speedup = cell(record["cycles"], "whole"), cell(record["speedup"], "ratio")
        energy = cell(record["energy_uj"], "number")
        lines.append(f"  {plain(str(record['arch'])):{names}}  {cycles:>13} cycles  {speedup:>7}  {energy:>7} uJ")
    lines += [f"  and {counted(len(records) - MOST, 'accelerator')} more"] if len(records) > MOST else []
    return "\n".join(lines)


def evaluation_html(network: NetworkEvaluation) -> str:
    """The table of totals; what they rest on, and what was left out, is folded."""
    layers = dict.fromkeys(row.layer for row in network.rows)
    said = [plain(note_line(note, arch_names(network), layers)) for note in notes(network)]
    skipped = [plain(f"{each.name}: {each.reason}") for each in network.skipped]
    totals = table(total_table(headline(network), total_records(network)))
    return totals + folded_html("what these numbers rest on", said) + folded_html("not evaluated", skipped)


def mapping_lines(mapped: Mapped) -> tuple[str, ...]:
    """What the best mapping costs, the mapping itself, and how it was found."""
    found, point = mapped.found, mapped.evaluated.point
    costs = f"{found.cycles:,} cycles, {cell(found.energy_pj / 1e6, 'number')} uJ, least in {found.objective}"
    return (
        plain(f"BestMapping of {point.design.problem.name}: {costs}"),
        plain(mapping_text(point.design.architecture, point.mapping)),
        found.certificate,
    )


def evaluated_lines(evaluated: Evaluated) -> tuple[str, ...]:
    """What one mapping costs, and the mapping itself."""
    result, point = evaluated.result, evaluated.point
    costs = f"{result.cycles:,} cycles, {cell(result.energy_pj / 1e6, 'number')} uJ, bound by {result.bound_by}"
    return (
        plain(f"EvaluatedMapping of {point.design.problem.name}: {costs}"),
        plain(mapping_text(point.design.architecture, point.mapping)),
    )


def evaluated_html(evaluated: Evaluated) -> str:
    """One mapping and its costs; what has no effect in the documents is folded."""
    return _mapping_html(evaluated_lines(evaluated), evaluated)


def mapping_html(mapped: Mapped) -> str:
    """The best mapping and its costs; what has no effect in the documents is folded."""
    return _mapping_html(mapping_lines(mapped), mapped.evaluated)


def _mapping_html(said: Sequence[str], evaluated: Evaluated) -> str:
    title, *lines = said
    rows = [[line] for line in lines]
    result = evaluated.result
    notes_ = folded_html("what these numbers rest on", map(plain, result.assumptions))
    return table_html(title, ["mapping"], rows) + notes_ + folded_html("without effect", map(plain, result.skipped))


def table(content: Table) -> str:
    """A table for people as HTML."""
    left = [place for place, column in enumerate(content.columns) if column.left]
    return table_html(content.title, [column.heading for column in content.columns], content.rows, left)
