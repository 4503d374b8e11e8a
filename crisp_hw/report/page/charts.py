"""Charts as Vega-Lite writes them."""

from collections.abc import Mapping, Sequence
from typing import Any

from crisp_hw.report.page.page import Spec
from crisp_hw.spec.columns import Column, Record

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
"""The name of the language; nothing is fetched from there."""
HEIGHT = 320  # pixels; not given; assumed because two charts then stand beside each other on a screen of a laptop


def scatter(records: Sequence[Record], axes: tuple[Column, Column], shown: Sequence[Column], colours: Spec) -> Spec:
    """A point per record over two of its figures, with the others under the pointer; where `front` is set, a line."""
    x, y = (_axis(column) for column in axes)
    points = {
        "mark": {"type": "point", "filled": True, "size": 70, "opacity": 0.85},
        "encoding": {"x": x, "y": y, "tooltip": [_told(each) for each in shown], **colours},
    }
    ahead = {
        "transform": [{"filter": "datum.front"}],
        "mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 1.5, "color": "#D55E00"},
        "encoding": {"x": x, "y": y, "order": {"field": _field(axes[0]), "type": "quantitative"}},
    }
    layers: list[Spec] = [points, *([ahead] if any(each.get("front") for each in records) else [])]
    return _spec(records, layers)


def roofs(points: Sequence[Record], lines: Sequence[Record], shown: Sequence[Column], colours: Spec) -> Spec:
    """Points below the lines of their roofs, both axes in powers of two."""
    x = _axis(shown[0], {"type": "log", "base": 2})
    y = _axis(shown[1], {"type": "log", "base": 2})
    drawn = {
        "mark": {"type": "point", "filled": True, "size": 60, "opacity": 0.85},
        "encoding": {"x": x, "y": y, "tooltip": [_told(each) for each in shown], **colours},
    }
    roof = {
        "data": {"values": list(lines)},
        "mark": {"type": "line", "strokeWidth": 1.5},
        "encoding": {"x": x, "y": y, "detail": {"field": "roof"}, **colours},
    }
    return _spec(points, [roof, drawn])


def coloured(key: str, title: str, colours: Mapping[str, str]) -> Spec:
    """A colour for every name."""
    scale = {"domain": list(colours), "range": list(colours.values())}
    legend = {"orient": "bottom", "title": title, "columns": 2, "labelLimit": 260}
    return {"color": {"field": key, "type": "nominal", "scale": scale, "legend": legend}}


def bars(records: Sequence[Record], shown: Sequence[Column]) -> Spec:
    """Bars along the second of three columns: a group for every name in the first, a colour for each in the third."""
    group, length, kind = shown
    told = [_told(each) for each in shown]
    scale = {"domain": [0, 1]}
    colour = {"field": kind.key, "type": "nominal", "legend": {"orient": "bottom", "title": kind.heading}}
    encoding = {
        "y": {"field": group.key, "type": "nominal", "title": None, "sort": None},
        "yOffset": {"field": kind.key, "sort": None},
        "x": {**_axis(length), "scale": scale},
        "color": {**colour, "sort": None, "scale": {"range": ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9"]}},
        "tooltip": told,
    }
    return _spec(records, [{"mark": {"type": "bar"}, "encoding": encoding}])


def heat(title: str) -> Spec:
    """A chart of cells, whose values the page puts in."""
    edges = {
        "x": {"field": "left", "type": "quantitative", "title": "columns: kernel height, width, input channel"},
        "x2": {"field": "right"},
        "y": {"field": "top", "type": "quantitative", "title": "rows: output channels"},
        "y2": {"field": "bottom"},
    }
    for name in ("x", "y"):
        edges[name]["scale"] = {"zero": False, "nice": False, "reverse": name == "y"}  # type: ignore[assignment]
    told = [
        {"field": "top", "type": "quantitative", "title": "row"},
        {"field": "left", "type": "quantitative", "title": "column"},
        {"field": "kept", "type": "quantitative", "title": "kept", "format": ".0%"},
    ]
    share = {"field": "kept", "type": "quantitative", "title": "share kept"}
    colour = {**share, "scale": {"domain": [0, 1], "range": ["#eceff1", "#0b5fa5"]}, "legend": {"format": ".0%"}}
    return {
        "title": {"text": title, "anchor": "start", "fontWeight": "normal"},
        "width": "container",
        "height": 280,
        "autosize": {"type": "fit", "contains": "padding"},
        "data": {"name": "cells"},
        "mark": {"type": "rect", "stroke": None},
        "encoding": {**edges, "color": colour, "tooltip": told},
    }


def _spec(records: Sequence[Record], layers: Sequence[Spec]) -> Spec:
    return {
        "$schema": SCHEMA,
        "width": "container",
        "height": HEIGHT,
        "autosize": {"type": "fit", "contains": "padding"},
        "data": {"values": list(records)},
        "layer": list(layers),
    }


def _field(column: Column) -> str:
    """The key of a column as Vega-Lite wants it: a bare dot would be a step into a value.

    >>> _field(Column("levels.SMEM.size", "size"))
    'levels\\\\.SMEM\\\\.size'
    """
    return "".join(f"\\{letter}" if letter in ".[]" else letter for letter in column.key)


def _axis(column: Column, scale: Spec | None = None) -> dict[str, Any]:
    title = f"{column.heading}"
    return {
        "field": _field(column),
        "type": "quantitative",
        "title": title,
        "axis": {"labelOverlap": True, "labelSeparation": 6},
        "scale": {"zero": False, "nice": True} if scale is None else dict(scale),
    }


def _told(column: Column) -> Spec:
    """A value under the pointer: whole numbers in full, others to four digits, none with a power of ten.

    >>> _told(Column("cycles", "cycles", "whole"))["format"]
    ',d'
    """
    kind = "nominal" if column.left else "quantitative"
    digits = ",d" if column.style == "whole" else ",.4~r"
    return {
        "field": _field(column),
        "type": kind,
        "title": column.heading,
        **({} if column.left else {"format": digits}),
    }
