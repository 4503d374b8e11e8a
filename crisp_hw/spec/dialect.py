"""The programs called Timeloop: what each does where they differ.

"head" is the public NVlabs/timeloop at commit 4cf6d4c (31 March 2025). "head-2024" is the same before its pull request
297 (21 January 2025), as the official images of 2024 have it. "micro22" is the program behind the reference outputs of
the Sparseloop MICRO 2022 artifact, which was never public: it differs from every public commit. What is known of it
comes from its recorded runs and from the public source of its time (commit ee66b62, 21 July 2022).
docs/model.md, section 12, lists every difference with its evidence and the function that holds it.
"""

from dataclasses import dataclass, replace
from typing import Literal

Dialect = Literal["head", "head-2024", "micro22"]


@dataclass(frozen=True)
class Rules:
    """One decision per difference; the numbers D1 .. D14 are those of docs/model.md, section 12.

    >>> HEAD.whole_macs, MICRO22.whole_macs
    (True, False)
    """

    # D1: output fills leave out the first visit of every word (tiling.cpp; not before September 2023)
    first_fill_elided: bool
    # D2: documents may say `position-skipping` (recorded runs only; no public commit knows the word)
    position_skipping: bool
    # D3: a key is the same key with hyphens and with underscores (hyphens-to-underscores.hpp); else as it was spelled
    either_spelling: bool
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
    # D10: what a tile holds is the mean over its possible occupancies (CalculateExpectedOccupancy), of which one may be
    # lost (GetMinTileDensity); else the mean number of nonzeros, and of metadata, over the tiles that are not empty
    content_by_cases: bool
    # D11: hops are counted lane by lane; else by multicast and fanout alone (network-legacy.cpp: NumHops, until 2023)
    hops_by_lane: bool
    # D12: networks take cycles to fill and to drain (network-legacy.cpp; not before 27 June 2022)
    network_latency: bool
    # D13: networks may charge for every word that enters them (network-legacy.cpp; not before 19 September 2023)
    ingress_energy: bool
    # D14: a loop that moves no window leaves its stride as it was; else 0 is a stride (pull request 297, January 2025)
    still_keeps_stride: bool


HEAD = Rules(
    first_fill_elided=True,
    position_skipping=False,
    either_spelling=True,
    whole_macs=True,
    partly_filled_blocks=True,
    whole_coordinates=True,
    missing_actions_free=True,
    streams=False,
    idle_rank_on_tile=True,
    content_by_cases=True,
    hops_by_lane=True,
    network_latency=True,
    ingress_energy=True,
    still_keeps_stride=True,
)
HEAD_2024 = replace(HEAD, still_keeps_stride=False)
MICRO22 = Rules(
    first_fill_elided=False,
    position_skipping=True,
    either_spelling=False,
    whole_macs=False,
    partly_filled_blocks=False,
    whole_coordinates=False,
    missing_actions_free=False,
    streams=True,
    idle_rank_on_tile=False,
    content_by_cases=False,
    hops_by_lane=False,
    network_latency=False,
    ingress_energy=False,
    still_keeps_stride=False,
)
PUBLIC: tuple[Dialect, ...] = ("head", "head-2024")
"""Programs whose documents every public Timeloop reads."""

RULES: dict[Dialect, Rules] = {"head": HEAD, "head-2024": HEAD_2024, "micro22": MICRO22}
