"""Problems in older and shorter words: shapes that Timeloop carries, bounds beside the shape, bounds as text.

Facts: Timeloop's problem-shapes/ (cnn_layer, gemm_ABZ), src/workload/workload.cpp: ParseWorkload (without a shape it is
cnn_layer; without `instance` the bounds stand in the problem itself), and the bounds in ISL's words that
pytorch2timeloop writes for Timeloop's fused workloads.
"""

import re
from collections.abc import Mapping
from typing import Any

from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.machine.positions import MarkedDict, derived, mark_of, marked
from crisp_hw.timeloop.yaml.fields import key_at, mapping, value_at

PROBLEM = Where("problem")
DEFAULT = "cnn_layer"
_STRIDES = ("Wstride", "Hstride", "Wdilation", "Hdilation")
SHAPES: Mapping[str, Mapping[str, Any]] = {
    "cnn_layer": {
        "name": "CNN_Layer",
        "dimensions": ["R", "S", "P", "Q", "C", "K", "N"],
        "coefficients": [{"name": name, "default": 1} for name in _STRIDES],
        "data_spaces": [
            {"name": "Weights", "projection": [[["C"]], [["K"]], [["R"]], [["S"]]]},
            {
                "name": "Inputs",
                "projection": [
                    [["N"]],
                    [["C"]],
                    [["R", "Wdilation"], ["P", "Wstride"]],
                    [["S", "Hdilation"], ["Q", "Hstride"]],
                ],
            },
            {"name": "Outputs", "projection": [[["N"]], [["K"]], [["Q"]], [["P"]]], "read_write": True},
        ],
    },
    "gemm_ABZ": {
        "name": "gemm_ABZ",
        "dimensions": ["M", "N", "K"],
        "data_spaces": [
            {"name": "A", "projection": [[["M"]], [["K"]]]},
            {"name": "B", "projection": [[["N"]], [["K"]]]},
            {"name": "Z", "projection": [[["M"]], [["N"]]], "read_write": True},
        ],
    },
}
_BETWEEN = re.compile(r"\s*(-?\d+)\s*<=\s*(\w+)\s*(<=|<)\s*(\d+)\s*")


def written_out(document: Any) -> Any:
    """A problem with its shape and its instance as mappings; InputError for a shape or bounds that are not known."""
    root = mapping(document, PROBLEM)
    if "instance" not in root:
        outside = {key: value for key, value in root.items() if key not in ("shape", "version")}
        rest: dict[str, Any] = {key: root[key] for key in ("shape", "version") if key in root}
        root = derived(root, {**rest, "instance": derived(root, outside)})
    if isinstance(root["instance"], str):
        root = derived(root, {**root, "instance": _bounds(root)})
    if isinstance(root.get("shape", DEFAULT), str):
        root = derived(root, {**root, "shape": _named(root)})
    return root


def default_shape(document: Any) -> tuple[str, ...]:
    """A note where a problem has no shape, and has Timeloop's for it."""
    if not isinstance(document, dict) or "shape" in document:
        return ()
    return (f"{mark_of(document) or 'problem'}: problem: no shape is given: {DEFAULT}, as in Timeloop",)


def _named(root: Any) -> Any:
    given = str(root.get("shape", DEFAULT))
    name = re.sub(r"\.ya?ml$", "", given).replace("-", "_")
    if name not in SHAPES:
        what = f"the shape {given[:40]!r} is none of those that Timeloop carries"
        raise InputError(what, value_at(PROBLEM, root, "shape"), f"use {' or '.join(SHAPES)}, or write the shape out")
    return _at(SHAPES[name], mark_of(root, "shape") or mark_of(root) or Mark("problem"))


def _at(value: Any, mark: Mark) -> Any:
    """A constant as if it stood at a line."""
    if isinstance(value, Mapping):
        node = MarkedDict(mark, dict.fromkeys(value, mark))
        node.update({key: _at(item, mark) for key, item in value.items()})
        return node
    return [_at(item, mark) for item in value] if isinstance(value, list) else marked(value, mark)


def _bounds(root: Any) -> Any:
    """`0 <= C < 3 and 0 <= K <= 63` as sizes by dimension."""
    text, at = str(root["instance"]), value_at(PROBLEM.under("instance"), root, "instance")
    mark = at.mark or Mark("problem")
    sizes = MarkedDict(mark)
    for part in re.split(r"\band\b|&&|,", text.strip(" {}[]")):
        found = _BETWEEN.fullmatch(part)
        if found is None or found[1] != "0":
            what = f"{part.strip()[:40]!r} is no range from 0, such as 0 <= K < 64"
            raise InputError(what, at, "write the sizes as a mapping: instance: {K: 64}")
        if found[2] in sizes:
            raise InputError(f"{found[2]} has two ranges", at, "give one")
        sizes.put(found[2], marked(int(found[4]) + (found[3] == "<="), mark), mark)
    return sizes


def no_text_projections(space: Any, at: Where) -> None:
    """Refuse a projection in ISL's words, which Timeloop knows in fused workloads alone."""
    if isinstance(space.get("projection"), str):
        what = "a projection as text is for Timeloop's fused workloads, which are not modelled"
        raise InputError(what, key_at(at, space, "projection"), "write lists: projection: [[[C]], [[P], [R]]]")
