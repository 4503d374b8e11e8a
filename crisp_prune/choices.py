"""The closed choices of how to prune, named where nothing needs PyTorch."""

from typing import Literal

Score = Literal["cass", "signed", "magnitude"]
"""How weights are ranked."""
Normalize = Literal["weight", "sum"]
"""Whether columns of blocks are ranked by their score per weight or by its sum."""
