"""How a number came about: the engine's own figures with the formulas and the values that give them."""

from crisp_hw.explain.nouns import Explanation, Section, Step
from crisp_hw.explain.subject import explain, subjects
from crisp_hw.explain.text import explanation_text

__all__ = ["Explanation", "Section", "Step", "explain", "explanation_text", "subjects"]
