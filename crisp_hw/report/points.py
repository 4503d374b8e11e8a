"""Sparse convolutions over points as a document: layers, groups, and what all of it takes on accelerators."""

from collections.abc import Mapping, Sequence

from crisp_hw.documents.columns import table
from crisp_hw.documents.document import Document, versions
from crisp_hw.report.energies import UJ
from crisp_hw.report.records import total_records
from crisp_hw.spec.accelerator import Accelerator
from crisp_hw.spec.columns import Record
from crisp_hw.spec.documents.workloads import POINT_LAYERS, POINT_TOTALS
from crisp_hw.spec.evaluation import NetworkEvaluation
from crisp_hw.spec.points import PointLayer, TrafficCost
from crisp_hw.spec.shown import counted

SCHEMA = "crisp-hw/points/1"
NOTES = (
    "gather reads and writes rows of channels at the outermost level before the matrix products, scatter reads every "
    "partial sum and writes every output once after them; nothing of it overlaps with the products",
    "finding voxels and making kernel maps is not modelled",
)


def layer_records(layers: Sequence[PointLayer]) -> list[Record]:
    """One record per convolution.

    >>> layer_records([])
    []
    """
    return [
        {
            "layer": each.convolution.name,
            "voxels_in": each.map.input_voxels,
            "voxels_out": each.map.output_voxels,
            "pairs": each.map.pairs,
            "neighbours": each.map.pairs / each.map.output_voxels,
            "kernels": each.kernels,
            "padding": each.padding,
            "macs": each.macs,
            "gather_words": each.traffic.gather_read + each.traffic.gather_write,
            "scatter_words": each.traffic.scatter_read + each.traffic.scatter_write,
        }
        for each in layers
    ]


def group_records(layers: Sequence[PointLayer]) -> list[Record]:
    """One record per group of matrix products.

    >>> group_records([])
    []
    """
    return [
        {
            "layer": each.convolution.name,
            "group": number,
            "products": len(group.offsets),
            "kernels": group.kernels,
            "pairs": sum(each.map.sizes[offset] for offset in group.offsets),
            "rows": sum(group.rows),
            "gathered": group.gathered,
        }
        for each in layers
        for number, group in enumerate(each.groups)
    ]


def points_document(
    name: str,
    layers: Sequence[PointLayer],
    found: NetworkEvaluation,
    costs: Mapping[str, TrafficCost],
    accelerators: Sequence[Accelerator],
) -> Document:
    """Totals by accelerator, then the convolutions; `costs` are those of gather and scatter, by accelerator."""
    records, totals = layer_records(layers), _totals(found, costs)
    free = [each.name for each in accelerators if _unlimited(each)]
    notes = [
        *NOTES,
        *(f"{each} has no bandwidth at its outermost level, so gather and scatter take no time" for each in free),
    ]
    content = {
        "schema": SCHEMA,
        "name": name,
        "versions": versions(),
        "totals": totals,
        "layers": records,
        "groups": group_records(layers),
        "assumptions": [*notes, *found.assumptions],
        "skipped": [{"name": each.name, "reason": each.reason} for each in found.skipped],
    }
    shown = (
        table(f"{name}: totals of {counted(len(layers), 'convolution')}", POINT_TOTALS.columns, totals),
        table(f"{name}: convolutions", POINT_LAYERS.columns, records),
    )
    remarks = {"notes": (*notes, *found.assumptions), "skipped": tuple(f"{e.name}: {e.reason}" for e in found.skipped)}
    return Document(name, shown, remarks, totals, content)


def _totals(found: NetworkEvaluation, costs: Mapping[str, TrafficCost]) -> list[Record]:
    """The matrix products of all layers with gather and scatter."""
    made: list[Record] = []
    for record in total_records(found):
        arch = str(record["arch"])
        moved, products = costs[arch], int(record["cycles"] or 0)
        cycles, dense = products + moved.cycles, int(record["dense_cycles"] or 0) + moved.cycles
        product_uj, traffic_uj = float(record["energy_uj"] or 0), moved.energy_pj * UJ
        made.append(
            {
                "arch": arch,
                "cycles": cycles,
                "dense_cycles": dense,
                "speedup": dense / cycles,
                "product_cycles": products,
                "traffic_cycles": moved.cycles,
                "energy_uj": product_uj + traffic_uj,
                "product_uj": product_uj,
                "traffic_uj": traffic_uj,
            }
        )
    return made


def _unlimited(accelerator: Accelerator) -> bool:
    level = accelerator.architecture.levels[-1]
    return level.read_bandwidth is None and level.write_bandwidth is None
