"""What the functions of the API return: results, with tables, figures and files on request."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crisp_hw.dropin.map_files import Mapped
from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.mapper.search import Found
from crisp_hw.spec.evaluation import NetworkEvaluation

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from crisp_hw.spec.result import Result


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` returns: a row per layer and accelerator, with tables, figures and files on request."""

    network: NetworkEvaluation

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

    def plot(self, kind: str = "speedup") -> "Figure":
        """Draw a matplotlib figure: "speedup" or "energy" for a bar per layer, or "totals" for one per accelerator."""
        from crisp_hw.report.plots import figure

        return figure(self.network, kind)

    def save(self, path: str | Path) -> tuple[Path, ...]:
        """Write tables, figures and the whole result into a folder, or for a path in .json the whole result alone.

        Returns the paths of the files; `load` takes any of them back.
        """
        from crisp_hw.report.files import save, save_result

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

        return cls(read_evaluation(Path(path)))


@dataclass(frozen=True)
class BestMapping:
    """What `find_mapping` returns: the best mapping, what it costs, and its files on request."""

    mapped: Mapped

    @property
    def found(self) -> Found:
        """The mapping, its cycles and energy in pJ, and how it was found."""
        return self.mapped.found

    @property
    def result(self) -> "Result":
        """Every count, as `crisp-hw model` has them; `skipped` is what the documents hold without effect."""
        return self.mapped.evaluated.result

    def texts(self, points: int = 1) -> dict[str, str]:
        """map.yaml, map.txt, stats.txt, stats.json and pareto.csv, the last with at most `points` mappings."""
        from crisp_hw.report.mapping import texts_of

        return texts_of(self.mapped, points)

    def save(self, folder: str | Path, points: int = 1) -> tuple[Path, ...]:
        """Write all of `texts` into a folder, all or none; returns the files."""
        from crisp_hw.machine.writing import write_all

        return write_all(Path(folder), {name: text.encode() for name, text in self.texts(points).items()})
