"""Architecture files: packaged ones by name, a user's by path, checked and resolved to an Accelerator."""

from crisp_hw.accelerators.files import list_arch
from crisp_hw.accelerators.load import characterized, load_arch

__all__ = ["characterized", "list_arch", "load_arch"]
