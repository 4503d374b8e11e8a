"""The columns of comparisons: of two results, with Timeloop, with recorded runs, with a bundle."""

from dataclasses import replace

from crisp_hw.spec.columns import Section, column
from crisp_hw.spec.vocabulary import ENERGY_UJ, known

COMPARED = Section(
    "Two results",
    "`crisp-hw compare`: one record per figure. CSV and JSON have both accelerators apart.",
    (
        known("arch"),
        known("layer"),
        column("figure", "text", "The figure, by its heading; in CSV and JSON by its key."),
        column("a", "number", "The figure of the first result, in its own unit.", 1),
        column("b", "number", "The figure of the second, in the same unit."),
        column("ratio", "ratio", "The second over the first; empty where the first alone is 0 or missing.", 0, "b/a"),
    ),
)
COMPARED_LAYERS = Section(
    "Layers of two results",
    "`crisp-hw compare`: one record per layer that differs, with b/a of its main figures under their own headings.",
    (
        known("arch"),
        known("layer"),
        column("differing", "whole", "Figures that are further apart than the tolerance.", 0, "figures that differ"),
    ),
)
TIMED = Section(
    "Layers on a GPU",
    "`crisp-hw measure`: one record per linear layer of 2:4 weights.",
    (
        known("layer"),
        known("rows", 2),
        known("columns", 2),
        column("tokens", "whole", "Vectors that the weights are multiplied with.", 1),
        column("dense_ms", "number", "Median time on the GPU with dense weights."),
        column("sparse_ms", "number", "Median time on the GPU with PyTorch's kernel for 2:4 weights."),
        column("measured", "ratio", "dense_ms over sparse_ms."),
        column("predicted", "ratio", "Dense cycles over cycles on the accelerator in the model."),
        column("agrees", "text", "yes or no: both say the same about whether 2:4 is faster than dense, or not."),
    ),
)
VALIDATION = Section(
    "Validation",
    "`crisp-hw validate`: one record per family of recorded runs of timeloop-model.",
    (
        column("family", "text", "The family of cases."),
        column("cases", "whole", "How many there are."),
        column("equal", "whole", "Cases in which every figure is equal."),
        column("close", "whole", "Cases in which every figure is close."),
        column("different", "whole", "Cases with a figure that is neither."),
        column("refused", "whole", "Cases that one side alone runs."),
        column("worst_cycles", "text", "Largest relative difference of total cycles."),
        column("worst_energy", "text", "Largest relative difference of total energy."),
    ),
)
_FIGURE = (
    column("figure", "text", "The count, the energy or the verdict that differs."),
    column("relative", "text", "The difference over the larger of both."),
)
VERIFICATION = Section(
    "Verification",
    "`crisp-hw verify`: one record per set of documents.",
    (
        column("documents", "text", "The set of documents."),
        column("verdict", "text", "equal, rounding, or different."),
        column("differences", "whole", "Figures that differ."),
        known("cycles"),
        column("timeloop_cycles", "whole", "cycles of the installed Timeloop.", 2),
        replace(ENERGY_UJ, priority=1),
        column("timeloop_energy_uj", "number", "energy_uj of the installed Timeloop.", 2),
        column("seconds", "number", "Seconds that Timeloop took.", 3, "s"),
        column("error", "prose", "Why there is nothing to compare."),
    ),
)
VERIFICATION_DIFFERENCES = Section(
    "Differences from Timeloop",
    "`crisp-hw verify`: one record per figure that differs.",
    (
        VERIFICATION.columns[0],
        _FIGURE[0],
        column("embedded", "text", "The figure of the embedded engine."),
        column("timeloop", "text", "The figure of the installed Timeloop."),
        _FIGURE[1],
    ),
)
CHECK = Section(
    "Steps on data",
    "`crisp-hw check`: one record per layer and fabric.",
    (
        known("layer"),
        column("fabric", "text", "The accelerator, or the PEs with queues."),
        column("product", "text", "equal or different: whether it is that of the masked matrices, bit for bit."),
        column("agrees", "text", "yes or no: whether the product and all counts that are compared are equal."),
        column("compared", "whole", "Figures that are compared."),
        column("steps", "prose", "What the fabric does with the zeros of the layer."),
    ),
)
CHECK_COUNTS = Section(
    "Counts of steps",
    "`crisp-hw check`: one record per figure.",
    (
        *CHECK.columns[:2],
        column("count", "text", "What was counted."),
        column("walked", "number", "The steps that were walked, or what they cost."),
        column(
            "model",
            "number",
            "The model's figure; empty where it counts something else. What is not compared is named.",
        ),
    ),
)
REPRODUCTION = Section(
    "Reproduction",
    "`crisp-hw reproduce`: one record per figure of a publication.",
    (
        column("claim", "text", "The figure that is claimed."),
        column("unit", "text", "Its unit."),
        column("published", "number", "The published figure."),
        column("ours", "number", "What crisp-hw computes."),
        column("deviation", "share", "Ours over the published figure, less one."),
        column("allowed", "share", "The largest deviation that is allowed; empty where it is not judged.", 2),
        column("within", "text", "yes or no: is the deviation allowed; empty where it is not judged."),
        column("why", "prose", "Why they differ, or what ours is."),
    ),
)
REPRODUCTION_BOUNDS = Section(
    "Reproduction, over several figures",
    "`crisp-hw reproduce`: one record per figure over several claims, such as their mean deviation.",
    (
        column("figure", "text", "The figure over several claims."),
        column("value", "share", "Its value."),
        column("allowed", "share", "The largest that is allowed; empty where it is not judged."),
        column("within", "text", "yes or no: is it allowed; empty where it is not judged."),
    ),
)
REPLAY = Section(
    "Replay",
    "`crisp-hw replay`: one record per design of a bundle.",
    (
        known("arch"),
        known("layer"),
        column("verdict", "text", "equal or different."),
        known("cycles"),
        column("recorded_cycles", "whole", "cycles in the bundle.", 1),
        ENERGY_UJ,
        column("recorded_energy_uj", "number", "energy_uj in the bundle.", 1),
        column("error", "prose", "Why there is nothing to compare."),
    ),
)
REPLAY_DIFFERENCES = Section(
    "Differences from a bundle",
    "`crisp-hw replay`: one record per figure that differs.",
    (
        known("arch"),
        known("layer"),
        _FIGURE[0],
        column("now", "text", "The figure of now."),
        column("recorded", "text", "The figure in the bundle."),
        _FIGURE[1],
    ),
)
