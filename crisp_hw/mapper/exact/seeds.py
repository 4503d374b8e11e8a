"""Good mappings of sparse designs: those that are good where nothing is skipped, judged with everything that is."""

from collections.abc import Callable
from dataclasses import replace

from crisp_hw.mapper.exact.covers import uncovered
from crisp_hw.mapper.exact.search import Exact
from crisp_hw.mapper.space import Space
from crisp_hw.mapper.tally import Tally
from crisp_hw.spec.sparse import SparseSpec

TEMPLATES, MAPPINGS = 1500, 12  # looked at and judged of each: a GEMM of three levels has 1,034 templates


def seeds(spaces: tuple[Space, ...], tally: Tally, tick: Callable[[int, int, float], None], memory_bytes: int) -> None:
    """Judge the most promising mappings of every template of the dense design in the sparse one.

    Nothing is proven by it. Where the dense design is not covered, nothing is judged.
    """
    dense = tuple(replace(space, design=replace(space.design, sparse=SparseSpec())) for space in spaces)
    if spaces[0].design.sparse.active and uncovered(dense[0]) is None:
        Exact(dense, tally, tick, memory_bytes, judged=spaces).look(TEMPLATES, MAPPINGS)
