"""What the functions of the API return: results, with tables, figures and files on request."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crisp_hw.dropin.map_files import Mapped
from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.mapper.search import Found
from crisp_hw.spec.evaluation import NetworkEvaluation
from crisp_hw.spec.kinds import check_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from crisp_hw.report.figures.style import Width
    from crisp_hw.spec.evaluation import LayerEvaluation
    from crisp_hw.spec.result import Result


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` returns: a row per layer and accelerator, with tables, figures and files on request."""

    network: NetworkEvaluation

    @property
    def rows(self) -> "tuple[LayerEvaluation, ...]":
        """A value per layer and accelerator: `layer`, `arch`, `speedup`, `result.cycles`, `result.energy_pj`, ..."""
        return self.network.rows

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> "Iterator[LayerEvaluation]":
        return iter(self.rows)

    def __repr__(self) -> str:
        from crisp_hw.report.notebook import evaluation_text

        return evaluation_text(self.network)

    def _repr_html_(self) -> str:
        from crisp_hw.report.notebook import evaluation_html

        return evaluation_html(self.network)

    def to_frame(self) -> "pd.DataFrame":
        """Return a pandas DataFrame with a row per layer and accelerator; the names of the columns hold the units."""
        import pandas as pd  # slow to import, and only frames need it

        from crisp_hw.report.records import layer_records

        return pd.DataFrame(layer_records(self.network))

    def totals(self) -> "pd.DataFrame":
        """Return a pandas DataFrame with a row per accelerator, summed over the layers."""
        import pandas as pd

        from crisp_hw.report.records import total_records

        return pd.DataFrame(total_records(self.network))

    def levels(self) -> "pd.DataFrame":
        """Return a pandas DataFrame with a row per layer, accelerator, level and tensor: the words that it moves."""
        import pandas as pd

        from crisp_hw.report.moved import level_records

        return pd.DataFrame(level_records(self.network))

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

        return saved(figure(self.network, kind, Request(width, layer, arch, title, _panels(ax))), save)

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


@dataclass(frozen=True)
class BestMapping:
    """What `find_mapping` returns: the best mapping, what it costs, and its files on request."""

    mapped: Mapped

    def __repr__(self) -> str:
        from crisp_hw.report.notebook import mapping_lines

        return "\n  ".join(mapping_lines(self.mapped))

    def _repr_html_(self) -> str:
        from crisp_hw.report.notebook import mapping_html

        return mapping_html(self.mapped)

    @property
    def found(self) -> Found:
        """The mapping, its cycles and energy in pJ, and how it was found."""
        return self.mapped.found

    @property
    def cycles(self) -> int:
        """The cycles of the best mapping."""
        return self.found.cycles

    @property
    def energy_pj(self) -> float:
        """The energy of the best mapping in pJ, as `crisp-hw map` has it."""
        return self.found.energy_pj

    @property
    def result(self) -> "Result":
        """Every count, as `crisp-hw model` has them; `skipped` is what the documents hold without effect."""
        return self.mapped.evaluated.result

    def texts(self, points: int = 1) -> dict[str, str]:
        """map.yaml, map.txt, stats.txt, stats.json and pareto.csv, the last with at most `points` mappings."""
        from crisp_hw.report.mapping import texts_of

        return texts_of(self.mapped, points)

    def plot(
        self,
        kind: str = "mapping",
        *,
        width: "Width" = "page",
        title: str | None = None,
        ax: "Axes | None" = None,
        save: str | Path | None = None,
    ) -> "Figure":
        """Draw the loop nest beside the memory hierarchy; the parameters are those of `Evaluation.plot`."""
        from crisp_hw.report.plots import Request, figure_of_mapping, saved

        request = Request(width, title=title, axes=_panels(ax))
        return saved(figure_of_mapping(self.mapped.evaluated, kind, request), save)

    def save(self, folder: str | Path, points: int = 1) -> tuple[Path, ...]:
        """Write all of `texts` into a folder, all or none; returns the files."""
        from crisp_hw.machine.writing import write_all

        check_path("the folder", folder)
        return write_all(Path(folder), {name: text.encode() for name, text in self.texts(points).items()})


def _panels(ax: "Axes | Sequence[Axes] | None") -> "tuple[Axes, ...]":
    """One axes or several (a list, or what `subplots` returns) as a tuple."""
    if ax is None:
        return ()
    several: Any = ax.ravel() if hasattr(ax, "ravel") else ax  # an array of axes
    return tuple(several) if isinstance(several, Iterable) else (several,)
