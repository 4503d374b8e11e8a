"""What the functions of the API return: results, with tables, figures, files and explanations on request."""

from crisp_hw.returned.characterization import Characterization
from crisp_hw.returned.evaluation import Evaluation
from crisp_hw.returned.mappings import BestMapping, EvaluatedMapping

__all__ = ["BestMapping", "Characterization", "EvaluatedMapping", "Evaluation"]
