"""An evaluation as a page."""

from collections.abc import Mapping, Sequence

from crisp_hw.documents.columns import cell, plain
from crisp_hw.documents.document import versions
from crisp_hw.report.basis import basis
from crisp_hw.report.evaluation import LAYER, LEGEND, TOTAL
from crisp_hw.report.figures.colours import looks
from crisp_hw.report.notes import note_line, notes
from crisp_hw.report.page.charts import coloured, heat, roofs, scatter
from crisp_hw.report.page.masks import pictures
from crisp_hw.report.page.page import Card, Chart, Page, grid
from crisp_hw.report.records import arch_names, headline, layer_records, mapping_text, total_records
from crisp_hw.report.roofline import Port, points, ports
from crisp_hw.report.silicon import without_area
from crisp_hw.results import plain_provenance
from crisp_hw.spec.columns import Column, Record
from crisp_hw.spec.evaluation import NetworkEvaluation
from crisp_hw.spec.shown import counted
from crisp_hw.spec.vocabulary import columns

MOST_CARDS = 4  # accelerators that get cards of their own
CARDS = ("cycles", "energy_uj", "on_chip_mm2")
SCATTER = ("ms", "energy_uj")
MASKLESS = (
    "None is shown: a saved result does not keep the masks it was made with, and a layer table has patterns in their "
    "place. crisp-hw evaluate with --out writes a page with masks where it is given a pruned-model file or weights."
)


def evaluation_page(
    network: NetworkEvaluation, command: str = "", records: tuple[Sequence[Record], Sequence[Record]] | None = None
) -> Page:
    """Cards, totals, layers, roofs, mappings, masks, the command line, notes and provenance.

    `records` are those of its accelerators and of its layers, where they are made already.

    >>> evaluation_page(NetworkEvaluation("nothing", ())).title
    'nothing'
    """
    totals, layers = records or (total_records(network), layer_records(network))
    names = dict.fromkeys(row.layer for row in network.rows)
    said = [plain(note_line(note, arch_names(network), names)) for note in notes(network)]
    skipped = [plain(f"{each.name}: {each.reason}") for each in (*network.skipped, *without_area(network))]
    provenance = {**plain_provenance(network.provenance), **{f"made with {k}": v for k, v in versions().items()}}
    return Page(
        plain(headline(network)),
        f"{counted(len(names), 'layer')} on {plain(', '.join(arch_names(network)))}, each with its best mapping",
        _cards(totals),
        _charts(network, totals, layers),
        (grid("Totals", columns(TOTAL), totals), grid("Layers", columns(("arch", *LAYER)), layers)) if layers else (),
        {plain(f"{row.layer} on {row.arch}"): _mapping(network, place) for place, row in enumerate(network.rows)},
        pictures(network.masks),
        {"whole": heat("all of it"), "near": heat("its first weights that are kept")},
        _maskless(network),
        plain(command),
        {
            "What the totals rest on": basis(network, notes(network), arch_names(network)),
            "Assumptions": said,
            "Skipped": skipped,
            "Reading": LEGEND,
            "Provenance": [plain(f"{key}: {value}") for key, value in provenance.items()],
        },
    )


def _maskless(network: NetworkEvaluation) -> str:
    """Why no mask of a pruned network is shown; "" where some are, or nothing is pruned."""
    shown = any(each.mask is not None for each in network.masks.values())
    return "" if shown or all(row.descriptor.role == "dense" for row in network.rows) else MASKLESS


def _cards(totals: Sequence[Record]) -> list[Card]:
    """A few figures of the first accelerators."""
    cards = []
    for record in totals[:MOST_CARDS]:
        arch = plain(str(record["arch"]))
        cards.append(Card(f"{arch}: speedup", cell(record["speedup"], "ratio"), "over the same fabric run dense"))
        for column in columns(CARDS):
            if (value := record.get(column.key)) is not None:
                cards.append(Card(f"{arch}: {column.heading}", cell(value, column.style), ""))
    return cards


