"""Weights that are zero at the start stay zero: they are ranked last, and no mask keeps them."""

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from crisp_prune.choices import Layout
from crisp_prune.iterate import MatrixMasks
from crisp_prune.matrix import to_matrix


def nonzero_of(weights: Mapping[str, Tensor], layouts: Mapping[str, Layout]) -> dict[str, Tensor]:
    """Where weights are not zero, bool[S, K] by layer.

    >>> nonzero_of({"a": torch.tensor([[1.0, 0.0]])}, {"a": "plain"})["a"].tolist()
    [[True, False]]
    """
    return {name: to_matrix(weight.detach() != 0, layouts[name]).cpu() for name, weight in weights.items()}


def ranked_last(scores: Mapping[str, Tensor], nonzero: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Scores in which weights that must stay zero count nothing; the same where none must.

    >>> ranked_last({"a": torch.ones(1, 2)}, {"a": torch.tensor([[True, False]])})["a"].tolist()
    [[1.0, 0.0]]
    """
    return {
        name: torch.where(nonzero[name].to(score.device), score, torch.zeros_like(score)) if name in nonzero else score
        for name, score in scores.items()
    }


def dropped(masks: Mapping[str, MatrixMasks], nonzero: Mapping[str, Tensor]) -> dict[str, MatrixMasks]:
    """Masks that keep none of the weights that must stay zero."""
    return {
        name: replace(layer, nm=layer.nm & nonzero[name]) if name in nonzero else layer for name, layer in masks.items()
    }
