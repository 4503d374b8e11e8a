"""The text of result.json to the evaluation that it holds."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.machine.files import MIB, FileKind, read_text
from crisp_hw.machine.json_text import read_json_text
from crisp_hw.machine.positions import shown
from crisp_hw.results.file import CHECKSUM, EVALUATION, checksum
from crisp_hw.results.head import SCHEMA
from crisp_hw.results.restore import restored
from crisp_hw.results.saved import SavedEvaluation
from crisp_hw.spec.evaluation import NetworkEvaluation
from crisp_hw.spec.spelling import read_spelled

ADVICE = "give result.json of `crisp-hw evaluate --out`, its folder, or a file of `crisp-hw bundle`"
RESULT = FileKind("a result", 1024 * MIB, ADVICE)
"""A GiB are the masks of a network of some 10^10 weights."""
_AGAIN = "evaluate again to have a whole one"


def read_result(path: Path) -> NetworkEvaluation:
    """The evaluation that a result.json holds; InputError says in one sentence what the file is instead."""
    return read_result_text(read_text(path, RESULT), str(path))


def read_result_text(text: str, file: str) -> NetworkEvaluation:
    """The same of the text of a file of that name.

    >>> read_result_text('{"schema": "crisp-hw/doctor/1"}', "a.json")
    Traceback (most recent call last):
    ...
    crisp_hw.errors.InputError: a.json: is no result of an evaluation, but 'crisp-hw/doctor/1'; give result.json of ...
    """
    content = read_json_text(text, file, ADVICE)
    at = Where(mark=Mark(file))
    if not isinstance(content, dict):
        raise InputError(f"is no result of an evaluation, but {shown(content)}", at, ADVICE)
    _check_schema(content, at)
    if content.get(CHECKSUM) != checksum(content):
        raise InputError("is not as it was written (its checksum differs)", at, _AGAIN)
    try:
        return restored(read_spelled(SavedEvaluation, json.dumps(content.get(EVALUATION))))
    except InputError as error:
        raise InputError(f"holds no whole evaluation: {error}", at, _AGAIN) from error


def _check_schema(content: Mapping[str, Any], at: Where) -> None:
    schema = content.get("schema")
    name, _, version = schema.rpartition("/") if isinstance(schema, str) else ("", "", "")
    own, _, mine = SCHEMA.rpartition("/")
    if schema == SCHEMA:
        return
    if name != own or not version.isdecimal():
        what = "it has no schema" if schema is None else shown(schema)
        raise InputError(
            f"is no result of an evaluation, but {what}" if schema else f"is no result ({what})", at, ADVICE
        )
    if int(version[:9]) < int(mine):
        raise InputError(f"is of version {version}, which holds tables alone", at, "evaluate again with this version")
    raise InputError(f"is of version {version}, and this program reads {mine}", at, "install a newer crisp-hw")
