"""What the functions of the API return: results, with tables, figures, files and explanations on request."""

from typing import TYPE_CHECKING

from crisp_hw.machine.lazily import lazily

if TYPE_CHECKING:
    from crisp_hw.returned.characterization import Characterization
    from crisp_hw.returned.evaluation import Evaluation
    from crisp_hw.returned.mappings import BestMapping, EvaluatedMapping
    from crisp_hw.returned.points import PointNetwork

__all__ = ["BestMapping", "Characterization", "EvaluatedMapping", "Evaluation", "PointNetwork"]

_PLACES = {
    "Characterization": "crisp_hw.returned.characterization",
    "Evaluation": "crisp_hw.returned.evaluation",
    "BestMapping": "crisp_hw.returned.mappings",
    "EvaluatedMapping": "crisp_hw.returned.mappings",
    "PointNetwork": "crisp_hw.returned.points",
}
__getattr__ = lazily(__name__, _PLACES)
