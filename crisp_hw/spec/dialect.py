"""The two programs called Timeloop: what each does where they differ.

"head" is the public NVlabs/timeloop at commit 4cf6d4c (31 March 2025). "micro22" is the program behind the reference
outputs of the Sparseloop MICRO 2022 artifact, which was never public: it differs from every public commit. What is
known of it comes from those outputs and from the public source of its time (commit ee66b62, 21 July 2022).
docs/model.md, section 12, lists every difference with the function that holds it.
"""

from dataclasses import dataclass
from typing import Literal

Dialect = Literal["head", "micro22"]


@dataclass(frozen=True)
class Rules:
    """One decision per difference; the numbers D1 .. D9 are those of docs/model.md, section 12.

    >>> HEAD.whole_macs, MICRO22.whole_macs
    (True, False)
    """

    # D1: output fills leave out the first visit of every word (tiling.cpp; not before September 2023)
    first_fill_elided: bool
    # D2: documents may say `position-skipping` (reference outputs only; no public commit knows the word)
    position_skipping: bool
    # D3: a flattened rank takes any number of loops of one dimension; else each dimension of its rule once
    rule_dims_repeat: bool
    # D4: the average number of MACs at work is cut to an integer (model/arithmetic.hpp: uint64_t)
    whole_macs: bool
    # D5: small compressed tiles fill blocks partly, kappa (model/buffer.cpp: ComputeVectorAccesses)
    partly_filled_blocks: bool
    # D6: CP rounds the nonzeros of a fiber up, and CP and RLE count nonempty fibers only; else expected nonzeros
    whole_coordinates: bool
    # D7: gated and skipped actions without an energy cost nothing; else `idle`, then the full action (topology.hpp)
    missing_actions_free: bool
    # D8: a tensor that a level does not keep may pass through it (`stream`) and cost a fill and a read there
    streams: bool
    # D9: a rank that finds no loop rests on the tile of the innermost loop; else on one word
    idle_rank_on_tile: bool


HEAD = Rules(
    first_fill_elided=True,
    position_skipping=False,
    rule_dims_repeat=True,
    whole_macs=True,
    partly_filled_blocks=True,
    whole_coordinates=True,
    missing_actions_free=True,
    streams=False,
    idle_rank_on_tile=True,
)
MICRO22 = Rules(
    first_fill_elided=False,
    position_skipping=True,
    rule_dims_repeat=False,
    whole_macs=False,
    partly_filled_blocks=False,
    whole_coordinates=False,
    missing_actions_free=False,
    streams=True,
    idle_rank_on_tile=False,
)
RULES: dict[Dialect, Rules] = {"head": HEAD, "micro22": MICRO22}
