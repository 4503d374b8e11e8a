"""What a pruned layer really looks like: from its mask, or expected from its pattern alone."""

from crisp_hw.descriptors.mask import describe, describe_model
from crisp_hw.descriptors.network import layer_roles, network_pattern, network_sparsity
from crisp_hw.descriptors.pattern import pattern_descriptor

__all__ = [
    "describe",
    "describe_model",
    "layer_roles",
    "network_pattern",
    "network_sparsity",
    "pattern_descriptor",
]
