"""What is asked of a result that it does not have: a sentence that says where it is."""

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from difflib import get_close_matches

from crisp_hw.spec.shown import listed

ENERGY = ("energy_uj", "pj")
TIME = ("cycles",)
FRAME = ("to_frame",)
SAVED = ("save", "to_csv")
MEANT: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("energy", "energy_j", "energy_mj", "energy_pj", "energy_uj", "power", "uj", "pj"), ENERGY),
    **dict.fromkeys(("latency", "time", "runtime", "delay", "cycle"), TIME),
    **dict.fromkeys(("df", "frame", "dataframe", "to_dataframe", "to_df", "to_pandas", "table", "pandas"), FRAME),
    **dict.fromkeys(("to_dict", "to_latex", "to_markdown", "to_parquet", "to_excel", "to_html"), FRAME),
    **dict.fromkeys(("write", "export", "dump", "to_json", "to_yaml", "csv", "json"), SAVED),
    **dict.fromkeys(("accelerators", "accelerator", "arch", "hardware", "names"), ("archs",)),
    **dict.fromkeys(("figure", "show", "draw", "chart"), ("plot",)),
}
"""What newcomers ask of a result -> attributes or columns that answer it, best first."""


def absent(owner: object, name: str, columns: Mapping[str, Iterable[str]] | None = None) -> AttributeError:
    """The error to raise for an attribute that there is not; `columns` are those of its frames, by what gives them.

    >>> raise absent(Exception(), "with_tracebacks")
    Traceback (most recent call last):
    ...
    AttributeError: Exception has no attribute with_tracebacks; did you mean with_traceback?
    >>> raise absent(Exception(), "energy", {"to_frame()": ["cycles", "energy_uj"]})
    Traceback (most recent call last):
    ...
    AttributeError: Exception has no attribute energy; energy_uj is a column of to_frame()
    """
    said = f"{type(owner).__name__} has no attribute {name}"
    if name.startswith("_"):
        return AttributeError(said)  # what programs look for, and no user
    own = [each.name for each in fields(owner)] if is_dataclass(owner) else []
    known = [each for each in dict.fromkeys([*own, *dir(type(owner))]) if not each.startswith("_")]
    frames = {call: list(keys) for call, keys in (columns or {}).items()}
    return AttributeError(f"{said}; {_hint(name.lower(), known, frames)}")


def _hint(name: str, known: list[str], columns: Mapping[str, list[str]]) -> str:
    """Where it is: a column of that name, what else it is called, or all there is."""
    for wanted in (name, *MEANT.get(name, ())):
        if wanted in known:
            return f"use {wanted}"
        if calls := [call for call, keys in columns.items() if wanted in keys]:
            return f"{wanted if wanted != name else 'it'} is a column of {' and '.join(calls)}"
    if close := get_close_matches(name, known, n=1, cutoff=0.75):
        return f"did you mean {close[0]}?"
    for call, keys in columns.items():
        if found := [key for key in keys if name in key.split("_")]:
            return f"{call} has {listed(found)}"
    return f"there are {', '.join(known)}"
