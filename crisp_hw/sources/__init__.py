"""What a user gives to evaluate: a network by file, value or pattern, and accelerators by name, file or value."""

from crisp_hw.sources.foreign import ModelFile, is_module, with_model
from crisp_hw.sources.hardware import Arch, load_accelerators
from crisp_hw.sources.kinds import kind_of
from crisp_hw.sources.networks import Asked, Network, Pattern, Source, WorkloadPattern, resolve, select, sized

__all__ = [
    "Arch",
    "Asked",
    "ModelFile",
    "Network",
    "Pattern",
    "Source",
    "WorkloadPattern",
    "is_module",
    "kind_of",
    "load_accelerators",
    "resolve",
    "select",
    "sized",
    "with_model",
]
