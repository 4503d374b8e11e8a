"""Masks for properties: any, and such as CRISP leaves."""

from math import ceil

import numpy as np
from hypothesis import strategies as st

from crisp_hw.spec.descriptors import PrunedLayer
from crisp_hw.spec.layer import Layer
from crisp_hw.spec.patterns import NM


def linear(rows, columns):
    return Layer("fc", "linear", rows, columns)


def pruned(mask, nm=None, block=None):
    return PrunedLayer(linear(*mask.shape), "hybrid" if block else "nm", mask, nm, block)


masks = st.builds(
    lambda rows, columns, seed, density: np.random.default_rng(seed).random((rows, columns)) < density,
    st.integers(1, 7),
    st.integers(1, 21),
    st.integers(0, 2**32),
    st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]),
)


nms = st.sampled_from([NM(n, m) for m in (1, 2, 4, 8) for n in range(1, m + 1)])


blocks = st.sampled_from([1, 2, 3, 4, 8])


@st.composite
def crisp_masks(draw):
    """A mask that CRISP's format holds: the same number of blocks per block row, exact n:m inside; ragged edges too."""
    nm = draw(nms)
    block = nm.m * draw(st.integers(1, 3))
    rows, columns = draw(st.integers(1, 9)), draw(st.integers(1, 30))
    total = ceil(columns / block)
    kept = draw(st.integers(1, total))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    mask = np.zeros((rows, columns), bool)
    for top in range(0, rows, block):
        for b in rng.permutation(total)[:kept]:
            for row in range(top, min(top + block, rows)):
                for start in range(b * block, min((b + 1) * block, columns), nm.m):
                    width = min(nm.m, columns - start)
                    mask[row, start + rng.permutation(width)[: nm.n]] = True
    return mask, nm, block, kept, total
