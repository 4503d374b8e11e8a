"""The report of a run: a page of Markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import assert_never

from crisp_hw.spec.descriptors import PrunedModel
from crisp_prune.choices import BALANCED
from crisp_prune.config import CrispConfig
from crisp_prune.evaluate import Accuracy
from crisp_prune.prune import Crisp
from crisp_prune.training import EpochRow


@dataclass(frozen=True)
class Course:
    """How a run went: accuracy before and after, the epochs between, names of classes, and the pictures made."""

    before: Accuracy
    after: Accuracy
    rows: Sequence[EpochRow] = ()
    names: Mapping[int, str] = field(default_factory=dict)
    pictures: Sequence[str] = ()


def report_markdown(pruner: Crisp, exported: PrunedModel, course: Course) -> str:
    """The run in one page: result, course, iterations, layers, what was not pruned."""
    config, before, after = pruner.config, course.before, course.after
    lines = [f"# {exported.name} pruned to {pattern_in_words(config)}", ""]
    lines += [
        f"Sparsity {pruner.sparsity:.4f} (target {config.target}), over the weights of hybrid and nm layers, "
        f"N:M counted. Classes: {_classes(config.classes, course.names)}. Seed {config.seed}.",
        "",
    ]
    lines += _table(
        ("top-1", "before", "after"),
        [
            ("over all outputs", f"{before.top1_all:.4f}", f"{after.top1_all:.4f}"),
            ("among the user's classes", f"{before.top1_classes:.4f}", f"{after.top1_classes:.4f}"),
        ],
    )
    one = len(config.classes) == 1
    alone = " One class is always the best among itself: the second line says nothing." if one else ""
    lines += [f"{after.samples} validation samples of the user's classes.{alone}", "", _work_left(exported), ""]
    lines += [_pictures(course.pictures, ("accuracy",)), "", "## Iterations", ""]
    lines += _table(("iteration", "target", "sparsity", "epoch", "loss", "top-1"), _iterations(pruner, course.rows))
    lines += ["## Layers", "", *_table(("layer", "role", "matrix", "live blocks", "sparsity", "why"), _layers(pruner))]
    lines += [_pictures(course.pictures, ("sparsity", "masks")), ""]
    lines += ["## Not pruned, not exported", ""]
    lines += [f"- {entry.name}: {entry.reason}" for entry in exported.skipped] or ["- nothing"]
    notes = exported.provenance.get("notes", [])
    lines += ["", "## Notes", "", *([f"- {note}" for note in notes] or ["- none"]), ""]
    return "\n".join(lines)


def pattern_in_words(config: CrispConfig) -> str:
    """What a model is pruned to, as headings say it.

    >>> pattern_in_words(CrispConfig()), pattern_in_words(CrispConfig(pattern="filter"))
    ('2:4 and blocks of 64', 'filters')
    """
    match config.pattern:
        case "hybrid":
            return f"{config.n}:{config.m} and blocks of {config.block}"
        case "nm":
            return f"{config.n}:{config.m}"
        case "block":
            return f"blocks of {config.block}"
        case "vector":
            return f"vectors of 1 x {config.block}"
        case "column":
            return f"vectors of {config.block} x 1"
        case "kernel" | "filter" | "channel":
            return f"{config.pattern}s"
        case "unstructured":
            return "single weights"
    assert_never(config.pattern)


def _classes(classes: Sequence[int], names: Mapping[int, str]) -> str:
    """Labels with the names that the data has for them."""
    said = (
        f"{label} ({names[label]})" if names.get(label, str(label)) != str(label) else str(label) for label in classes
    )
    return ", ".join(said) or "all"


def _pictures(pictures: Sequence[str], wanted: Sequence[str]) -> str:
    """Pictures that were made, as Markdown; a sentence where matplotlib is missing."""
    if not pictures:
        return 'No pictures: matplotlib is missing (`pip install "crisp-hw[plot]"`).'
    return "\n".join(f"![{name.partition('.')[0]}]({name})" for name in pictures if name.partition(".")[0] in wanted)


def _iterations(pruner: Crisp, rows: Sequence[EpochRow]) -> list[tuple[str, ...]]:
    """Each iteration with the last epoch that ended in it; `-` where none did."""
    last = {row.iteration - 1: row for row in rows}
    found: list[tuple[str, ...]] = []
    for done in pruner.history:
        row = last.get(done.index)
        top1 = "-" if row is None or row.top1_all is None else f"{row.top1_all:.4f}"
        ended = ("-", "-") if row is None else (str(row.epoch), f"{row.loss:.4f}")
        found.append((str(done.index), f"{done.target:.4f}", f"{done.sparsity:.4f}", *ended, top1))
    return found


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
