"""Every read of the project's own files and of checkpoints from elsewhere; importing it does not import PyTorch."""

from typing import TYPE_CHECKING

from crisp_hw.machine.lazily import lazily

if TYPE_CHECKING:
    from crisp_hw.io.checkpoint import load_checkpoint
    from crisp_hw.io.pruned import load_pruned

__all__ = ["load_checkpoint", "load_pruned"]

_PLACES = {
    "load_checkpoint": "crisp_hw.io.checkpoint",
    "load_pruned": "crisp_hw.io.pruned",
}
__getattr__ = lazily(__name__, _PLACES)
