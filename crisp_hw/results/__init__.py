"""An evaluation as a file, and the way back: everything that is printed, framed, drawn or rendered."""

from crisp_hw.results.file import SCHEMA, whole
from crisp_hw.results.keep import plain_provenance
from crisp_hw.results.read import RESULT, read_result, read_result_text

__all__ = ["RESULT", "SCHEMA", "plain_provenance", "read_result", "read_result_text", "whole"]
