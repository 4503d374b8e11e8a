"""Torch models to layers, by forward hooks; importing it does not import PyTorch."""

from crisp_hw.extract.checkpoint import describe_checkpoint
from crisp_hw.extract.configured import describe_configured
from crisp_hw.extract.shapes import describe_weights, unknown_sizes
from crisp_hw.extract.workload import extract

__all__ = ["describe_checkpoint", "describe_configured", "describe_weights", "extract", "unknown_sizes"]
