"""The columns of every other table: masks, one mapping, searches, workloads, accelerators, comparisons.

Those of an evaluation are in `spec.vocabulary`. Where a word is in both, it is the same column.
"""

from dataclasses import replace

from crisp_hw.spec.columns import Column, Style, heading
from crisp_hw.spec.vocabulary import Section, columns


def _column(key: str, style: Style, meaning: str, priority: int = 0, named: str = "") -> Column:
    return Column(key, named or heading(key), style, meaning, priority)


def _known(key: str, priority: int = 0) -> Column:
    """A column of an evaluation, which may be of more or less weight here."""
    (found,) = columns([key])
    return replace(found, priority=priority)


def _kbit(scheme: str, priority: int, what: str) -> Column:
    return _column(
        f"{scheme}_kbit", "number", f"Metadata {what}, in 1000 bits; empty where it cannot hold the mask.", priority
    )


MASKS = Section(
    "Masks",
    "`crisp-hw describe`: one record per layer. CSV and JSON have rows, columns and blocks apart, and bits.",
    (
        _known("layer"),
        _known("role", 5),
        _column("matrix", "text", "Rows x columns of the weight matrix.", 4, "rows x columns"),
        _known("density"),
        _known("nm"),
        _column("blocks", "text", "Kept of all blocks of a block row, and the side of blocks.", 0, "kept blocks"),
        _known("kept_ratio", 3),
        _kbit("crisp", 0, "of block index and offsets"),
        _kbit("csr", 1, "of compressed sparse rows"),
        _kbit("ellpack", 2, "of rows padded to the longest"),
        _kbit("bitmask", 1, "of one bit per weight"),
        _kbit("rle", 2, "of run lengths"),
    ),
)
MAPPING = Section(
    "One mapping",
    "`crisp-hw model`: the run of one problem.",
    (
        _known("cycles"),
        _known("bound_by"),
        _known("utilization", 1),
        _column("total_uj", "number", "Energy of all levels, wires and MACs, DRAM included."),
        _column("pj_per_compute", "number", "That energy per multiply-accumulate that really happens.", 2),
        _column("computes", "whole", "Multiply-accumulates that really happen.", 2),
        _column("skipped", "whole", "Multiply-accumulates that are skipped; they take no time.", 3, "computes skipped"),
        _column("gated", "whole", "Multiply-accumulates that are gated; they take time.", 3, "computes gated"),
    ),
)
MAPPING_LEVELS = Section(
    "Levels of one mapping",
    "`crisp-hw model` and `map`: one record per level and tensor; counts are of one instance, energies of all.",
    (
        _column("level", "text", "The level, or the network between two, as the documents name it."),
        _column("tensor", "text", "The tensor; all of them together; or leakage, which no access causes."),
        _column("instances", "number", "Instances at work, on average.", 2),
        _column("words", "whole", "Words that one instance stores.", 3, "words stored"),
        _column("reads", "whole", "Words read from one instance; skipped and gated ones are not counted."),
        _column("fills", "whole", "Words filled into one instance from the level outside.", 1),
        _column("updates", "whole", "Words written into one instance from inside.", 1),
        _known("cycles", 2),
        _column("energy_pj", "number", "Energy of all instances of this level for this tensor, metadata included."),
    ),
)
SEARCH = Section(
    "A search",
    "`crisp-hw map`: how the best mapping was found, and what it costs.",
    (
        _column("objective", "text", "What is least: cycles, energy, or their product (edp).", 0, "least"),
        _column("factorizations", "whole", "Ways to split all bounds over the levels.", 2),
        _column("choices", "whole", "Ways to keep tensors in levels or to bypass these.", 3, "keep/bypass choices"),
        _column("tried", "whole", "Mappings that were evaluated.", 1, "mappings tried"),
        _column("valid", "whole", "Mappings of those that can be run.", 3),
        _known("cycles"),
        _column("total_uj", "number", "Energy of all levels, wires and MACs, DRAM included."),
        _known("utilization"),
    ),
)
FRONT = Section(
    "A front",
    "`crisp-hw map --front N` and pareto.csv (there in `energy_pj`): mappings that none beats in both.",
    (
        _known("cycles"),
        _column("total_uj", "number", "Energy of all levels, wires and MACs, DRAM included."),
        _known("utilization", 1),
        _column("mapping", "prose", "Loops with a bound above 1, outermost level and loop first; x, y: across a mesh."),
    ),
)
WORKLOADS = Section(
    "Workloads",
    "`crisp-hw workload list`: one record per packaged layer table.",
    (
        _column("name", "text", "The name by which it is asked for."),
        _column("layers", "whole", "Convolutions and linear layers."),
        _column("weights", "whole", "Weights of all layers, without biases."),
        _column("macs", "whole", "Multiply-accumulates for one sample."),
        _column("source", "prose", "Where the table comes from.", 1),
    ),
)
WORKLOAD = Section(
    "A workload",
    "`crisp-hw workload show`: one record per layer.",
    (
        _known("layer"),
        _known("kind", 4),
        _known("rows"),
        _known("columns"),
        _known("positions"),
        _column("kernel", "text", "Height x width of the kernel; empty for a linear layer.", 2),
        _column("stride", "text", "Strides along height x width; empty for a linear layer.", 3),
        _column("groups", "whole", "Groups of channels that do not see each other.", 4),
        _column("weights", "whole", "Weights of the layer, without biases.", 1),
        _known("macs"),
    ),
)
ACCELERATORS = Section(
    "Accelerators",
    "`crisp-hw arch list`: one record per packaged accelerator.",
    (
        _column("name", "text", "The name by which it is asked for."),
        _column("scheme", "prose", "What it does with zeros."),
        _column("macs", "whole", "Multiply-accumulate units."),
    ),
)
ACCELERATOR_LEVELS = Section(
    "Levels of an accelerator",
    "`crisp-hw arch show`: one record per level, outermost first.",
    (
        _column("level", "text", "The level, as the accelerator's file names it."),
        _column("instances", "whole", "How many there are.", 1),
        _column("size_words", "whole", "Words that one instance holds; empty: without limit."),
        _column("word_bits", "whole", "Bits of a word.", 3),
        _column("vector_words", "whole", "Words that one access moves.", 3),
        _column(
            "read_bandwidth", "whole", "Words that one instance delivers per cycle; empty: any.", 1, "read words/cycle"
        ),
        _column(
            "write_bandwidth",
            "whole",
            "Words that one instance takes in per cycle; empty: any.",
            1,
            "write words/cycle",
        ),
        _column("keeps", "text", "Tensors that may stay here: A weights, B activations in, Z out."),
        _column(
            "temporal", "text", "Dimensions that may have loops in time here, innermost first.", 0, "loops in time"
        ),
        _column("spatial", "text", "Dimensions that may go across instances below.", 0, "across"),
    ),
)
ACCELERATOR_NUMBERS = Section(
    "Numbers of an accelerator",
    "`crisp-hw arch show`: one record per number of its file.",
    (
        _column("part", "text", "The level, the MACs or the scheme."),
        _column("field", "text", "Which number of it.", 0, "number"),
        _column("shown", "text", "The number; empty: without limit. In CSV and JSON it is `value`.", 0, "value"),
        _column("unit", "text", "Its unit.", 1),
        _column("source", "prose", "Where the number comes from, or why it is assumed."),
    ),
)
KEPT = Section(
    "Kept results",
    "`crisp-hw cache info`: one record per kind of results.",
    (
        _column("folder", "text", "Where they lie."),
        _column("kind", "text", "searches, or the answers of cacti or accelergy."),
        _column("entries", "whole", "How many this version finds again."),
        _column("stale", "whole", "How many other versions left; they are never read.", 1, "of other versions"),
        _column("size_bytes", "whole", "Bytes of all of them.", 0, "bytes"),
    ),
)
INSTALLED = Section(
    "What is installed",
    "`crisp-hw doctor`: one record per tool or package.",
    (
        _column("name", "text", "The tool or package.", 0, "what"),
        _column("status", "text", "found, missing or broken."),
        _column("version", "text", "Its version, as far as it tells.", 1),
        _column("use", "prose", "What it is used for.", 0, "for"),
        _column("place", "prose", "Where it lies.", 2, "where"),
        _column("advice", "prose", "How to get it, or what is wrong with it."),
    ),
)
VALIDATION = Section(
    "Validation",
    "`crisp-hw validate`: one record per family of recorded runs of timeloop-model.",
    (
        _column("family", "text", "The family of cases."),
        _column("cases", "whole", "How many there are."),
        _column("equal", "whole", "Cases in which every figure is equal."),
        _column("close", "whole", "Cases in which every figure is close."),
        _column("different", "whole", "Cases with a figure that is neither."),
        _column("refused", "whole", "Cases that one side alone runs."),
        _column("worst_cycles", "text", "Largest relative difference of total cycles."),
        _column("worst_energy", "text", "Largest relative difference of total energy."),
    ),
)
_FIGURE = (
    _column("figure", "text", "The count, the energy or the verdict that differs."),
    _column("relative", "text", "The difference over the larger of both."),
)
VERIFICATION = Section(
    "Verification",
    "`crisp-hw verify`: one record per set of documents.",
    (
        _column("documents", "text", "The set of documents."),
        _column("verdict", "text", "equal, rounding, or different."),
        _column("differences", "whole", "Figures that differ."),
        _known("cycles"),
        _column("timeloop_cycles", "whole", "cycles of the installed Timeloop.", 2),
        _column("total_uj", "number", "Energy of all levels, wires and MACs, DRAM included.", 1),
        _column("timeloop_total_uj", "number", "total_uj of the installed Timeloop.", 2),
        _column("seconds", "number", "Seconds that Timeloop took.", 3, "s"),
        _column("error", "prose", "Why there is nothing to compare."),
    ),
)
VERIFICATION_DIFFERENCES = Section(
    "Differences from Timeloop",
    "`crisp-hw verify`: one record per figure that differs.",
    (
        VERIFICATION.columns[0],
        _FIGURE[0],
        _column("embedded", "text", "The figure of the embedded engine."),
        _column("timeloop", "text", "The figure of the installed Timeloop."),
        _FIGURE[1],
    ),
)
REPLAY = Section(
    "Replay",
    "`crisp-hw replay`: one record per design of a bundle.",
    (
        _known("arch"),
        _known("layer"),
        _column("verdict", "text", "equal or different."),
        _known("cycles"),
        _column("recorded_cycles", "whole", "cycles in the bundle.", 1),
        _column("total_uj", "number", "Energy of all levels, wires and MACs, DRAM included."),
        _column("recorded_total_uj", "number", "total_uj in the bundle.", 1),
        _column("error", "prose", "Why there is nothing to compare."),
    ),
)
REPLAY_DIFFERENCES = Section(
    "Differences from a bundle",
    "`crisp-hw replay`: one record per figure that differs.",
    (
        _known("arch"),
        _known("layer"),
        _FIGURE[0],
        _column("now", "text", "The figure of now."),
        _column("recorded", "text", "The figure in the bundle."),
        _FIGURE[1],
    ),
)
PLAN = Section(
    "A plan",
    "`crisp-prune plan` and `print(pruner.plan())`: one record per layer. CSV and JSON have sizes and weights apart.",
    (
        _known("layer"),
        _known("role"),
        _column("matrix", "text", "Rows x columns of the weight matrix.", 2, "rows x columns"),
        _column("blocks", "text", "Rows x columns of blocks, partial ones counted.", 3),
        _column("reach", "text", "Highest sparsity that the layer can always reach."),
        _column("why", "prose", "Why it has this role."),
    ),
)
DOCUMENTS = (
    *(MASKS, MAPPING, MAPPING_LEVELS, SEARCH, FRONT, WORKLOADS, WORKLOAD, ACCELERATORS, ACCELERATOR_LEVELS),
    *(ACCELERATOR_NUMBERS, KEPT, INSTALLED, VALIDATION, VERIFICATION, VERIFICATION_DIFFERENCES, REPLAY),
    *(REPLAY_DIFFERENCES, PLAN),
)
