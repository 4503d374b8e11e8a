"""The evaluation that a file, a folder or a bundle holds."""

from pathlib import Path

from crisp_hw.bundles.manifest import EVALUATION
from crisp_hw.bundles.pack import checked_contents, entry_text
from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.io.containers import CONTAINERS
from crisp_hw.machine.files import is_folder, opened
from crisp_hw.results import RESULT, read_result, read_result_text
from crisp_hw.spec.evaluation import NetworkEvaluation

_ZIP = b"PK"  # how every zip file begins (APPNOTE 6.3.10, section 4.3.7)


def read_evaluation(path: Path) -> NetworkEvaluation:
    """The evaluation of a result.json, of a folder with one, or of a bundle; InputError says what the path is instead.

    >>> read_evaluation(Path("/no/result.json"))
    Traceback (most recent call last):
    ...
    crisp_hw.errors.InputError: /no/result.json: cannot be read (no such file or directory); give result.json of ...
    """
    if is_folder(path):
        found = path / EVALUATION
        if not found.exists():
            raise InputError(f"the folder has no {EVALUATION}", Where(mark=Mark(str(path))), RESULT.advice)
        return read_result(found)
    if path.suffix in CONTAINERS:  # of which .pt is a zip file, as a bundle is
        hint = f"`crisp-hw evaluate {path} --out FOLDER` computes one"
        raise InputError("is a pruned network, and no result yet", Where(mark=Mark(str(path))), hint)
    with opened(path, RESULT) as stream:
        zipped = stream.read(len(_ZIP)) == _ZIP
    return _of_bundle(path) if zipped else read_result(path)


def _of_bundle(path: Path) -> NetworkEvaluation:
    manifest, contents = checked_contents(path)
    if manifest.evaluation is None:
        at = Where(mark=Mark(str(path)))
        raise InputError("is a bundle without a whole evaluation", at, "`crisp-hw replay` reads it; pack it again")
    return read_result_text(entry_text(path, contents, manifest.evaluation), f"{path}/{manifest.evaluation}")
