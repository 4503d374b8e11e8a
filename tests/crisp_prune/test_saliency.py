"""Scores against their formulas, elementwise."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from crisp_prune.gradients import GradientSums
from crisp_prune.saliency import saliency

numbers = st.lists(st.floats(-4, 4, width=32), min_size=3, max_size=3)


@given(numbers, st.lists(numbers, min_size=1, max_size=4))
def test_scores_are_means_over_batches(weight, gradients):
    parameter = torch.nn.Parameter(torch.tensor(weight))
    for score in ("cass", "signed", "magnitude"):
        sums = GradientSums()
        for gradient in gradients:
            sums.add({"a": torch.tensor(gradient)}, score)
        found = saliency(parameter, sums.means({"a": parameter})[0]["a"], score).tolist()
        for index, w in enumerate(weight):
            column = [gradient[index] for gradient in gradients]
            mean_abs, mean = sum(map(abs, column)) / len(column), sum(column) / len(column)
            expected = {"cass": abs(w) * mean_abs, "signed": abs(w * mean), "magnitude": abs(w)}[score]
            assert found[index] == pytest.approx(expected, rel=1e-4, abs=1e-4)


def test_half_precision_is_scored_in_fp32():
    weight = torch.tensor([1e-4], dtype=torch.float16)
    assert saliency(weight, torch.tensor([1e-6]), "cass").dtype == torch.float32
    assert saliency(weight, torch.tensor([1e-6]), "cass").item() > 0
    with pytest.raises(ValueError, match="needs gradients"):
        saliency(weight, None, "cass")
