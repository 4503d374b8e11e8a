"""How many scores of attention a mask drops: a causal one, a window, or any other. Importing it imports PyTorch."""

from math import prod
from typing import Any

import torch
from torch import Tensor

DROPPED = -1e4
"""What a mask adds at least to a score that is to count for nothing: BERT's first code, the smallest of the usual ones
(others add -1e9, the least number of the type, or minus infinity)."""


def masked_by_numbers(scores: Tensor, weights: Tensor) -> int:
    """Scores that a mask made so small that softmax gives exactly zero; 0 of tensors without numbers.

    >>> scores = torch.zeros(1, 3, 3) + torch.full((3, 3), float("-inf")).triu(1)
    >>> masked_by_numbers(scores, scores.softmax(-1))
    3
    """
    if scores.device.type == "meta" or weights.shape != scores.shape:
        return 0
    return int(((scores <= DROPPED) & (weights == 0)).sum())


def masked_by_arguments(func: Any, args: Any, given: Any) -> int:
    """Scores that a fused attention is told to drop, over all samples and heads.

    >>> tensor = torch.zeros(1, 2, 3, 4)
    >>> attend = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu.default
    >>> masked_by_arguments(attend, (tensor, tensor, tensor, 0.0, True), {})
    6
    """
    named = dict(zip((each.name for each in func._schema.arguments), args, strict=False)) | given
    query, key = named["query"], named["key"]
    queries, keys, times = query.shape[-2], key.shape[-2], prod(query.shape[:-2])
    mask = named.get("attn_mask", named.get("attn_bias"))
    if named.get("is_causal"):
        return int(times * sum(max(keys - 1 - place, 0) for place in range(queries)))
    if mask is None or mask.device.type == "meta":
        return 0
    dropped = ~mask if mask.dtype == torch.bool else mask <= DROPPED
    return int(dropped.broadcast_to((*query.shape[:-1], keys)).sum())
