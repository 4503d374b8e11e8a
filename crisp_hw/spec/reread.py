"""A file read anew with other numbers, by their paths: which there are, and which cannot follow what was set before."""

from difflib import get_close_matches
from typing import TYPE_CHECKING

from crisp_hw.errors import InputError
from crisp_hw.spec.variant import Changes, is_path, written

SIZES = ("size_kb", "size_words")  # a level has one of them

if TYPE_CHECKING:
    from crisp_hw.spec.accelerator import Accelerator


def reread(accelerator: "Accelerator", paths: Changes) -> "Accelerator":
    """The accelerator of the same file with these numbers and those of paths before.

    InputError for a path that it does not have, with those that are near, for a number that a short name has set
    before, and for what the file cannot say.
    """
    name, known = accelerator.name, accelerator.numbers
    for path in paths:
        _check_known(name, path, known)
    for each in accelerator.applied:
        if not is_path(each) and any(written(each) & written(path) for path in paths):
            said = f"{name}: {next(iter(paths))} sets a number that {each} has set before"
            raise InputError(said, hint=f"set it by that name, or leave {each} out")
    assert accelerator.reread is not None  # numbers come with the file that they stand in
    try:
        return accelerator.reread({**{e: v for e, v in accelerator.applied.items() if is_path(e)}, **paths})
    except InputError as error:
        said = ", ".join(f"{path}={'none' if value is None else value}" for path, value in paths.items())
        raise error.within(f"{name} with {said}") from error


def _check_known(name: str, path: str, known: Changes) -> None:
    if path in known:
        return
    for one, other in (SIZES, SIZES[::-1]):
        if path.endswith(f".{one}") and (sized := path.removesuffix(one) + other) in known:
            raise InputError(f"{name}: {path} is no number of its file, which gives {other}", hint=f"set {sized}")
    near = get_close_matches(path, known, n=1, cutoff=0.6)
    above = [each for each in known if each.startswith(f"{path.rpartition('.')[0]}.")] or list(known)
    meant = f"did you mean {near[0]}? " if near else ""
    there = f"there are {', '.join(above)}" if known else "an Accelerator of no file has none"
    raise InputError(f"{name}: unknown number {path}", hint=f"{meant}{there}")


def as_set(path: str, value: float | None, changes: Changes) -> float | None:
    """The value of a path where a short name of the same number, in the same unit, has set it.

    >>> as_set("levels.RF.size_kb", 1, {"rf_kb": 2}), as_set("levels.RF.banks", 1, {"rf_kb": 2})
    (2, 1)
    """
    short = path.removeprefix("levels.").replace(".", "_").replace("_size_kb", "_kb").lower()
    both = short.replace("read_bandwidth", "bandwidth").replace("write_bandwidth", "bandwidth")
    return next((changes[each] for each in (short, both) if each in changes), value)
