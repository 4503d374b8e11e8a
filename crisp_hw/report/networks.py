"""Documents about workloads: which there are, and the layers of one."""

from collections.abc import Sequence
from dataclasses import asdict

from crisp_hw.documents.columns import plain, table
from crisp_hw.documents.document import Document, versions
from crisp_hw.report.records import Record
from crisp_hw.spec.documents.workloads import WORKLOAD, WORKLOADS
from crisp_hw.spec.layer import Layer, Workload

SCHEMA = "crisp-hw/workload-table/1"


def workload_list(workloads: Sequence[Workload]) -> Document:
    """One row per workload: its layers, weights and multiply-accumulates for one sample.

    >>> workload_list([Workload("mlp", (Layer("fc", "linear", 2, 4),))]).records[0]["weights"]
    8
    """
    records = [_sums(each) for each in workloads]
    content = {"schema": "crisp-hw/workloads/1", "workloads": records}
    return Document("workloads", (table("workloads", WORKLOADS.columns, records),), records=records, content=content)


def workload_document(workload: Workload) -> Document:
    """The layers of one workload; rows x columns is the weight matrix, positions the outputs of one channel.

    >>> workload_document(Workload("mlp", (Layer("fc", "linear", 2, 4),))).records[0]["macs"]
    8
    """
    records = [_layer_record(layer) for layer in workload.layers]
    sums = _sums(workload)
    totals: tuple[str, ...] = (
        f"{sums['layers']} layers, {sums['weights']:,} weights, {sums['macs']:,} MACs for one sample",
    )
    if masked := sum(layer.masked_macs for layer in workload.layers):
        totals += (f"a causal mask drops the results of {masked:,} of these MACs, which run nevertheless",)
    remarks = {
        "source": (plain(workload.source),) if workload.source else (),
        "skipped": tuple(plain(f"{each.name}: {each.reason}") for each in workload.skipped),
    }
    content = {
        "schema": SCHEMA,
        **sums,
        "versions": versions(),
        "layers": records,
        "skipped": [asdict(each) for each in workload.skipped],
    }
    shown = (table(workload.name, WORKLOAD.columns, records),)
    return Document(workload.name, shown, remarks, records, content, summary={"totals": totals})


def _sums(workload: Workload) -> Record:
    return {
        "name": workload.name,
        "layers": len(workload.layers),
        "weights": sum(layer.weights for layer in workload.layers if layer.kind != "matmul"),
        "macs": sum(layer.macs for layer in workload.layers),
        "source": workload.source,
    }


def _layer_record(layer: Layer) -> Record:
    conv = layer.kind == "conv2d"
    return {
        "layer": layer.name,
        "kind": layer.kind,
        "rows": layer.rows,
        "columns": layer.columns,
        "positions": layer.positions,
        "kernel": f"{layer.kernel[0]}x{layer.kernel[1]}" if conv else None,
        "stride": f"{layer.stride[0]}x{layer.stride[1]}" if conv else None,
        "groups": layer.groups,
        "weights": layer.weights,
        "macs": layer.macs,
    }
