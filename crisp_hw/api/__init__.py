"""The handful of functions that a user imports: `crisp_hw.evaluate`, `load_arch`, `describe`, `render` and friends.

`crisp_hw.__all__` is the list of them; here stands where each comes from.
"""

from typing import TYPE_CHECKING

from crisp_hw.machine.lazily import lazily

if TYPE_CHECKING:
    from crisp_hw.accelerators import list_arch as list_arch
    from crisp_hw.accelerators import load_arch as load_arch
    from crisp_hw.api.design_spaces import explore as explore
    from crisp_hw.api.hardware import characterize as characterize
    from crisp_hw.api.networks import describe as describe
    from crisp_hw.api.networks import evaluate as evaluate
    from crisp_hw.api.networks import import_model as import_model
    from crisp_hw.api.points import point_cloud as point_cloud
    from crisp_hw.api.timeloop_files import find_mapping as find_mapping
    from crisp_hw.api.timeloop_files import find_mapping as map  # noqa: F401 - its first name
    from crisp_hw.api.timeloop_files import model as model
    from crisp_hw.api.timeloop_files import render as render
    from crisp_hw.api.timeloop_files import rendered as rendered
    from crisp_hw.errors import CrispError as CrispError
    from crisp_hw.errors import InputError as InputError
    from crisp_hw.errors import MappingError as MappingError
    from crisp_hw.exploration import Study as Study
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

_PLACES = {
    "list_arch": "crisp_hw.accelerators",
    "load_arch": "crisp_hw.accelerators",
    "characterize": "crisp_hw.api.hardware",
    "describe": "crisp_hw.api.networks",
    "evaluate": "crisp_hw.api.networks",
    "import_model": "crisp_hw.api.networks",
    "point_cloud": "crisp_hw.api.points",
    "find_mapping": "crisp_hw.api.timeloop_files",
    "model": "crisp_hw.api.timeloop_files",
    "render": "crisp_hw.api.timeloop_files",
    "rendered": "crisp_hw.api.timeloop_files",
    "CrispError": "crisp_hw.errors",
    "InputError": "crisp_hw.errors",
    "MappingError": "crisp_hw.errors",
    "describe_checkpoint": "crisp_hw.extract",
    "load_pruned": "crisp_hw.io",
    "save_pruned": "crisp_hw.pruned_file",
    "BestMapping": "crisp_hw.returned",
    "Characterization": "crisp_hw.returned",
    "EvaluatedMapping": "crisp_hw.returned",
    "Evaluation": "crisp_hw.returned",
    "PointNetwork": "crisp_hw.returned",
    "ModelFile": "crisp_hw.sources",
    "WorkloadPattern": "crisp_hw.sources",
    "Accelerator": "crisp_hw.spec.accelerator",
    "Descriptor": "crisp_hw.spec.descriptors",
    "PrunedModel": "crisp_hw.spec.descriptors",
    "Workload": "crisp_hw.spec.layer",
    "EvaluateOptions": "crisp_hw.spec.options",
    "SearchOptions": "crisp_hw.spec.options",
    "NM": "crisp_hw.spec.patterns",
    "list_workloads": "crisp_hw.workloads",
    "load_workload": "crisp_hw.workloads",
    "explore": "crisp_hw.api.design_spaces",
    "Study": "crisp_hw.exploration",
    "map": "crisp_hw.api.timeloop_files:find_mapping",
}
__getattr__ = lazily(__name__, _PLACES)
