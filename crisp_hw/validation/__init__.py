"""The embedded engine against recorded runs of Timeloop, figure by figure.

A recorded case is a dict with `id`, `family`, `input` (the documents that timeloop-model read) and `output` (what it
reported); tests/golden/README.md describes both. Files hold one case a line, as JSON, gzipped.
"""

from crisp_hw.validation.agreement import Agreement, grade, holds, read_cases, validate
from crisp_hw.validation.compare import Difference, compare
from crisp_hw.validation.page import page

__all__ = ["Agreement", "Difference", "compare", "grade", "holds", "page", "read_cases", "validate"]
