"""A figure that a notebook shows where it is the value of a cell, without pyplot."""

from matplotlib.figure import Figure

from crisp_hw.report.figures.style import picture

SHOWN_DPI = 100  # dots per inch on the page, as matplotlib has it; the picture itself has more, for sharp screens


class ShownFigure(Figure):
    """A matplotlib figure in everything; pyplot, which would show it, does not know it."""

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        return picture(self), {"width": round(self.get_figwidth() * SHOWN_DPI)}
