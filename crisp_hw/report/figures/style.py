"""How every figure looks: widths, sizes of text, and files that are the same bytes in every run."""

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from crisp_hw.errors import InputError
from crisp_hw.spec.columns import heading

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Width = Literal["column", "page"]
WIDTHS: Mapping[str, float] = {
    "column": 3.5,  # inches; IEEE Author Center, "Resolution and size": one column
    "page": 7.16,  # inches; the same: two columns. ACM's acmart (sigconf) has 3.33 and 7.0
}
DPI = 200  # not given; assumed because a page-wide picture then fills a screen of 1,440 dots
POINTS = 72.0  # per inch
TEXT = 7.0  # points; IEEE asks for 8 to 10, and DejaVu Sans is as large at 7 as Times at 8.5
LETTER = 0.62 * TEXT  # points; mean width of a letter of DejaVu Sans, and some room
LINE = 1.4 * TEXT  # points; height of a line of text with its spacing
INK, RULE, BAND = "#222222", "#BBBBBB", "#F0F0F0"
RC: Mapping[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": TEXT,
    "axes.titlesize": TEXT,
    "axes.labelsize": TEXT,
    "xtick.labelsize": TEXT,
    "ytick.labelsize": TEXT,
    "legend.fontsize": TEXT,
    "figure.titlesize": TEXT + 1,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "hatch.linewidth": 0.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "crisp-hw",  # names inside the file are then the same in every run
    "pdf.fonttype": 42,  # TrueType, which can be searched and edited; IEEE and ACM refuse type 3
}
SPEEDUP = f"{heading('speedup')} over dense (x)"
METADATA: Mapping[str, Mapping[str, None]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
"""What a file of each ending would say of time and program, and does not."""


def has_matplotlib() -> bool:
    """Is matplotlib installed? It is not loaded to say so."""
    from importlib.util import find_spec

    return find_spec("matplotlib") is not None


def require_matplotlib(why: str) -> None:
    """Raise InputError where matplotlib is missing."""
    if not has_matplotlib():
        raise InputError(f'{why} needs matplotlib; pip install "crisp-hw[plot]", or leave the pictures out')


def picture(drawn: "Figure", form: str = "png") -> bytes:
    """A figure as the bytes of a file of that ending, always the same for the same figure.

    >>> from matplotlib.figure import Figure
    >>> picture(Figure()).startswith(b"\\x89PNG"), picture(Figure(), "pdf") == picture(Figure(), "pdf")
    (True, True)
    >>> picture(Figure(), "gif")
    Traceback (most recent call last):
    ...
    crisp_hw.errors.InputError: no figures in .gif files; choose one of .png, .svg, .pdf
    """
    from matplotlib import rc_context

    if form not in METADATA:
        raise InputError(f"no figures in .{form} files", hint=f"choose one of {', '.join(f'.{f}' for f in METADATA)}")
    buffer = io.BytesIO()
    with rc_context(dict(RC)):
        drawn.savefig(buffer, format=form, dpi=DPI, metadata=dict(METADATA[form]))
    return buffer.getvalue()


def width_pt(text: str) -> float:
    """About as many points as a line of text is wide."""
    return LETTER * max((len(line) for line in text.split("\n")), default=0)


def wrapped(name: str, letters: int) -> str:
    """A long name over several lines, cut before a bracket or after a comma where there is one.

    >>> wrapped("crisp-stc[smem_bandwidth=32]", 20), wrapped("stc", 20)
    ('crisp-stc\\n[smem_bandwidth=32]', 'stc')
    """
    if len(name) <= letters:
        return name
    lines = [""]
    for part in name.replace("[", "\0[").replace(",", ",\0").replace("_", "_\0").split("\0"):
        if lines[-1] and (len(lines[-1]) + len(part) > letters or part.startswith("[")):
            lines.append("")
        lines[-1] += part
    return "\n".join(line[i : i + letters] for line in lines for i in range(0, len(line), letters))


def ruled(axes: "Axes", along: Literal["x", "y"]) -> None:
    """Thin lines behind the data at the values of one axis."""
    axes.grid(axis=along, linewidth=0.4, color=RULE, alpha=0.7)
    axes.set_axisbelow(True)
