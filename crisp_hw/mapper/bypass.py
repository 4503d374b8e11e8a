"""What every level keeps: one space per choice that constraints leave open and that the hardware can run."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from crisp_hw.engine.validity import conversions
from crisp_hw.errors import InputError, MappingError, Where
from crisp_hw.mapper.space import Space, enumerate_space, kept
from crisp_hw.spec.constraints import Constraints
from crisp_hw.spec.design import Design
from crisp_hw.spec.dialect import PUBLIC
from crisp_hw.spec.rules import Failure, sentence

MOST_OPEN = 16  # 65536 spaces; beyond it not even one factorization of each would be evaluated
Keeps = tuple[frozenset[str], ...]


@dataclass(frozen=True)
class Choices:
    """The spaces of all choices that can be run, and why the others cannot: reason -> choices left out."""

    spaces: tuple[Space, ...]
    left_out: Mapping[str, int]


def spaces(design: Design, constraints: Constraints) -> tuple[Space, ...]:
    """One space per admissible choice of what each level keeps; see `choices`.

    >>> from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
    >>> from crisp_hw.spec.problem import Problem, Tensor, Term
    >>> chain = Architecture((StorageLevel("RF"), StorageLevel("DRAM", "DRAM")), ComputeLevel())
    >>> vector = Problem("vector", ("K",), (4,), (Tensor("A", ((Term("K"),),)),))
    >>> [sorted(space.keeps[0]) for space in spaces(Design(chain, vector), Constraints(either={"RF": frozenset("A")}))]
    [[], ['A']]
    """
    return choices(design, constraints).spaces


def choices(design: Design, constraints: Constraints) -> Choices:
    """All choices in Timeloop's order: bypassed before kept, the first tensor's innermost level changing fastest.

    A tensor for which a level has one choice multiplies nothing, the outermost level keeps all. Left out is what no
    mapping can run, whatever its factors: a tensor that changes between packed and unpacked where the hardware cannot
    (engine/validity.py). Constraints with nothing open are taken as they are. Raises InputError for more than 2^16
    choices and MappingError when none can be run. Order: Timeloop, src/mapspaces/uber.cpp,
    InitDatatypeBypassNestSpace.
    """
    open_places = _open_places(design, constraints)
    if len(open_places) > MOST_OPEN:
        raise InputError(
            f"{len(open_places)} choices of keep or bypass are open, 2^{len(open_places)} combinations",
            Where("constraints"),
            f"name tensors under keep or bypass until at most {MOST_OPEN} are open",
        )
    whole = enumerate_space(design, replace(constraints, either={}, keeps=_named(design, kept(design, constraints))))
    if not open_places:
        return Choices((replace(whole, constraints=constraints),), {})
    found, left_out = [], Counter[Failure]()
    for keeps in _each(whole.keeps, open_places):
        why = impossible(design, keeps)
        if why:
            left_out[why] += 1
        else:
            settled = replace(constraints, either={}, keeps=_named(design, keeps))
            found.append(replace(whole, keeps=keeps, constraints=settled))
    if not found:
        why = min(left_out, key=sentence)
        said = f"{design.problem.name}: none of the choices of keep and bypass can be run: {sentence(why)}"
        raise MappingError(said, Where("architecture", why.level), failures=tuple(left_out))
    return Choices(tuple(found), {sentence(why): count for why, count in left_out.items()})


def perfect_spaces(spaces: tuple[Space, ...]) -> tuple[Space, ...]:
    """The same with perfect factors alone; none where constraints leave none."""
    try:
        return tuple(enumerate_space(each.design, replace(each.constraints, imperfect=False)) for each in spaces)
    except MappingError:
        return ()


def impossible(design: Design, keeps: Keeps) -> Failure | None:
    """Why no mapping with these tensors per level can be run; None when some may.

    A tensor must not lie unpacked outside of where it lies packed, and only levels that can decompress (and compress,
    for an output) may take a packed tensor unpacked. Programs with position skipping are not judged.
    """
    if design.dialect not in PUBLIC or any(action.kind == "position_skipping" for action in design.sparse.actions):
        return None
    packed = {(form.level, form.tensor) for form in design.sparse.formats if form.compressed}
    for tensor in design.problem.tensors:
        holders = [lv for lv, held in zip(design.architecture.levels, keeps, strict=True) if tensor.name in held]
        for child, parent in pairwise(holders):
            below, above = ((level.name, tensor.name) in packed for level in (child, parent))
            if below != above and (broken := conversions(tensor, child, parent, packed_inside=below)):
                return broken[0]
    return None


def _open_places(design: Design, constraints: Constraints) -> list[tuple[int, str]]:
    """(level, tensor) of every open choice: by tensor, innermost level first."""
    levels = [level.name for level in design.architecture.levels[:-1]]
    return [
        (index, tensor.name)
        for tensor in design.problem.tensors
        for index, name in enumerate(levels)
        if tensor.name in constraints.either.get(name, frozenset())
    ]


def _each(certain: Keeps, open_places: list[tuple[int, str]]) -> Iterator[Keeps]:
    for number in range(2 ** len(open_places)):
        keeps = [set(names) for names in certain]
        for place, (level, tensor) in enumerate(open_places):
            if number >> place & 1:
                keeps[level].add(tensor)
        yield tuple(frozenset(names) for names in keeps)


def _named(design: Design, keeps: Keeps) -> dict[str, frozenset[str]]:
    return {level.name: names for level, names in zip(design.architecture.levels, keeps, strict=True)}
