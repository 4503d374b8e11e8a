"""The columns of accelerators, and of the components that they are characterized by."""

from crisp_hw.spec.columns import Section, column
from crisp_hw.spec.vocabulary import known

ACCELERATORS = Section(
    "Accelerators",
    "`crisp-hw arch list`: one record per packaged accelerator.",
    (
        column("name", "text", "The name by which it is asked for."),
        column("scheme", "prose", "What it does with zeros."),
        column("macs", "whole", "Multiply-accumulate units."),
    ),
)
ACCELERATOR_LEVELS = Section(
    "Levels of an accelerator",
    "`crisp-hw arch show`: one record per level, outermost first.",
    (
        column("level", "text", "The level, as the accelerator's file names it."),
        column("instances", "whole", "How many there are.", 2),
        column("size_words", "whole", "Words that one instance holds; empty: without limit."),
        column("word_bits", "whole", "Bits of a word.", 3),
        column("vector_words", "whole", "Words that one access moves.", 3),
        column(
            "read_bandwidth", "whole", "Words that one instance delivers per cycle; empty: any.", 2, "read words/cycle"
        ),
        column(
            "write_bandwidth",
            "whole",
            "Words that one instance takes in per cycle; empty: any.",
            2,
            "write words/cycle",
        ),
        column("keeps", "text", "Tensors that may stay here: A weights, B activations in, Z out."),
        column(
            "temporal", "prose", "Dimensions that may have loops in time here, innermost first.", 0, "loops in time"
        ),
        column("spatial", "prose", "Dimensions that may go across instances below.", 1, "across"),
    ),
)
ACCELERATOR_NUMBERS = Section(
    "Numbers of an accelerator",
    "`crisp-hw arch show`: one record per number of its file.",
    (
        column("part", "text", "The level, the MACs or the scheme."),
        column("field", "text", "Which number of it.", 0, "number"),
        column("shown", "text", "The number; empty: without limit. In CSV and JSON it is `value`.", 0, "value"),
        column("unit", "text", "Its unit.", 1),
        column("source", "prose", "Where the number comes from, or why it is assumed."),
    ),
)
ACCELERATOR_ENERGIES = Section(
    "Energies of an accelerator",
    "`crisp-hw arch show`: one record per component and source. CSV and JSON have one per action.",
    (
        column("part", "text", "The component of the energy table."),
        column("actions", "prose", "Its actions, and the pJ that each takes."),
        column("source", "prose", "Where these numbers come from."),
    ),
)
_COMPONENT = column("component", "text", "The component of the energy table.")
COMPONENTS = Section(
    "Components",
    "`crisp-hw characterize`: one record per component.",
    (
        _COMPONENT,
        column("stands_for", "prose", "What it is taken to be.", 0, "taken to be"),
        known("area_um2", 0),
    ),
)
COMPONENT_ACTIONS = Section(
    "Actions of components",
    "`crisp-hw characterize`: one record per component and action.",
    (
        _COMPONENT,
        column("action", "text", "What one instance does."),
        column("pj", "number", "Energy that it takes once."),
    ),
)
COMPONENT_SOURCES = Section(
    "Sources of components",
    "`crisp-hw characterize`: one record per component and source. CSV and JSON have one per number.",
    (
        _COMPONENT,
        column("actions", "prose", "The numbers that come from this source.", 0, "numbers"),
        column("source", "prose", "Where these numbers come from."),
    ),
)
