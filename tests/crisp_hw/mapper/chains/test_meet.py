"""Pairs of labels: what there is where one side has none."""

import numpy as np
from small_spaces import Case, dense_case

from crisp_hw.mapper.chains.inner import innermost
from crisp_hw.mapper.chains.meet import best_pairs, pairs
from crisp_hw.mapper.chains.meeting import of_every_extent
from crisp_hw.mapper.chains.outer import outermost
from crisp_hw.mapper.chains.proof import chain_of


def test_a_side_without_labels_makes_no_pairs():
    case: Case = next(case for case in map(dense_case, range(20)) if chain_of(case.spaces) is not None)
    chain = chain_of(case.spaces)
    outer, inner, none = outermost(chain), innermost(chain), np.empty(0, dtype=np.int64)
    assert not list(pairs(chain, outer.at(none), inner))
    assert not list(pairs(chain, outer, inner.at(none)))
    assert not len(best_pairs(pairs(chain, outer.at(none), inner.at(none)), case.objective, 4).outer)


def test_the_best_of_every_extent_come_before_the_second_best():
    extent, first = np.array([7, 7, 3, 3, 3, 9]), np.array([1.0, 2.0, 6.0, 4.0, 5.0, 8.0])
    assert of_every_extent(extent, first).tolist() == [0, 3, 5, 1, 4, 2]
