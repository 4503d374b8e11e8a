"""The columns of one mapping, and of the search for the best one."""

from crisp_hw.spec.columns import Section, column
from crisp_hw.spec.vocabulary import ENERGY_UJ, known

MAPPING = Section(
    "One mapping",
    "`crisp-hw model`: the run of one problem.",
    (
        known("cycles"),
        known("bound_by"),
        known("utilization", 1),
        ENERGY_UJ,
        column("pj_per_compute", "number", "That energy per multiply-accumulate that really happens.", 2),
        column("computes", "whole", "Multiply-accumulates that really happen.", 2),
        column("skipped", "whole", "Multiply-accumulates that are skipped; they take no time.", 3, "computes skipped"),
        column("gated", "whole", "Multiply-accumulates that are gated; they take time.", 3, "computes gated"),
    ),
)
MAPPING_LEVELS = Section(
    "Levels of one mapping",
    "`crisp-hw model` and `map`: one record per level and tensor; counts are of one instance, energies of all.",
    (
        column("level", "text", "The level, or the network between two, as the documents name it."),
        column("tensor", "text", "The tensor; all of them together; or leakage, which no access causes."),
        column("instances", "number", "Instances at work, on average.", 2),
        column("words", "whole", "Words that one instance stores.", 3, "words stored"),
        column("reads", "whole", "Words read from one instance; skipped and gated ones are not counted."),
        column("fills", "whole", "Words filled into one instance from the level outside.", 1),
        column("updates", "whole", "Words written into one instance from inside.", 1),
        known("cycles", 2),
        column("energy_pj", "number", "Energy of all instances of this level for this tensor, metadata included."),
    ),
)
SEARCH = Section(
    "A search",
    "`crisp-hw map`: how the best mapping was found, and what it costs.",
    (
        column("objective", "text", "What is least: cycles, energy, or their product (edp).", 0, "least"),
        column("factorizations", "whole", "Ways to split all bounds over the levels.", 2),
        column("choices", "whole", "Ways to keep tensors in levels or to bypass these.", 3, "keep/bypass choices"),
        column("tried", "whole", "Mappings that were evaluated.", 1, "mappings tried"),
        column("valid", "whole", "Mappings of those that can be run.", 3),
        known("cycles"),
        ENERGY_UJ,
        known("utilization"),
    ),
)
DROPPED = Section(
    "Factorizations dropped",
    "`crisp-hw map`: one record per rule that drops some.",
    (
        column("rule", "prose", "Why they are dropped before they are evaluated.", 0, "dropped because"),
        column("count", "whole", "How many factorizations.", 0, "factorizations"),
    ),
)
LEFT_OUT = Section(
    "Choices left out",
    "`crisp-hw map`: one record per reason.",
    (
        column("rule", "prose", "Why no mapping can keep and bypass so.", 0, "cannot be run because"),
        column("count", "whole", "How many ways to keep tensors in levels or bypass them.", 0, "keep/bypass choices"),
    ),
)
FRONT = Section(
    "A front",
    "`crisp-hw map --front N` and pareto.csv (there in `energy_pj`): mappings that none beats in both.",
    (
        known("cycles"),
        ENERGY_UJ,
        known("utilization", 1),
        column("mapping", "prose", "Loops with a bound above 1, outermost level and loop first; x, y: across a mesh."),
    ),
)
HISTORY = Section(
    "A search over time",
    "`crisp-hw map --history FILE`: the best mapping whenever there was a better one, or a better bound.",
    (
        column("seconds", "number", "Since the search began."),
        known("cycles"),
        column("energy_pj", "number", "Energy of the best mapping by then."),
        column("bound", "number", "No mapping has a smaller objective, in its unit; empty where none was known."),
        column("gap", "number", "How far the best may lie above that, as a share; empty where no bound was known."),
    ),
)
