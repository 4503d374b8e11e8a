"""The walks give the masked product, whatever the mask; what has no room in a group is not lost in silence."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crisp_hw.spec.patterns import NM
from crisp_hw.walk import pruned


@st.composite
def problems(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    rows, columns, positions = (draw(st.integers(1, 9)) for _ in range(3))
    mask = rng.random((rows, columns)) < draw(st.floats(0, 1))
    activations = rng.integers(-128, 128, (columns, positions)) * (rng.random((columns, positions)) < 0.6)
    return rng.integers(-127, 128, (rows, columns)), mask, activations


@given(problems(), st.integers(1, 5), st.integers(1, 4))
def test_every_walk_gives_the_masked_product(problem, block, m):
    weights, mask, activations = problem
    wanted = (np.where(mask, weights, 0) @ activations).tolist()
    nm = NM(m, m)
    assert pruned.gathered(*problem, block, nm).product.tolist() == wanted
    assert pruned.selected(*problem, nm).product.tolist() == wanted
    assert pruned.outer_products(*problem).product.tolist() == wanted


@given(problems(), st.integers(1, 5))
def test_steps_are_what_a_mask_makes_of_them(problem, block):
    _, mask, activations = problem
    steps = pruned.gathered(*problem, block, NM(1, 1)).steps
    assert steps.weights == mask.sum() and steps.products == mask.sum() * activations.shape[1]
    live = {(row // block, column // block) for row, column in zip(*np.nonzero(mask), strict=True)}
    assert steps.block_indices == len(live)
    met = pruned.outer_products(*problem).steps
    assert met.products == (mask.astype(int) @ (activations != 0)).sum()


def test_a_group_with_too_many_weights_has_no_room():
    one = np.ones((1, 4), np.int64)
    with pytest.raises(ValueError, match="more than 2 of 4"):
        pruned.selected(one, one > 0, np.ones((4, 1), np.int64), NM(2, 4))
