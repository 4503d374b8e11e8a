"""What `model` and `find_mapping` return: one mapping of Timeloop's files, evaluated, and the best of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from crisp_hw.dropin.map_files import Mapped
from crisp_hw.mapper.found import Found
from crisp_hw.returned.evaluation import panels
from crisp_hw.returned.frames import Tables, csv, frame
from crisp_hw.spec.absent import absent
from crisp_hw.spec.kinds import check_path
from crisp_hw.timeloop.stats.detail import Evaluated

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from crisp_hw.explanation import Explanation
    from crisp_hw.report.figures.style import Width
    from crisp_hw.spec.design import DesignPoint
    from crisp_hw.spec.result import Result

MappingTable = Literal["levels", "totals"]


@dataclass(frozen=True)
class EvaluatedMapping:
    """What `model` returns: the counts, cycles and energy of one mapping, its files and explanations on request."""

    evaluated: Evaluated

    def __repr__(self) -> str:
        from crisp_hw.report.notebook import evaluated_lines

        return "\n  ".join(evaluated_lines(self.evaluated))

    def _repr_html_(self) -> str:
        from crisp_hw.report.notebook import evaluated_html

        return evaluated_html(self.evaluated)

    if not TYPE_CHECKING:

        def __getattr__(self, name):
            """What is asked for and is not there: a sentence that says where it is."""
            raise _absent(self, name, "evaluated")

    @property
    def result(self) -> "Result":
        """Every count, as `crisp-hw model` has them; `skipped` is what the documents hold without effect."""
        return self.evaluated.result

    @property
    def point(self) -> "DesignPoint":
        """What was evaluated: problem, architecture and mapping."""
        return self.evaluated.point

    @property
    def cycles(self) -> int:
        """The cycles of the mapping."""
        return self.result.cycles

    @property
    def energy_pj(self) -> float:
        """Its energy in pJ, DRAM included."""
        return self.result.energy_pj

    @property
    def energy_uj(self) -> float:
        """Its energy in µJ, DRAM included."""
        return self.energy_pj / 1e6

    def to_frame(self, table: MappingTable = "levels") -> "pd.DataFrame":
        """Return a pandas DataFrame: "levels" has a row per level and tensor, "totals" one row."""
        return frame(_tables(self.evaluated), table)

    def to_csv(self, path: str | Path | None = None, table: MappingTable = "levels") -> str | None:
        """Write a table of `to_frame` to a CSV file, numbers in full; without a path, return its text."""
        return csv(_tables(self.evaluated), path, table)

    def explain(self, figure: str = "cycles") -> "Explanation":
        """Explain how a number came about: "cycles", "energy", a level ("GLB") or a tensor in a level ("GLB.A")."""
        return _explained(self.evaluated, figure)

    def texts(self) -> dict[str, str]:
        """The files that `crisp-hw model` writes: text by name."""
        from crisp_hw.dropin.model import texts_of

        return texts_of(self.evaluated)

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

        return saved(figure_of_mapping(self.evaluated, kind, Request(width, title=title, axes=panels(ax))), save)

    def save(self, folder: str | Path) -> tuple[Path, ...]:
        """Write all of `texts` into a folder, all or none; returns the files."""
        return _saved(folder, self.texts())


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

    if not TYPE_CHECKING:

        def __getattr__(self, name):
            """What is asked for and is not there: a sentence that says where it is."""
            raise _absent(self, name, "mapped")

    @property
    def found(self) -> Found:
        """The mapping, its cycles and energy in pJ, and how it was found."""
        return self.mapped.found

    @property
    def evaluated(self) -> EvaluatedMapping:
        """What `model` returns of the best mapping."""
        return EvaluatedMapping(self.mapped.evaluated)

    @property
    def result(self) -> "Result":
        """Every count, as `crisp-hw model` has them; `skipped` is what the documents hold without effect."""
        return self.evaluated.result

    @property
    def cycles(self) -> int:
        """The cycles of the best mapping."""
        return self.found.cycles

    @property
    def energy_pj(self) -> float:
        """The energy of the best mapping in pJ, as `crisp-hw map` has it."""
        return self.found.energy_pj

    @property
    def energy_uj(self) -> float:
        """The energy of the best mapping in µJ."""
        return self.energy_pj / 1e6

    def to_frame(self, table: MappingTable = "levels") -> "pd.DataFrame":
        """Return a pandas DataFrame: "levels" has a row per level and tensor, "totals" one row."""
        return self.evaluated.to_frame(table)

    def to_csv(self, path: str | Path | None = None, table: MappingTable = "levels") -> str | None:
        """Write a table of `to_frame` to a CSV file, numbers in full; without a path, return its text."""
        return self.evaluated.to_csv(path, table)

    def explain(self, figure: str = "cycles") -> "Explanation":
        """Explain how a number of the best mapping came about, as `EvaluatedMapping.explain`."""
        return self.evaluated.explain(figure)

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
        return self.evaluated.plot(kind, width=width, title=title, ax=ax, save=save)

    def save(self, folder: str | Path, points: int = 1) -> tuple[Path, ...]:
        """Write all of `texts` into a folder, all or none; returns the files."""
        return _saved(folder, self.texts(points))


def _tables(evaluated: Evaluated) -> Tables:
    from crisp_hw.report.model import model_records, model_totals

    return {"levels": lambda: model_records(evaluated), "totals": lambda: [model_totals(evaluated)]}


def _absent(owner: EvaluatedMapping | BestMapping, name: str, field: str) -> AttributeError:
    if name.startswith("_") or name == field:  # of a copy that is not whole yet
        return AttributeError(name)
    evaluated = owner.evaluated.evaluated if isinstance(owner, BestMapping) else owner.evaluated
    return absent(owner, name, {f'to_frame("{table}")': list(rows()[0]) for table, rows in _tables(evaluated).items()})


def _explained(evaluated: Evaluated, figure: str) -> "Explanation":
    from crisp_hw.explanation import explain

    return explain(evaluated.point, figure)


def _saved(folder: str | Path, texts: "Mapping[str, str]") -> tuple[Path, ...]:
    from crisp_hw.machine.writing import write_all

    check_path("the folder", folder)
    return write_all(Path(folder), {name: text.encode() for name, text in texts.items()})
