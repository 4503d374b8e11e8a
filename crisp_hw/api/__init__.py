"""The handful of functions that a user imports: `crisp_hw.evaluate`, `load_arch`, `describe`, `render` and friends."""

from crisp_hw.accelerators import list_arch, load_arch
from crisp_hw.api.hardware import characterize
from crisp_hw.api.networks import describe, evaluate
from crisp_hw.api.timeloop_files import find_mapping, model, render, rendered
from crisp_hw.errors import CrispError, InputError, MappingError
from crisp_hw.extract import describe_checkpoint
from crisp_hw.io import load_pruned
from crisp_hw.returned import BestMapping, Evaluation
from crisp_hw.sources import WorkloadPattern
from crisp_hw.spec.accelerator import Accelerator
from crisp_hw.spec.characterization import Characterization
from crisp_hw.spec.descriptors import Descriptor, PrunedModel
from crisp_hw.spec.layer import Workload
from crisp_hw.spec.options import EvaluateOptions, SearchOptions
from crisp_hw.spec.patterns import NM
from crisp_hw.workloads import list_workloads, load_workload

map = find_mapping  # its first name, which hides Python's own

__all__ = [
    "NM",
    "Accelerator",
    "BestMapping",
    "Characterization",
    "CrispError",
    "Descriptor",
    "EvaluateOptions",
    "Evaluation",
    "InputError",
    "MappingError",
    "PrunedModel",
    "SearchOptions",
    "Workload",
    "WorkloadPattern",
    "characterize",
    "describe",
    "describe_checkpoint",
    "evaluate",
    "find_mapping",
    "list_arch",
    "list_workloads",
    "load_arch",
    "load_pruned",
    "load_workload",
    "map",
    "model",
    "render",
    "rendered",
]
