"""Dimensions along both axes of a mesh: the level that fans out along two axes becomes two, each along one.

Of a level that feeds x times y children, Timeloop lets a dimension lie along one axis only. With a level between that
keeps nothing, x children below each of its y instances, a dimension may have a factor along either axis. timeloop-model
reads such a level as any other, so that the mapping can be written down, and costs there what it costs here.
"""

from dataclasses import dataclass, replace

from crisp_hw.engine.wires import costs
from crisp_hw.errors import InputError
from crisp_hw.spec.arch import Architecture, StorageLevel
from crisp_hw.spec.constraints import Across, Constraints, Factor, LevelConstraint
from crisp_hw.spec.design import Design
from crisp_hw.spec.dialect import PUBLIC
from crisp_hw.spec.ert import EnergyTable

LANES = "lanes"  # what the name of the level between ends in
NOTHING = {"read": 0.0, "write": 0.0, "update": 0.0, "leak": 0.0}  # pJ: nothing is kept there


@dataclass(frozen=True)
class BothAxes:
    """A design and its constraints with a level between each two axes; `added` are the names of these levels, `notes`
    say which meshes stay as they are, and why.
    """

    design: Design
    constraints: Constraints
    added: tuple[str, ...]
    notes: tuple[str, ...]


def both_axes(design: Design, constraints: Constraints) -> BothAxes:
    """The same with every mesh of two axes taken apart, along x inside of along y.

    What constraints say of the spatial factors of such a level holds for the product over both axes, orders and flags
    for each. A mesh stays as it is where a split says what lies along which axis, where lanes shrink, and where its
    network takes energy or cycles. InputError for a program that reads no level between.

    >>> from crisp_hw.spec.arch import ComputeLevel
    >>> from crisp_hw.spec.problem import Problem
    >>> chain = Architecture((StorageLevel("DRAM", "DRAM"),), ComputeLevel(instances=6, mesh_x=3, mesh_y=2))
    >>> found = both_axes(Design(chain, Problem("nothing", (), (), ())), Constraints())
    >>> found.design.architecture.chain, found.design.architecture.fanouts
    ('DRAM > 2 DRAM_lanes 2 B > 6 MAC', ((3, 1), (1, 2)))
    """
    if design.dialect not in PUBLIC:
        raise InputError(f"both axes: {design.dialect} is no program to which a level between can be given")
    arch, notes, wanted = design.architecture, list[str](), list[int]()
    for index, (along_x, along_y) in enumerate(arch.fanouts):
        if along_x > 1 and along_y > 1:
            why = _why_not(design, constraints, arch.levels[index])
            if why:
                notes.append(f"{arch.levels[index].name}: --both-axes changes nothing there, because {why}")
            else:
                wanted.append(index)
    if not wanted and not notes:
        notes.append("--both-axes changes nothing, because no level fans out along both axes")
    for index in reversed(wanted):
        design, constraints = _parted(design, constraints, index)
    added = tuple(_name(arch, arch.levels[index]) for index in wanted)
    return BothAxes(design, constraints, added, tuple(notes))


def _why_not(design: Design, constraints: Constraints, level: StorageLevel) -> str:
    spatial = next((c for c in constraints.levels if (c.level, c.kind) == (level.name, "spatial")), None)
    if spatial is not None and spatial.split is not None:
        return f"its split of {spatial.split} says what lies along which axis"
    if any(action.level == level.name and "spatial" in action.kind for action in design.sparse.actions):
        return "its lanes shrink with what is skipped"
    if any(action.kind == "position_skipping" for action in design.sparse.actions):
        return "its lanes are packed"
    return "its network takes energy or cycles" if costs(level) or _slow(level) else ""


def _slow(level: StorageLevel) -> bool:
    return bool(level.wires.fill_cycles or level.wires.drain_cycles)


def _name(arch: Architecture, level: StorageLevel) -> str:
    taken, name = {arch.compute.name, *(each.name for each in arch.levels)}, f"{level.name}_{LANES}"
    while name in taken:
        name += "_"
    return name


def _parted(design: Design, constraints: Constraints, index: int) -> tuple[Design, Constraints]:
    """With a level below level `index`, as many instances of it as that fans out along y."""
    arch = design.architecture
    parent, along_y = arch.levels[index], arch.fanouts[index][1]
    between = StorageLevel(
        _name(arch, parent),
        instances=parent.instances * along_y,
        mesh_x=parent.mesh_x,
        mesh_y=parent.mesh_y * along_y,
        word_bits=parent.word_bits,
        size_words=1,
    )
    levels = (*arch.levels[:index], between, *arch.levels[index:])
    # without a single energy there is no table, and then there is none of the level between
    table = design.energy.actions
    energy = EnergyTable({**table, between.name: NOTHING} if table else table, design.energy.sources)
    whole = replace(design, architecture=replace(arch, levels=levels), energy=energy)
    return whole, _constrained(constraints, (parent.name, between.name), design.problem.dims)


def _constrained(constraints: Constraints, names: tuple[str, str], dims: tuple[str, ...]) -> Constraints:
    """What held for both axes of a level holds over both levels; the one between takes no steps and keeps nothing."""
    parent, between = names
    still = LevelConstraint(between, "temporal", {dim: Factor("=", 1) for dim in dims}, permutation=dims)
    levels, across = [still], constraints.across
    for each in constraints.levels:
        if (each.level, each.kind) != (parent, "spatial"):
            levels.append(each)
            continue
        lone = {dim: factor for dim, factor in each.factors.items() if factor == Factor("=", 1)}
        along = replace(each, factors=lone, at_least={})
        levels += [along, replace(along, level=between)]
        if len(lone) < len(each.factors) or each.at_least:
            across = (*across, Across((between, parent), each))
    return replace(constraints, levels=tuple(levels), keeps={**constraints.keeps, between: frozenset()}, across=across)
