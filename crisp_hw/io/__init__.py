"""Every read of the project's own files and of checkpoints from elsewhere; importing it does not import PyTorch."""

from crisp_hw.io.checkpoint import load_checkpoint
from crisp_hw.io.pruned import load_pruned

__all__ = ["load_checkpoint", "load_pruned"]
