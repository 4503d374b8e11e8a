"""The run directory: config.json, metrics.csv, checkpoint.pt, report.md, weights.pt, and the job.yaml of `options`."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.machine.foreign import in_our_words
from crisp_hw.machine.writing import write_text
from crisp_hw.spec.descriptors import PrunedModel
from crisp_prune.checkpoint import make_folder
from crisp_prune.choices import BALANCED
from crisp_prune.config import pattern_in_words
from crisp_prune.evaluate import Accuracy
from crisp_prune.prune import Crisp
from crisp_prune.training import EpochRow

CONFIG = "config.json"
METRICS = "metrics.csv"
REPORT = "report.md"
CHECKPOINT = "checkpoint.pt"
WEIGHTS = "weights.pt"
LIMIT = 2**20
"""Bytes of the largest config.json that is read: far above what a job comes to."""
SCHEMA = "crisp-hw/prune-job/1"


def open_run(folder: Path, job: Mapping[str, Any], resume: bool) -> None:
    """Make the directory and note the job, or check that the job to resume is the same one.

    InputError when a run is there already and is not resumed, or when it was another job.
    """
    noted, where = folder / CONFIG, Where(mark=Mark(str(folder)))
    if not noted.exists():
        make_folder(folder)
        write_text(noted, json.dumps({"schema": SCHEMA, **job}, indent=2, sort_keys=True) + "\n")
        return
    if not resume:
        raise InputError("holds a run already", where, "add --resume to continue it, or choose another --run-dir")
    saved, job = _read(noted), json.loads(json.dumps(job))
    different = [name for name in sorted(saved.keys() | job.keys()) if saved.get(name) != job.get(name)]
    if different:
        pairs = ", ".join(f"{name} {saved.get(name)!r} (now {job.get(name)!r})" for name in different)
        raise InputError(f"holds another run: {pairs}", where, "resume with the saved values")


def _read(noted: Path) -> dict[str, Any]:
    """The job that a run directory notes."""
    where, hint = Where(mark=Mark(str(noted))), "the run cannot be continued, so choose another --run-dir"
    if not noted.is_file() or noted.stat().st_size > LIMIT:
        raise InputError("is no file that a run wrote", where, hint)
    try:
        saved = json.loads(noted.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"is damaged ({in_our_words(error)})", where, hint) from error
    if not isinstance(saved, dict):
        raise InputError("is damaged: it holds no named values", where, hint)
    if saved.pop("schema", SCHEMA) != SCHEMA:  # runs of before there was one have none
        raise InputError("was written by another version", where, hint)
    return saved


def metrics_csv(rows: Sequence[EpochRow], before: Accuracy, after: Accuracy | None) -> str:
    """One line per epoch; the accuracies stand on the line of epoch 0 (before) and on a last line (after).

    >>> print(metrics_csv((), Accuracy(0.5, 1.0, 2), None).splitlines()[1])
    0,0,0,0.0,,,0.5,1.0
    """
    names = [entry.name for entry in fields(EpochRow)] + ["top1_all", "top1_classes"]
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    first = {"epoch": 0, "step": 0, "iteration": 0, "sparsity": 0.0}
    writer.writerow({**first, "top1_all": before.top1_all, "top1_classes": before.top1_classes})
    writer.writerows([asdict(row) for row in rows])
    if after is not None:
        last = asdict(rows[-1]) if rows else first
        writer.writerow({**last, "top1_all": after.top1_all, "top1_classes": after.top1_classes})
    return text.getvalue()


def report_markdown(pruner: Crisp, exported: PrunedModel, before: Accuracy, after: Accuracy) -> str:
    """The run in one page: result, iterations, layers, what was not pruned."""
    config = pruner.config
    lines = [f"# {exported.name} pruned to {pattern_in_words(config)}", ""]
    lines += [
        f"Sparsity {pruner.sparsity:.4f} (target {config.sparsity}), over the weights of hybrid and nm layers, "
        f"N:M counted. Classes: {', '.join(map(str, config.classes)) or 'all'}. Seed {config.seed}.",
        "",
    ]
    lines += _table(
        ("top-1", "before", "after"),
        [
            ("over all outputs", f"{before.top1_all:.4f}", f"{after.top1_all:.4f}"),
            ("among the user's classes", f"{before.top1_classes:.4f}", f"{after.top1_classes:.4f}"),
        ],
    )
    lines += [f"{after.samples} validation samples of the user's classes.", "", _work_left(exported), ""]
    lines += ["## Iterations", ""]
    lines += _table(
        ("iteration", "target", "sparsity"),
        [(str(done.index), f"{done.target:.4f}", f"{done.sparsity:.4f}") for done in pruner.history],
    )
    lines += ["## Layers", "", *_table(("layer", "role", "matrix", "live blocks", "sparsity", "why"), _layers(pruner))]
    lines += ["## Not pruned, not exported", ""]
    lines += [f"- {entry.name}: {entry.reason}" for entry in exported.skipped] or ["- nothing"]
    notes = exported.provenance.get("notes", [])
    lines += ["", "## Notes", "", *([f"- {note}" for note in notes] or ["- none"]), ""]
    return "\n".join(lines)


def _work_left(exported: PrunedModel) -> str:
    """Multiply-accumulates and weights that are left of all exported layers, those that stayed dense included."""
    kept = [1.0 if layer.mask is None else float(layer.mask.mean()) for layer in exported.layers]
    pairs = list(zip(kept, exported.layers, strict=True))
    macs = sum(share * each.layer.macs for share, each in pairs), sum(each.layer.macs for each in exported.layers)
    weights = (
        sum(share * each.layer.weights for share, each in pairs if each.layer.kind != "matmul"),
        sum(each.layer.weights for each in exported.layers if each.layer.kind != "matmul"),
    )
    named = (("multiply-accumulates", macs), ("weights", weights))
    told = [f"{share / max(whole, 1):.2%} of the {what} ({share:,.0f} of {whole:,})" for what, (share, whole) in named]
    return f"Left are {' and '.join(told)}."


def _layers(pruner: Crisp) -> list[tuple[str, ...]]:
    """One table row per layer."""
    rows: list[tuple[str, ...]] = []
    for layer in pruner.plan().layers:
        masks = pruner.masks.get(layer.name)
        sparsity = 1 - float(masks.keep.float().mean()) if masks is not None else 0.0
        live = "-"
        if masks is not None and layer.role == "hybrid":
            blocks = masks.blocks[0] if pruner.config.pattern in BALANCED else masks.blocks
            live = f"{int(blocks.sum())} of {blocks.numel()}"
        matrix = f"{layer.grid.rows} x {layer.grid.columns}"
        rows.append((layer.name, layer.role, matrix, live, f"{sparsity:.4f}", layer.reason))
    return rows


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table and an empty line."""
    lines = [" | ".join(head), " | ".join("---" for _ in head), *(" | ".join(row) for row in rows)]
    return [f"| {line} |" for line in lines] + [""]
