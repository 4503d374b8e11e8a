"""What `point_cloud` returns: maps and groups of a network over a scan, and its matrix products as a workload."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from crisp_hw.points import workload_of
from crisp_hw.returned.frames import Tables, csv, frame
from crisp_hw.spec.layer import Workload
from crisp_hw.spec.points import PointLayer
from crisp_hw.spec.shown import counted

if TYPE_CHECKING:
    import pandas as pd

PointTable = Literal["layers", "groups"]


@dataclass(frozen=True)
class PointNetwork:
    """What `point_cloud` returns: every convolution with its kernel map, its groups and the words that move for it."""

    name: str
    layers: tuple[PointLayer, ...]
    points: int
    voxels: int

    @property
    def workload(self) -> Workload:
        """The matrix products as linear layers, which `evaluate` takes."""
        return workload_of(self.name, self.layers)

    def __repr__(self) -> str:
        kernels, pairs = sum(each.kernels for each in self.layers), sum(each.map.pairs for each in self.layers)
        said = f"{counted(len(self.layers), 'convolution')} over {self.voxels:,} voxels of {self.points:,} points"
        return f"<PointNetwork {self.name}: {said}, {kernels:,} kernels, {pairs:,} pairs>"

    def _tables(self) -> Tables:
        from crisp_hw.report.points import group_records, layer_records

        return {"layers": lambda: layer_records(self.layers), "groups": lambda: group_records(self.layers)}

    def to_frame(self, table: PointTable = "layers") -> "pd.DataFrame":
        """Return a pandas DataFrame: a row per convolution ("layers"), or one per group of matrix products ("groups").

        Examples
        --------
        >>> from crisp_hw.points import point_layers, load_network
        >>> import numpy as np
        >>> row = np.array([[0, 0, 0], [0, 0, 1]])
        >>> int(PointNetwork("two", point_layers(load_network("minkunet")[:1], row), 2, 2).to_frame().pairs[0])
        4
        """
        return frame(self._tables(), table)

    def to_csv(self, path: str | Path | None = None, table: PointTable = "layers") -> str | None:
        """Return one table as CSV text, or write it to a path."""
        return csv(self._tables(), path, table)
