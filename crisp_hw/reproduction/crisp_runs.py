"""Evaluations that the CRISP paper's claims are held against: one accelerator, one pattern, one setting at a time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import geometric_mean

from crisp_hw.accelerators import load_arch
from crisp_hw.pipeline import evaluate_layers
from crisp_hw.reproduction.crisp_paper import Setting
from crisp_hw.reproduction.request import Request
from crisp_hw.sources import WorkloadPattern, resolve
from crisp_hw.spec.accelerator import Accelerator
from crisp_hw.spec.descriptors import Descriptor
from crisp_hw.spec.evaluation import LayerEvaluation
from crisp_hw.spec.options import EvaluateOptions, PackingModel
from crisp_hw.spec.result import Result


@dataclass(frozen=True)
class Asked:
    """A network pruned to a pattern."""

    network: str
    nm: str
    block: int
    sparsity: float

    @property
    def said(self) -> str:
        """For a reader."""
        return f"{self.nm}, block {self.block}, sparsity {self.sparsity:.2f}"

    def descriptors(self) -> tuple[Descriptor, ...]:
        """The layers of the network, uniformly pruned in whole blocks."""
        return resolve(WorkloadPattern(self.network, self.nm, self.block, self.sparsity)).descriptors


@dataclass(frozen=True)
class Rows:
    """The layers of one evaluation on one accelerator."""

    rows: tuple[LayerEvaluation, ...]

    @property
    def hybrid(self) -> "Rows":
        """Those that are pruned in blocks, too."""
        return Rows(tuple(row for row in self.rows if row.descriptor.role == "hybrid"))

    def named(self, begins: Iterable[str]) -> "Rows":
        """Those whose names begin so."""
        starts = tuple(begins)
        return Rows(tuple(row for row in self.rows if row.layer.startswith(starts)))

    @property
    def speedups(self) -> dict[str, float]:
        """By layer."""
        return {row.layer: row.speedup for row in self.rows}

    @property
    def mean(self) -> float:
        """The geometric mean of the layers' speedups."""
        return geometric_mean(self.speedups.values())

    @property
    def whole(self) -> float:
        """The speedup of all layers one after another."""
        return sum(row.dense_cycles for row in self.rows) / sum(row.cycles for row in self.rows)

    @property
    def on_chip(self) -> dict[str, float]:
        """Ratio of energies without DRAM, by layer, with the circuits beside the model."""
        return {
            row.layer: _on_chip(row.dense) / (_on_chip(row.result) + sum(line.energy_pj for line in row.overheads))
            for row in self.rows
        }


def _on_chip(result: Result) -> float:
    return result.energy_pj - result.levels[-1].energy_pj  # levels stand innermost first


class Runs:
    """Runs evaluations of one request, each once, and tells how many are done."""

    def __init__(self, request: Request, total: int) -> None:
        self._request, self._total = request, total
        self._known: dict[object, Rows] = {}

    def uniform(self, arch: str, asked: Asked, setting: Setting, packing: PackingModel = "position-skipping") -> Rows:
        """A uniformly pruned network."""
        key = arch, asked, setting.name, packing
        if key not in self._known:
            self._request.tell(f"{arch} {asked.said}", min(len(self._known), self._total), self._total)
            self._known[key] = self.described(arch, asked.descriptors(), setting, packing)
        return self._known[key]

    def described(
        self, arch: str, layers: Sequence[Descriptor], setting: Setting, packing: PackingModel = "position-skipping"
    ) -> Rows:
        """A network whose layers are described already."""
        options = EvaluateOptions(packing=packing, jobs=self._request.jobs, cache=self._request.cache)
        return Rows(evaluate_layers(layers, [at(arch, setting)], options))


def at(arch: str, setting: Setting) -> Accelerator:
    """A packaged accelerator with the bandwidths of a setting.

    >>> at("crisp-stc", Setting(name="wide", smem=42.0, dram=32.0)).architecture.level("SMEM").read_bandwidth
    42.0
    """
    changes = {"smem_bandwidth": setting.smem, "dram_bandwidth": setting.dram}
    return load_arch(arch).replace(**changes, name=arch)
