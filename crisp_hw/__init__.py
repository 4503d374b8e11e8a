"""crisp-hw: a pruned neural network in, hardware numbers that can be trusted out.

>>> import crisp_hw
>>> crisp_hw.load_arch("crisp-stc").replace(smem_bandwidth=32).architecture.level("SMEM").read_bandwidth
32.0
"""

TYPE_CHECKING = False  # as in typing, whose loading would be a time in which no command can end in order yet
if TYPE_CHECKING:
    from typing import Any

    from crisp_hw.api import *  # noqa: F403 - every name of it; __all__ below is the one list of them

__version__ = "0.1.0"
__all__ = [
    "NM",
    "Accelerator",
    "BestMapping",
    "Characterization",
    "CrispError",
    "Descriptor",
    "EvaluateOptions",
    "EvaluatedMapping",
    "Evaluation",
    "InputError",
    "MappingError",
    "ModelFile",
    "PointNetwork",
    "PrunedModel",
    "SearchOptions",
    "Study",
    "Workload",
    "WorkloadPattern",
    "characterize",
    "describe",
    "describe_checkpoint",
    "evaluate",
    "explore",
    "find_mapping",
    "import_model",
    "list_arch",
    "list_workloads",
    "load_arch",
    "load_pruned",
    "load_workload",
    "map",
    "model",
    "point_cloud",
    "render",
    "save_pruned",
]


def __getattr__(name: str) -> "Any":
    """Load the API on first use: importing a part of the package must not import all of it."""
    if name not in __all__:
        raise AttributeError(f"module 'crisp_hw' has no attribute {name!r}")
    from crisp_hw import api

    return getattr(api, name)


def __dir__() -> list[str]:
    """The API, and none of the modules that happen to be loaded."""
    return sorted([*__all__, "__version__", "__doc__"])
