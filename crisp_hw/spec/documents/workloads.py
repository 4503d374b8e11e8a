"""The columns of networks: masks, layer tables, and what a run of crisp-prune would do."""

from crisp_hw.spec.columns import Column, Section, column
from crisp_hw.spec.vocabulary import known


def _kbit(scheme: str, priority: int, what: str) -> Column:
    return column(
        f"{scheme}_kbit", "number", f"Metadata {what}, in 1000 bits; empty where it cannot hold the mask.", priority
    )


MASKS = Section(
    "Masks",
    "`crisp-hw describe`: one record per layer. CSV and JSON have rows, columns and blocks apart, and bits.",
    (
        known("layer"),
        known("role", 5),
        column("matrix", "text", "Rows x columns of the weight matrix.", 4, "rows x columns"),
        known("density"),
        known("nm"),
        column("blocks", "text", "Kept of all blocks of a block row, and the side of blocks.", 0, "kept blocks"),
        known("kept_ratio", 3),
        column("two_rank", "text", "N:M of groups of N:M, as 1:2 of 2:4; empty where every group may hold some.", 3),
        column("row_patterns", "text", "Tightest N:M by row, and of how many rows; empty where all rows are alike.", 5),
        _kbit("crisp", 0, "of block index and offsets"),
        _kbit("csr", 1, "of compressed sparse rows"),
        _kbit("ellpack", 2, "of rows padded to the longest"),
        _kbit("bitmask", 1, "of one bit per weight"),
        _kbit("rle", 2, "of run lengths"),
    ),
)
WORKLOADS = Section(
    "Workloads",
    "`crisp-hw workload list`: one record per packaged layer table.",
    (
        column("name", "text", "The name by which it is asked for."),
        column("layers", "whole", "Convolutions and linear layers."),
        column("weights", "whole", "Weights of all layers, without biases."),
        column("macs", "whole", "Multiply-accumulates for one sample."),
        column("source", "prose", "Where the table comes from.", 1),
    ),
)
WORKLOAD = Section(
    "A workload",
    "`crisp-hw workload show`: one record per layer.",
    (
        known("layer"),
        known("kind", 4),
        known("rows"),
        known("columns"),
        known("positions"),
        column("kernel", "text", "Height x width of the kernel; empty for a linear layer.", 2),
        column("stride", "text", "Strides along height x width; empty for a linear layer.", 3),
        column("groups", "whole", "Groups of channels that do not see each other.", 4),
        column("weights", "whole", "Weights of the layer, without biases.", 1),
        known("macs"),
    ),
)
POINT_LAYERS = Section(
    "Convolutions over points",
    "`crisp-hw points`: one record per convolution.",
    (
        known("layer"),
        column("voxels_in", "whole", "Voxels of the input.", 3),
        column("voxels_out", "whole", "Voxels of the output."),
        column(
            "pairs", "whole", "Pairs of voxels that the kernel joins: rows of all matrix products, without padding."
        ),
        column("neighbours", "number", "Pairs per output voxel.", 2),
        column("kernels", "whole", "Launches of matrix products; a padded batch is one."),
        column("padding", "share", "Rows that padding adds, per pair."),
        column("macs", "whole", "Multiply-accumulates of the pairs."),
        column("gather_words", "whole", "Words that collecting inputs reads and writes at the outermost level.", 1),
        column("scatter_words", "whole", "Words that adding up outputs reads and writes there.", 1),
    ),
)
POINT_TOTALS = Section(
    "Point clouds on accelerators",
    "`crisp-hw points`: one record per accelerator, of all convolutions.",
    (
        known("arch"),
        known("cycles"),
        known("dense_cycles"),
        known("speedup"),
        column("product_cycles", "whole", "The part of cycles that the matrix products take.", 1),
        column("traffic_cycles", "whole", "The part of cycles that gather and scatter take.", 1),
        known("energy_uj"),
        column("product_uj", "number", "The part of energy_uj that the matrix products take.", 2),
        column("traffic_uj", "number", "The part of energy_uj that gather and scatter take.", 2),
    ),
)
PLAN = Section(
    "A plan",
    "`crisp-prune plan` and `print(pruner.plan())`: one record per layer. CSV and JSON have sizes and weights apart.",
    (
        known("layer"),
        known("role"),
        column("matrix", "text", "Rows x columns of the weight matrix.", 2, "rows x columns"),
        column("blocks", "text", "Rows x columns of blocks, partial ones counted.", 3),
        column("reach", "text", "Highest sparsity that the layer can always reach."),
        column("why", "prose", "Why it has this role."),
    ),
)
RUN = Section(
    "A run",
    "`crisp-prune run`: one record before pruning, and one after it.",
    (
        column("when", "text", "before or after."),
        column("sparsity", "share", "Share of zeros among the prunable weights."),
        column("top1_all", "share", "Top-1 accuracy over all outputs.", 0, "top-1 over all outputs"),
        column("top1_classes", "share", "Top-1 accuracy among the classes pruned for.", 0, "top-1 among the classes"),
    ),
)
ONE_SHOT = Section(
    "N:M in one shot",
    "`crisp-prune one-shot`: one record per pruned layer, in the order in which they are pruned.",
    (
        known("layer"),
        column("sparsity", "share", "Share of zeros in the weight."),
        column(
            "error", "number", "How far its output lies from before, as a share of it, on the inputs that calibrate."
        ),
    ),
)
STUDY = Section(
    "A study",
    "`crisp-prune compare`: one record for each method, target and set of classes, over all seeds.",
    (
        column("method", "text", "The method, by its name in the study."),
        column("classes", "whole", "Classes pruned for and tested on."),
        column(
            "target", "share", "Sparsity asked for, or the share of the dense network's cost; empty without either."
        ),
        column("seeds", "whole", "Seeds, each with a network, images and an order of its own.", 1),
        column("sparsity", "share", "Share of zeros reached among the prunable weights, the mean over the seeds.", 1),
        column("top1", "share", "Top-1 accuracy over all outputs, the mean over the seeds.", 0, "top-1"),
        column("top1_std", "share", "Its standard deviation over the seeds; 0 for one seed.", 0, "deviation"),
        column(
            "top1_classes", "share", "Top-1 among the classes, the mean over the seeds.", 2, "top-1 among the classes"
        ),
        column("top1_classes_std", "share", "Its standard deviation over the seeds.", 3, "its deviation"),
        column("macs", "share", "Multiply-accumulates left, as a share of the dense network's.", 0, "MACs left"),
        column("cost", "share", "What it costs on the accelerator of a budget, as a share of dense; else empty.", 1),
    ),
)
