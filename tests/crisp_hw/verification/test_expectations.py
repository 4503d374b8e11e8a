"""Where the model knows an expectation alone: the mean of 100 drawn masks lies within 3 standard errors of it."""

import numpy as np
import pytest

from crisp_hw.accelerators import load_arch
from crisp_hw.descriptors import describe
from crisp_hw.pipeline import evaluate_layers
from crisp_hw.spec.descriptors import PrunedLayer
from crisp_hw.spec.layer import Layer
from crisp_hw.spec.options import EvaluateOptions
from crisp_hw.verification.level_counts import Beside
from crisp_hw.verification.levels import fabric_of, packs, place
from crisp_hw.walk import nested
from crisp_hw.walk.packed import pass_by_pass

MASKS, ROWS, COLUMNS, POSITIONS, KEPT = 100, 16, 12, 8, 72
WHOLE = 1.0  # words of a mean instance are whole
COUNTED = {
    "dstc, skipping": {
        "MAC products",
        "MAC cycles",
        "LRF A reads",
        "SMEM B reads",
        "DRAM B reads",
        "RF Z updates",
    },
    "dstc": {
        "MAC products",
        "MACs at work",
        "LRF A reads",
        "SMEM A reads",
        "SMEM B reads",
        "DRAM B reads",
        "RF Z updates",
    },
    "eyeriss-v2-pe": {
        "MAC products",
        "MAC cycles",
        "Weights A reads",
        "Backing A reads",
        "Backing B reads",
        "Sums Z updates",
    },
}


def drawn(size, kept, rng):
    """So many of them, anywhere."""
    found = np.zeros(size, bool)
    found[rng.permutation(size)[:kept]] = True
    return found


@pytest.mark.slow
@pytest.mark.parametrize("case", COUNTED)
def test_the_mean_of_100_masks_is_what_the_model_expects(case):
    """Weights and activations at random places, walked level by level; nothing is fitted, and every mean must hold."""
    rng = np.random.default_rng(11)
    matrix = Layer("fc", "linear", ROWS, COLUMNS, tokens=POSITIONS)
    first = drawn(ROWS * COLUMNS, KEPT, rng).reshape(ROWS, COLUMNS)
    name, _, packing = case.partition(", ")
    options = EvaluateOptions(packing=packing or "position-skipping", activation_density=0.5, cache=False)
    (row,) = evaluate_layers([describe(PrunedLayer(matrix, "nm", first))], [load_arch(name)], options)
    fabric, found = fabric_of(row), dict[str, list[float]]()
    for _ in range(MASKS):
        mask = drawn(ROWS * COLUMNS, KEPT, rng).reshape(ROWS, COLUMNS)
        active = drawn(COLUMNS * POSITIONS, COLUMNS * POSITIONS // 2, rng).reshape(COLUMNS, POSITIONS)
        placed = place(row, np.ones((ROWS, COLUMNS), np.int64), mask, active.astype(np.int64))
        walked = nested.walk(fabric, placed.data, placed.stored)
        passes = pass_by_pass(fabric, packs(row), placed.stored) if packs(row) else None
        counts = {each.name: each for each in Beside(row, fabric, walked, passes).counts()}
        for key in COUNTED[case]:
            found.setdefault(key, []).append(counts[key].walked)
    for key, values in found.items():
        error = np.std(values, ddof=1) / MASKS**0.5
        assert abs(np.mean(values) - counts[key].model) <= 3 * error + WHOLE * (key != "MACs at work"), key
    assert sum(np.std(values) > 0 for values in found.values()) >= (3 if packing == "skipping" else 4)
