"""The kinds of figures, each drawn by a function of a scene; `crisp_hw.report.plots` is the way in."""
