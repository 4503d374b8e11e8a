"""Torch models to layers, by forward hooks; importing it does not import PyTorch."""

from typing import TYPE_CHECKING

from crisp_hw.machine.lazily import lazily

if TYPE_CHECKING:
    from crisp_hw.extract.checkpoint import describe_checkpoint
    from crisp_hw.extract.configured import describe_configured
    from crisp_hw.extract.shapes import describe_weights, unknown_sizes
    from crisp_hw.extract.workload import extract

__all__ = ["describe_checkpoint", "describe_configured", "describe_weights", "extract", "unknown_sizes"]

_PLACES = {
    "describe_checkpoint": "crisp_hw.extract.checkpoint",
    "describe_configured": "crisp_hw.extract.configured",
    "describe_weights": "crisp_hw.extract.shapes",
    "unknown_sizes": "crisp_hw.extract.shapes",
    "extract": "crisp_hw.extract.workload",
}
__getattr__ = lazily(__name__, _PLACES)
