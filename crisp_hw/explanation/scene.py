"""What every part of an explanation looks at: one evaluated mapping, with names for its levels and loops."""

from collections.abc import Iterable
from dataclasses import dataclass

from crisp_hw.engine.arrays import Float, Int
from crisp_hw.engine.counted import Counted
from crisp_hw.engine.energy import resolved
from crisp_hw.engine.tiling import COMPUTE, Tiling, keeper_above, keeper_below
from crisp_hw.spec.arch import StorageLevel
from crisp_hw.spec.design import DesignPoint
from crisp_hw.spec.ert import EnergyTable
from crisp_hw.spec.problem import Tensor
from crisp_hw.spec.result import Result


def see(sections: str) -> str:
    """Where docs/model.md states the formulas.

    >>> see("3.2"), see("4, 5.3")
    ('docs/model.md, section 3.2', 'docs/model.md, sections 4, 5.3')
    """
    return f"docs/model.md, section{'s' if len(sections) > 3 else ''} {sections}"


def number_of(values: Float | Int | None) -> float:
    """The number of the one mapping that is explained; 0 where there is none by structure.

    >>> import numpy as np
    >>> number_of(np.array([0.5])), number_of(None)
    (0.5, 0.0)
    """
    return 0.0 if values is None else float(values[0])


@dataclass(frozen=True)
class Scene:
    """One evaluated design point."""

    point: DesignPoint
    counted: Counted
    result: Result

    @property
    def tiling(self) -> Tiling:
        """The mapping as the engine sees it."""
        return self.counted.tiling

    @property
    def levels(self) -> tuple[StorageLevel, ...]:
        """Storage levels, innermost first."""
        return self.point.design.architecture.levels

    @property
    def energy(self) -> EnergyTable:
        """pJ per action, as the dialect fills the gaps."""
        return resolved(self.point.design.energy, self.tiling.rules)

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """The tensors of the problem."""
        return self.point.design.problem.tensors

    def name(self, level: int) -> str:
        """Name of a level; COMPUTE is the array of MACs."""
        arch = self.point.design.architecture
        return arch.compute.name if level == COMPUTE else arch.levels[level].name

    def bound(self, j: int) -> int:
        """Bound of loop j."""
        return int(self.tiling.bounds[j, 0])

    def bounds(self, loops: Iterable[int]) -> list[float]:
        """Bounds of some loops."""
        return [self.bound(j) for j in loops]

    def loop(self, j: int) -> str:
        """A loop as people name it: "K 32 (RF, across x)"."""
        loop = self.tiling.nest.loops[j]
        where = "in time" if loop.kind == "temporal" else f"across {loop.kind}"
        return f"{loop.dim} {self.bound(j):,} ({self.name(loop.level)}, {where})"

    def loops(self, loops: Iterable[int], none: str = "none") -> str:
        """Several loops, as they are given."""
        return ", ".join(self.loop(j) for j in loops) or none

    def active(self, loops: Iterable[int]) -> list[int]:
        """Those of some loops that do something."""
        return [j for j in loops if self.tiling.active[j]]

    def spatial(self, loops: Iterable[int]) -> list[int]:
        """Those of some loops that spread work over lanes."""
        return [j for j in self.active(loops) if not self.tiling.temporal(j)]


@dataclass(frozen=True)
class Spot:
    """One tensor in one level of a scene."""

    scene: Scene
    index: int
    t: int

    @property
    def place(self) -> tuple[int, int]:
        """(level, tensor index), the key of everything that the engine keeps per level and tensor."""
        return self.index, self.t

    @property
    def level(self) -> StorageLevel:
        """The storage level."""
        return self.scene.levels[self.index]

    @property
    def tensor(self) -> Tensor:
        """The tensor."""
        return self.scene.tensors[self.t]

    @property
    def kept(self) -> bool:
        """Does the level store the tensor?"""
        return self.tensor.name in self.scene.tiling.nest.keeps[self.index]

    @property
    def child(self) -> int:
        """The next inner level that stores the tensor, or COMPUTE."""
        return keeper_below(self.scene.tiling.nest, self.index, self.tensor.name)

    @property
    def parent(self) -> int | None:
        """The next outer level that stores the tensor, or None."""
        return keeper_above(self.scene.tiling.nest, self.index, self.tensor.name)

    @property
    def tensor_words(self) -> int:
        """Words of the whole tensor."""
        return int(self.scene.tiling.size_below(len(self.scene.tiling.nest.loops), self.tensor)[0])

    @property
    def tile(self) -> int:
        """Words of the tile that one instance of the level works on."""
        return int(self.scene.tiling.tile(self.index, self.tensor)[0])

    def relevant(self, loops: Iterable[int]) -> list[int]:
        """Those of some loops that move through the tensor."""
        return [j for j in loops if self.scene.tiling.relevant(j, self.tensor)]

    def idle(self, loops: Iterable[int]) -> list[int]:
        """Those of some loops that do not."""
        return [j for j in loops if not self.scene.tiling.relevant(j, self.tensor)]
