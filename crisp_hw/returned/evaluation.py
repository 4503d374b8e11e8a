"""What `evaluate` returns: rows, frames, figures, files, and how any number came about."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.returned.frames import Tables, csv, frame
from crisp_hw.spec.absent import absent
from crisp_hw.spec.evaluation import LayerEvaluation, NetworkEvaluation
from crisp_hw.spec.kinds import check_path, wrong_kind
from crisp_hw.spec.shown import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from crisp_hw.explanation import Explanation
    from crisp_hw.report.figures.style import Width

EvaluationTable = Literal["layers", "totals", "levels"]


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` returns: a row per layer and accelerator, with tables, figures and files on request."""

    network: NetworkEvaluation

    @property
    def rows(self) -> tuple[LayerEvaluation, ...]:
        """A value per layer and accelerator: `layer`, `arch`, `cycles`, `speedup`, `result.energy_pj`, ..."""
        return self.network.rows

    @property
    def archs(self) -> tuple[str, ...]:
        """The names of the accelerators, in order of appearance."""
        return tuple(dict.fromkeys(row.arch for row in self.rows))

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of the layers, in order of appearance."""
        return tuple(dict.fromkeys(row.layer for row in self.rows))

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> "Iterator[LayerEvaluation]":
        return iter(self.rows)

    def __contains__(self, what: object) -> bool:
        return what in self.archs or what in self.layers or what in self.rows

    @overload
    def __getitem__(self, what: int) -> LayerEvaluation: ...

    @overload
    def __getitem__(self, what: "str | slice") -> "Evaluation": ...

    def __getitem__(self, what: "str | int | slice") -> "LayerEvaluation | Evaluation":
        """The rows of an accelerator or a layer, by name, as an evaluation of their own; or rows by their places.

        Examples
        --------
        >>> from crisp_hw import evaluate
        >>> result = evaluate("resnet50", ["dense", "stc"], nm="2:4", layers="layer4.*")
        >>> len(result["stc"]), result["stc"]["layer4.2.conv3"][0].layer
        (10, 'layer4.2.conv3')
        """
        match what:
            case bool():
                raise wrong_kind("what to take of an Evaluation", what, _ITEMS)
            case int():
                return self.rows[what]
            case slice():
                return self._with(self.rows[what])
            case str():
                found = [row for row in self.rows if row.arch == what] if what in self.archs else []
                found = found or [row for row in self.rows if row.layer == what]
                if not found:
                    there = f"accelerators are {listed(self.archs)}; layers are {listed(self.layers)}"
                    raise InputError(f"no accelerator and no layer {what[:80]!r}", hint=there)
                return self._with(found)
            case _:
                raise wrong_kind("what to take of an Evaluation", what, _ITEMS)

    def _with(self, rows: "Iterable[LayerEvaluation]") -> "Evaluation":
        return replace(self, network=replace(self.network, rows=tuple(rows)))

    def __repr__(self) -> str:
        from crisp_hw.report.notebook import evaluation_text

        return evaluation_text(self.network)

    def _repr_html_(self) -> str:
        from crisp_hw.report.notebook import evaluation_html

        return evaluation_html(self.network)

    if not TYPE_CHECKING:

        def __getattr__(self, name):
            """What is asked for and is not there: a sentence that says where it is."""
            if name.startswith("_") or name == "network":  # of a copy that is not whole yet
                raise AttributeError(name)
            tables = self._tables()
            frames = {f'to_frame("{table}")': list(next(iter(tables[table]()), ())) for table in tables}
            raise absent(self, name, frames)

    def _tables(self) -> Tables:
        """The records of every table, by name."""
        from crisp_hw.report.moved import level_records
        from crisp_hw.report.records import layer_records, total_records

        return {
            "layers": lambda: layer_records(self.network),
            "totals": lambda: total_records(self.network),
            "levels": lambda: level_records(self.network),
        }

    def to_frame(self, table: EvaluationTable = "layers") -> "pd.DataFrame":
        """Return a pandas DataFrame; the names of its columns hold the units (docs/columns.md has each).

        "layers" has a row per layer and accelerator, "totals" one per accelerator, summed over the layers, and "levels"
        one per layer, accelerator, level and tensor: the words that it moves.
        """
        return frame(self._tables(), table)

    def to_csv(self, path: str | Path | None = None, table: EvaluationTable = "layers") -> str | None:
        """Write a table of `to_frame` to a CSV file, numbers in full; without a path, return its text."""
        return csv(self._tables(), path, table)

    def totals(self) -> "pd.DataFrame":
        """Return `to_frame("totals")`."""
        return self.to_frame("totals")

    def levels(self) -> "pd.DataFrame":
        """Return `to_frame("levels")`."""
        return self.to_frame("levels")

    def explain(self, figure: str = "cycles", *, layer: str | None = None, arch: str | None = None) -> "Explanation":
        """Explain how a number of one layer on one accelerator came about, as `crisp-hw evaluate --explain` does.

        Parameters
        ----------
        figure
            "cycles", "energy", the MACs ("MAC"), a level ("SMEM") or a tensor in a level ("SMEM.A").
        layer, arch
            The names of the layer and the accelerator; what there is only one of may be left out.

        Returns
        -------
        Explanation
            Its text is what is printed; `figures` has every number of it.

        Raises
        ------
        InputError
            When there is no such figure, layer or accelerator, or it is not said which of several.

        Examples
        --------
        >>> from crisp_hw import evaluate
        >>> result = evaluate("resnet50", ["dense", "stc"], nm="2:4", layers="fc")
        >>> print(str(result.explain("cycles", arch="stc")).splitlines()[0])
        cycles: layer fc on stc
        """
        from crisp_hw.explanation import explain_row

        named = {"layer": _one("layer", layer, self.layers), "arch": _one("arch", arch, self.archs)}
        if not isinstance(figure, str):
            raise wrong_kind("the figure", figure, 'text, such as "cycles" or "SMEM.A"')
        found = [row for row in self.rows if (row.layer, row.arch) == (named["layer"], named["arch"])]
        if not found:
            raise InputError(f"layer {named['layer']} was not evaluated on {named['arch']}")
        return explain_row(found[0], figure)

    def areas(self) -> "pd.DataFrame":
        """Return a pandas DataFrame with a row per accelerator and component on chip: how many, area, source."""
        import pandas as pd

        from crisp_hw.report.silicon import area_records

        return pd.DataFrame(area_records(self.network))

    def plot(  # noqa: PLR0913 - what a user may say of a figure, all but the kind by name
        self,
        kind: str = "speedup",
        *,
        width: "Width" = "page",
        layer: str | None = None,
        arch: str | None = None,
        title: str | None = None,
        ax: "Axes | Sequence[Axes] | None" = None,
        save: str | Path | None = None,
    ) -> "Figure":
        """Draw a figure for a paper, an accelerator always in the same colour.

        Parameters
        ----------
        kind
            "totals" (speedup and energy of the whole network), "speedup" or "energy" (by layer, or by stage where
            the layers have no room), "roofline" (layers against every bandwidth and the MACs), or "mapping" (the loop
            nest of one layer on one accelerator beside the memory hierarchy).
        width
            "page" (7.16 inches, two columns of IEEE) or "column" (3.5 inches).
        layer, arch
            A glob over the names of layers, and the name of an accelerator; None draws all.
        title
            None says what is shown; "" leaves it to the caption.
        ax
            matplotlib axes to draw in, as many as the kind has panels; None makes a figure of its own.
        save
            A file to write, too: .png, .svg or .pdf.

        Returns
        -------
        matplotlib.figure.Figure
            The figure, or that of `ax`.

        Raises
        ------
        InputError
            When there is no such kind, layer or accelerator, or matplotlib is not installed.

        Examples
        --------
        >>> from crisp_hw import NM, WorkloadPattern, evaluate
        >>> result = evaluate(WorkloadPattern("resnet50", NM(2, 4), 64, 0.9), layers="layer4.2.*")
        >>> drawn = result.plot("speedup", width="column")
        >>> [label.get_text() for label in drawn.axes[0].get_xticklabels()][:3]
        ['2.conv1', '2.conv2', '2.conv3']
        """
        from crisp_hw.report.plots import Request, figure, saved

        return saved(figure(self.network, kind, Request(width, layer, arch, title, panels(ax))), save)

    def save(self, path: str | Path) -> tuple[Path, ...]:
        """Write tables, figures and the whole result into a folder, or for a path in .json the whole result alone.

        Returns the paths of the files; `load` takes any of them back.
        """
        from crisp_hw.report.files import save, save_result

        check_path("the path", path)
        target = Path(path)
        if target.suffix.lower() == ".zip":
            at = Where(mark=Mark(str(target)))
            raise InputError("a bundle also says what was asked for", at, "write it with `crisp-hw bundle`")
        return save_result(self.network, target) if target.suffix.lower() == ".json" else save(self.network, target)

    @classmethod
    def load(cls, path: str | Path) -> "Evaluation":
        """Read an evaluation that was saved: a result.json, the folder that holds it, or a bundle (.zip).

        It is equal to what was saved: all of its tables, frames, figures and documents are the same.

        Examples
        --------
        >>> import tempfile
        >>> from crisp_hw import NM, WorkloadPattern, evaluate
        >>> found = evaluate(WorkloadPattern("resnet50", NM(2, 4)), "stc", layers="fc")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     (file,) = found.save(f"{folder}/fc.json")
        ...     Evaluation.load(file) == found
        True
        """
        from crisp_hw.bundles.evaluation import read_evaluation

        check_path("the saved evaluation", path)
        return cls(read_evaluation(Path(path)))


_ITEMS = "the name of an accelerator or of a layer, or the place of a row"


def _one(what: str, name: str | None, there: "Sequence[str]") -> str:
    """The one that is named, or the only one."""
    if name is None and len(there) == 1:
        return there[0]
    if name is None:
        raise InputError(f"one {what} is explained, and there are {len(there)}", hint=f"give {what}: {listed(there)}")
    if not isinstance(name, str):
        raise wrong_kind(what, name, "its name as text")
    if name not in there:
        raise InputError(f"no {what} {name[:80]!r}", hint=f"there are {listed(there)}")
    return name


def panels(ax: "Axes | Sequence[Axes] | None") -> "tuple[Axes, ...]":
    """One axes or several (a list, or what `subplots` returns) as a tuple."""
    if ax is None:
        return ()
    several: Any = ax.ravel() if hasattr(ax, "ravel") else ax  # an array of axes
    return tuple(several) if isinstance(several, Iterable) else (several,)
