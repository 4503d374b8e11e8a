"""An evaluation as a file, and the way back: everything that is printed, framed, drawn or rendered."""

from typing import TYPE_CHECKING

from crisp_hw.machine.lazily import lazily

if TYPE_CHECKING:
    from crisp_hw.results.file import whole
    from crisp_hw.results.head import SCHEMA, plain_provenance
    from crisp_hw.results.read import RESULT, read_result, read_result_text

__all__ = ["RESULT", "SCHEMA", "plain_provenance", "read_result", "read_result_text", "whole"]

_PLACES = {
    "SCHEMA": "crisp_hw.results.head",
    "whole": "crisp_hw.results.file",
    "plain_provenance": "crisp_hw.results.head",
    "RESULT": "crisp_hw.results.read",
    "read_result": "crisp_hw.results.read",
    "read_result_text": "crisp_hw.results.read",
}
__getattr__ = lazily(__name__, _PLACES)
