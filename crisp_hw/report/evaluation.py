"""The document of an evaluation: totals, a table per accelerator, what was assumed and skipped."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby

from crisp_hw import results
from crisp_hw.documents.columns import Table, plain, table
from crisp_hw.documents.document import Document, versions
from crisp_hw.documents.postponed import LaterContent, LaterRecords
from crisp_hw.report import density
from crisp_hw.report.basis import basis
from crisp_hw.report.moved import level_records
from crisp_hw.report.notes import Note, note_line, notes
from crisp_hw.report.outermost import outermost_lines, outermost_records
from crisp_hw.report.records import Record, arch_names, headline, layer_records, total_records
from crisp_hw.report.silicon import area_records, merged, technology_records, without_area
from crisp_hw.results import SCHEMA, plain_provenance
from crisp_hw.spec.evaluation import NetworkEvaluation
from crisp_hw.spec.layer import Skipped
from crisp_hw.spec.vocabulary import SECTIONS, columns

LAYER = (
    *("layer", "pattern", "kept_ratio", "density", "cycles", "dense_cycles", "speedup", "on_chip_uj", "on_chip_gain"),
    *("dram_uj", "binds", "utilization", "ms", "effective_tops", "roof_share", "on_chip_w", "on_chip_tops_per_w"),
    *("edp_uj_ms", "off_chip_bytes"),
)
TOTAL = (
    *("arch", "cycles", "dense_cycles", "speedup", "on_chip_uj", "on_chip_metadata_uj"),
    *("on_chip_overhead_uj", "on_chip_gain", "dram_uj", "energy_uj", "energy_gain", "mac_bound_share", "ms"),
    *("effective_tops", "roof_share", "binds", "on_chip_w", "on_chip_tops_per_w"),
    *("total_tops_per_w", "edp_uj_ms", "on_chip_mm2", "effective_tops_per_mm2", "off_chip_bytes"),
)
LEGEND = (
    "gain is the energy of the dense run divided by that of this run; on-chip is everything but DRAM, energy is both; "
    "Bn stands for blocks of n x n weights; the kept ratio is K'/K, the share of columns that a block row keeps",
    "metadata is the energy of accesses to offsets, bitmaps and block indices; overhead is the energy of block index, "
    "activation selection and decoders, which Sparseloop does not model; both are part of the on-chip energy",
)


def layer_tables(title: str, found: Sequence[Record], wide: bool = False) -> tuple[Table, ...]:
    """One table per accelerator with a row per layer, of `layer_records`; `wide` shows every key of the records."""
    shown = columns(_keys(found) if wide else LAYER)
    groups = groupby(found, key=lambda record: record["arch"])
    return tuple(table(f"{title} on {arch}", shown, rows) for arch, rows in groups)


def total_table(title: str, records: Sequence[Record], wide: bool = False) -> Table:
    """One row per accelerator, of `total_records`."""
    counts = " or ".join(dict.fromkeys(str(record["layers"]) for record in records))
    noun = "layer" if counts == "1" else "layers"
    return table(f"{title}: totals of {counts} {noun}", columns(_keys(records) if wide else TOTAL), records)


def evaluation_document(
    network: NetworkEvaluation, wide: bool = False, *, per_layer: bool = True, with_notes: bool = True
) -> Document:
    """The totals and what they rest on; then the tables by layer and, at last, all notes, unless they are not wanted.

    The records are those of the layers; they and the content hold everything, whatever is shown.

    >>> evaluation_document(NetworkEvaluation("nothing", ())).content["schema"]
    'crisp-hw/result/2'
    """
    told = _told(network)
    records = LaterRecords(lambda: layer_records(network))
    content = LaterContent(lambda: _content(network, told, records))
    return Document(
        headline(network),
        (
            *(_by_layer(network, told, records, wide) if per_layer else ()),
            *(_silicon(network) if with_notes else ()),
        ),
        _remarks(network, told) if with_notes else {},
        records,
        content,
        lambda: results.whole(content, network),
        answer=(total_table(headline(network), told.totals, wide),),
        summary={
            "accuracy": accuracy_lines(told.provenance),
            "reads": outermost_lines(told.outermost),
            "rests on": told.rests_on,
        },
    )


@dataclass(frozen=True)
class _Told:
    """What an answer of any length says; the records of layers and levels are made for those that show them."""

    notes: tuple[Note, ...]
    provenance: dict[str, object]
    totals: list[Record]
    checked: list[Record]
    outermost: list[Record]
    skipped: tuple[Skipped, ...]
    rests_on: tuple[str, ...]


def _told(network: NetworkEvaluation) -> _Told:
    found = notes(network)
    return _Told(
        found,
        plain_provenance(network.provenance),
        total_records(network),
        density.density_records(network),
        outermost_records(network),
        (*network.skipped, *without_area(network)),
        basis(network, found, arch_names(network)),
    )


def _remarks(network: NetworkEvaluation, told: _Told) -> dict[str, tuple[str, ...]]:
    """All notes, what was skipped, where it comes from, and what the columns mean."""
    layers = dict.fromkeys(row.layer for row in network.rows)
    return {
        "reading": (*LEGEND, density.LEGEND) if told.checked else LEGEND,
        "assumptions": tuple(plain(note_line(note, arch_names(network), layers)) for note in told.notes),
        "skipped": tuple(plain(f"{each.name}: {each.reason}") for each in told.skipped),
        "provenance": tuple(plain(f"{key}: {value}") for key, value in told.provenance.items()),
    }


def _content(network: NetworkEvaluation, told: _Told, records: Sequence[Record]) -> dict[str, object]:
    """Everything, for programs."""
    content: dict[str, object] = {
        "schema": SCHEMA,
        "name": network.name,
        "versions": versions(),
        "provenance": told.provenance,
        "totals": told.totals,
        "rests_on": list(told.rests_on),
        "layers": list(records),
        "levels": level_records(network),
        "technology": technology_records(network),
        "areas": area_records(network),
        "assumptions": [asdict(note) for note in told.notes],
        "skipped": [asdict(each) for each in told.skipped],
    }
    if told.outermost:
        content["outermost"] = told.outermost
    if told.checked:
        content["density"] = {"layers": told.checked, "tiles": density.tile_records(network)}
    return content


def _by_layer(network: NetworkEvaluation, told: _Told, records: Sequence[Record], wide: bool) -> tuple[Table, ...]:
    """The tables with a row per layer, and those of tiles where densities were compared."""
    tiles = density.density_tables(told.checked, density.tile_records(network))
    return (*layer_tables(headline(network), records, wide), *tiles)


def _silicon(network: NetworkEvaluation) -> tuple[Table, ...]:
    """Technology and areas, where there are some."""
    chips = (("technology", technology_records(network)), ("areas", area_records(network)))
    return tuple(table(SECTIONS[key].title, SECTIONS[key].columns, merged(found)) for key, found in chips if found)


def accuracy_lines(provenance: Mapping[str, object]) -> tuple[str, ...]:
    """Top-1 before and after pruning in words, where the pruned-model file tells (keys `top1_before`, `top1_after`).

    >>> before, after = ({"top1_all": a, "top1_classes": b, "samples": 50} for a, b in ((0.9, 0.98), (0.8, 0.96)))
    >>> accuracy_lines({"top1_before": before, "top1_after": after})
    ('top-1 among the classes pruned for: 98.0 % before, 96.0 % after', 'top-1 over all outputs: 90.0 % before, ...')
    """
    before, after = (provenance.get(key) for key in ("top1_before", "top1_after"))
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return ()
    said = {"top1_classes": "top-1 among the classes pruned for", "top1_all": "top-1 over all outputs"}
    return tuple(
        f"{words}: {before[key]:.1%} before, {after[key]:.1%} after".replace("%", " %")
        for key, words in said.items()
        if all(isinstance(each.get(key), int | float) for each in (before, after))
    )


def _keys(records: Sequence[Record]) -> tuple[str, ...]:
    """Every key; all records have the same."""
    return tuple(records[0]) if records else ()
