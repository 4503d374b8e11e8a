"""The closed choices of how to prune, named where nothing needs PyTorch."""

from typing import Literal

Pattern = Literal["hybrid", "nm", "block", "vector", "column", "kernel", "filter", "channel", "unstructured"]
"""What is kept or pruned as one: N:M and blocks (CRISP), N:M alone, square blocks, 1 x B and B x 1 vectors, the taps of
one kernel, output channels, input channels, or single weights."""
Criterion = Literal["cass", "signed", "taylor", "fisher", "magnitude", "l2", "bn-scale", "apoz"]
"""How weights are ranked."""
Scope = Literal["global", "layer", "row"]
"""Who competes for being kept: the units of all layers, those of a layer, or the weights of an output row."""
Driver = Literal["uniform", "global", "sensitivity", "netadapt", "amc", "tpe"]
"""Who decides how much of each layer stays under a budget of hardware."""
Normalize = Literal["weight", "sum"]
"""Whether columns of blocks are ranked by their score per weight or by its sum."""

Layout = Literal["plain", "turned", "stacked"]
"""How a weight's axes lie: outputs first; inputs first (GPT-2's Conv1D, transposed convolutions); experts, then
outputs, then inputs."""

WITH_NM: frozenset[Pattern] = frozenset({"hybrid", "nm"})
"""Patterns that have N:M groups."""
BALANCED: frozenset[Pattern] = frozenset({"hybrid", "block"})
"""Patterns that keep the same number of blocks in every block row (CRISP)."""
SIDES: dict[Pattern, int] = {"hybrid": 64, "block": 64, "vector": 16, "column": 16}
"""Patterns that have a side B, with its default: 64 is the largest block of arXiv 2311.14272; the length of vectors is
not given there, assumed 16 because its smallest block is."""
OF_OUTPUTS: frozenset[Criterion] = frozenset({"bn-scale", "apoz"})
"""Criteria that rank whole filters by what comes out of them, in a pass without gradients."""
WITHOUT_GRADIENTS: frozenset[Criterion] = frozenset({"magnitude", "l2"})
"""Criteria that read the weights alone."""