def _charts(network: NetworkEvaluation, totals: Sequence[Record], layers: Sequence[Record]) -> list[Chart]:
    if not layers:
        return []
    colours = {arch: look.colour for arch, look in looks(arch_names(network)).items()}
    colour = coloured("arch", "accelerator", _apart(colours))
    axes = columns(SCATTER)
    shown = columns(("layer", "arch", *SCATTER, "cycles", "speedup", "binds"))
    charts = []
    if len(totals) > 1:
        whole = [
            {**_only(record, ("arch", *SCATTER, "cycles", "speedup")), "front": ahead}
            for record, ahead in _front(totals)
        ]
        charts.append(
            Chart(
                "totals",
                "Energy and time of the network",
                "A point per accelerator; the line joins those that no other beats in time and energy.",
                scatter(whole, (axes[0], axes[1]), columns(("arch", *SCATTER, "cycles", "speedup")), colour),
            )
        )
    rows = [_only(record, [each.key for each in shown]) for record in layers]
    words = "A point per layer and accelerator: its energy over its time."
    charts.append(
        Chart("layers", "Energy and time of the layers", words, scatter(rows, (axes[0], axes[1]), shown, colour))
    )
    return [*charts, *(_roofline(network, port, place, colour) for place, port in enumerate(ports(network)))]


def _apart(colours: Mapping[str, str]) -> Mapping[str, str]:
    """Black cannot be seen on a dark page: a grey instead."""
    return {name: "#808080" if colour.lower() == "#000000" else colour for name, colour in colours.items()}


def _front(totals: Sequence[Record]) -> list[tuple[Record, bool]]:
    """The totals, and whether no other is at least as good in time and energy and better in one."""

    def beaten(record: Record) -> bool:
        mine = [float(record[key] or 0) for key in SCATTER]
        others = ([float(each[key] or 0) for key in SCATTER] for each in totals)
        return any(all(a <= b for a, b in zip(other, mine, strict=True)) and other != mine for other in others)

    return [(record, not beaten(record)) for record in totals]


def _only(record: Record, keys: Sequence[str]) -> Record:
    return {key: record.get(key) for key in keys}


def _roofline(network: NetworkEvaluation, port: Port, place: int, colour: Mapping[str, object]) -> Chart:
    """Layers against the roof of one port."""
    found = points(network, port)
    shown = (
        Column("intensity", f"executed MACs per word {port.way} in one {plain(port.level)}", "number"),
        Column("performance", "executed MACs per cycle", "number"),
        *columns(("layer", "arch")),
        Column("bound_by", "bound by"),
    )
    records: list[Record] = [
        {
            "intensity": each.intensity,
            "performance": each.performance,
            "layer": each.layer,
            "arch": each.arch,
            "bound_by": each.bound_by,
        }
        for each in found
    ]
    low, high = min((each.intensity for each in found), default=1), max((each.intensity for each in found), default=2)
    lines: list[Record] = []
    for arch, bandwidth, peak in dict.fromkeys((each.arch, each.bandwidth, each.peak) for each in found):
        ridge = low if not bandwidth else peak / bandwidth
        corners = [(low / 2, low / 2 * bandwidth)] if bandwidth and ridge > low / 2 else []
        for x, y in [*corners, (max(ridge, low / 2), float(peak)), (max(high, ridge) * 2, float(peak))]:
            lines.append({"intensity": x, "performance": y, "arch": arch, "roof": f"{arch} {bandwidth}"})
    what = f"the words {port.way} in {plain(port.level)}"
    words = f"A point per layer and accelerator, below the roofs of the MACs and of {what}."
    spec = roofs(records, lines, shown, colour)
    return Chart(f"roof{place}", f"Roofline: {plain(port.level)}, words {port.way}", words, spec)


def _mapping(network: NetworkEvaluation, place: int) -> str:
    row = network.rows[place]
    loops = mapping_text(row.point.design.architecture, row.point.mapping).replace(" | ", "\n")
    return plain_lines(f"{loops}\n\n{row.cycles:,} cycles, bound by {row.result.bound_by}")


def plain_lines(text: str) -> str:
    """Text whose lines stay."""
    return "\n".join(plain(line) for line in text.splitlines())
