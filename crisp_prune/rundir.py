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
from crisp_prune.checkpoint import make_folder
from crisp_prune.evaluate import Accuracy
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
    """Make the directory and note the job, or check that the job to resume is the same one (`check_run`)."""
    check_run(folder, job, resume)
    noted = folder / CONFIG
    if not noted.exists():
        make_folder(folder)
        write_text(noted, json.dumps({"schema": SCHEMA, **job}, indent=2, sort_keys=True) + "\n")


def check_run(folder: Path, job: Mapping[str, Any], resume: bool) -> None:
    """InputError when a run is there already and is not resumed, or when it was another job."""
    noted, where = folder / CONFIG, Where(mark=Mark(str(folder)))
    if not noted.exists():
        return
    if not resume:
        raise InputError("holds a run already", where, "add --resume to continue it, or choose another --run-dir")
    saved, job = _read(noted), json.loads(json.dumps(job))
    different = [name for name in sorted(saved.keys() | job.keys()) if saved.get(name) != job.get(name)]
    if different:
        pairs = ", ".join(f"{name} {saved.get(name)!r} (now {job.get(name)!r})" for name in different)
        raise InputError(f"holds another run: {pairs}", where, "resume with the saved values")


def standing(folder: Path) -> tuple[str, str]:
    """What an interrupted run has kept, and how it goes on.

    >>> standing(Path("no-such-run"))
    ('interrupted before anything was kept', 'say the same again to start over')
    """
    if (folder / CHECKPOINT).exists():
        return "interrupted", "continue with --resume"
    if (folder / CONFIG).exists():
        return "interrupted before the first checkpoint", "say the same with --resume to start over"
    return "interrupted before anything was kept", "say the same again to start over"


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
    """One line per epoch; epoch 0 is the network before, and a last line the finished one (`after`).

    >>> print(metrics_csv((), Accuracy(0.5, 1.0, 2), None).splitlines()[1])
    0,0,0,0.0,,,0.5,1.0
    """
    names = [entry.name for entry in fields(EpochRow)]
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
