"""Cores: arrays of MACs, which stand along y and share out the work of the level that feeds them."""

from dataclasses import dataclass, replace
from typing import TypeVar

from crisp_hw.errors import InputError
from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
from crisp_hw.spec.constraints import Constraints, Factor, LevelConstraint

Level = TypeVar("Level", StorageLevel, ComputeLevel)


@dataclass(frozen=True)
class Stacked:
    """A fabric with so many cores, what its mappings obey, and the level whose copies the cores are."""

    architecture: Architecture
    constraints: Constraints
    core: str


def fills_array(block: LevelConstraint) -> bool:
    """Is it the block whose loops run over the MACs of one core?"""
    return block.kind == "spatial" and all(factor.relation == "=" for factor in block.factors.values())


def with_cores(name: str, fabric: Architecture, constraints: Constraints, old: int, new: int) -> Stacked:
    """The same fabric with another number of cores; InputError, for an accelerator of that name, where it has none."""
    depth = _above_cores(name, fabric, constraints)
    inside: tuple[StorageLevel | ComputeLevel, ...] = (fabric.compute, *fabric.levels[:depth])
    if any(each.mesh_y % old for each in inside):
        raise InputError(f"{name}: cores cannot be changed, because its {old} cores do not stand along y")
    levels = (*(_restacked(each, old, new) for each in fabric.levels[:depth]), *fabric.levels[depth:])
    shared = tuple(_shared(each, old, new) for each in constraints.levels)
    stacked = Architecture(levels, _restacked(fabric.compute, old, new))
    return Stacked(stacked, replace(constraints, levels=shared), fabric.levels[depth - 1].name)


def core_path(name: str, fabric: Architecture, constraints: Constraints) -> str:
    """The path of the number of the file that `cores` changes."""
    return f"levels.{fabric.levels[_above_cores(name, fabric, constraints) - 1].name}.fanout_y"


def _above_cores(name: str, fabric: Architecture, constraints: Constraints) -> int:
    """The place of the level that feeds all cores; InputError where several levels share them out, or none does."""
    sharing = [block.level for block in constraints.levels if block.kind == "spatial" and not fills_array(block)]
    if len(sharing) != 1:
        said = f"{', '.join(sharing) or 'no level'} would share them out"
        raise InputError(f"{name}: cores cannot be changed, because {said}")
    return fabric.levels.index(fabric.level(sharing[0]))


def _shared(level: LevelConstraint, old: int, new: int) -> LevelConstraint:
    """The block that shares the cores among its dimensions, with the new number of them."""
    if level.kind == "temporal":
        return level
    limits = {d: replace(f, value=new) if f == Factor("<=", old) else f for d, f in level.factors.items()}
    return replace(level, factors=limits)


def _restacked(level: Level, old: int, new: int) -> Level:
    return replace(level, instances=level.instances // old * new, mesh_y=level.mesh_y // old * new)
