"""The handful of functions that a user imports: `crisp_hw.evaluate`, `load_arch`, `describe`, `render` and friends.

`crisp_hw.__all__` is the list of them; here stands where each comes from.
"""

from typing import TYPE_CHECKING, Any

from crisp_hw.accelerators import list_arch as list_arch
from crisp_hw.accelerators import load_arch as load_arch
from crisp_hw.api.hardware import characterize as characterize
from crisp_hw.api.networks import describe as describe
from crisp_hw.api.networks import evaluate as evaluate
from crisp_hw.api.networks import import_model as import_model
from crisp_hw.api.points import point_cloud as point_cloud
from crisp_hw.api.timeloop_files import find_mapping as find_mapping
from crisp_hw.api.timeloop_files import model as model
from crisp_hw.api.timeloop_files import render as render
from crisp_hw.api.timeloop_files import rendered as rendered
from crisp_hw.errors import CrispError as CrispError
from crisp_hw.errors import InputError as InputError
from crisp_hw.errors import MappingError as MappingError
from crisp_hw.extract import describe_checkpoint as describe_checkpoint
from crisp_hw.io import load_pruned as load_pruned
from crisp_hw.pruned_file import save_pruned as save_pruned
from crisp_hw.returned import BestMapping as BestMapping
from crisp_hw.returned import Characterization as Characterization
from crisp_hw.returned import EvaluatedMapping as EvaluatedMapping
from crisp_hw.returned import Evaluation as Evaluation
from crisp_hw.returned import PointNetwork as PointNetwork
from crisp_hw.sources import ModelFile as ModelFile
from crisp_hw.sources import WorkloadPattern as WorkloadPattern
from crisp_hw.spec.accelerator import Accelerator as Accelerator
from crisp_hw.spec.descriptors import Descriptor as Descriptor
from crisp_hw.spec.descriptors import PrunedModel as PrunedModel
from crisp_hw.spec.layer import Workload as Workload
from crisp_hw.spec.options import EvaluateOptions as EvaluateOptions
from crisp_hw.spec.options import SearchOptions as SearchOptions
from crisp_hw.spec.patterns import NM as NM
from crisp_hw.workloads import list_workloads as list_workloads
from crisp_hw.workloads import load_workload as load_workload

if TYPE_CHECKING:
    from crisp_hw.api.design_spaces import explore as explore
    from crisp_hw.exploration import Study as Study

map = find_mapping  # its first name, which hides Python's own


def __getattr__(name: str) -> Any:
    """What explores design spaces is loaded when it is asked for: an evaluation has no use for it."""
    if name not in {"explore", "Study"}:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from crisp_hw.api import design_spaces

    return getattr(design_spaces, name)
