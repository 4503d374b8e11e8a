"""Accuracy against a loop over samples."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from crisp_hw.errors import InputError
from crisp_prune.evaluate import accuracy


@given(st.integers(0, 10**6), st.sets(st.integers(0, 4), min_size=1))
def test_accuracy_counts_samples_of_the_classes(seed, classes):
    generator = torch.Generator().manual_seed(seed)
    outputs = torch.rand(23, 5, generator=generator)
    labels = torch.arange(23) % 5
    everywhere = among = samples = 0
    for row, label in zip(outputs.tolist(), labels.tolist(), strict=True):
        if label in classes:
            samples += 1
            everywhere += row.index(max(row)) == label
            among += max(classes, key=lambda c, row=row: row[c]) == label
    found = accuracy(nn.Identity(), list(zip(outputs.split(4), labels.split(4), strict=True)), tuple(classes))
    assert (found.top1_all, found.top1_classes, found.samples) == (everywhere / samples, among / samples, samples)


def test_no_sample_and_no_output_are_errors():
    batches = [(torch.rand(2, 3), torch.tensor([0, 1]))]
    with pytest.raises(InputError, match="no sample of the classes"):
        accuracy(nn.Identity(), batches, (2,))
    with pytest.raises(InputError, match="class 9 has no output; the model has 3"):
        accuracy(nn.Identity(), batches, (0, 9))


@pytest.mark.parametrize(
    ("outputs", "labels"),
    [
        (torch.zeros(2, 4, 3, 3), torch.zeros(2, 3, 3, dtype=torch.long)),
        (torch.zeros(4, 4), torch.zeros(4, 1, dtype=torch.long)),
        (torch.zeros(4, 4), torch.eye(4)),
        (torch.zeros(4, 4), torch.zeros(4)),
        (torch.zeros(4, 1), torch.zeros(4, dtype=torch.long)),
        (torch.zeros(1, 4), torch.zeros(4, dtype=torch.long)),
        ({"logits": torch.zeros(4, 4)}, torch.zeros(4, dtype=torch.long)),
    ],
)
def test_what_is_no_row_of_scores_for_each_label_has_no_accuracy(outputs, labels):
    """Comparisons of such shapes would count pixels, or every pair of samples: more than all were right."""
    with pytest.raises(InputError, match="top-1 is not known for outputs"):
        accuracy(nn.Identity(), [(outputs, labels)], ())


def test_nan_is_no_answer():
    """Its place of the largest is 0, so that every sample of class 0 counted as right."""
    outputs = torch.tensor([[0.0, 1.0], [float("nan"), float("nan")]])
    with pytest.raises(InputError, match="the outputs hold NaN, so that no class has the largest"):
        accuracy(nn.Identity(), [(outputs, torch.tensor([1, 0]))], ())
    assert accuracy(nn.Identity(), [(outputs, torch.tensor([1, -100]))], ()).samples == 1


@pytest.mark.parametrize("label", [2, -1])
def test_a_label_without_an_output_is_refused(label):
    with pytest.raises(InputError, match=f"a sample has the label {label}, and the model has 2 outputs"):
        accuracy(nn.Identity(), [(torch.eye(2), torch.tensor([0, label]))], ())


def test_samples_that_cross_entropy_ignores_do_not_count():
    found = accuracy(nn.Identity(), [(torch.eye(3), torch.tensor([0, -100, 1]))], ())
    assert (found.top1_all, found.samples) == (0.5, 2)
    with pytest.raises(InputError, match="no sample of the classes"):
        accuracy(nn.Identity(), [(torch.eye(2), torch.tensor([-100, -100]))], ())
