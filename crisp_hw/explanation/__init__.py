"""How a number came about: the engine's own figures with the formulas and the values that give them."""

from crisp_hw.explanation.nouns import Explanation, ExplanationStep, Section
from crisp_hw.explanation.row import explain_row
from crisp_hw.explanation.subject import explain, subjects
from crisp_hw.explanation.text import explanation_text

__all__ = ["Explanation", "ExplanationStep", "Section", "explain", "explain_row", "explanation_text", "subjects"]
