"""What the functions of the API return: results, with tables, figures, files and explanations on request."""

from crisp_hw.returned.characterization import Characterization
from crisp_hw.returned.evaluation import Evaluation
from crisp_hw.returned.mappings import BestMapping, EvaluatedMapping
from crisp_hw.returned.points import PointNetwork

__all__ = ["BestMapping", "Characterization", "EvaluatedMapping", "Evaluation", "PointNetwork"]
