"""An energy table of ours: numbers by component and action, of which none is without effect, and none is guessed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from crisp_hw.accelerators.files import arch_path, document_of, list_arch, resolved
from crisp_hw.accelerators.schema import AreaField, EnergyFile
from crisp_hw.characterization.components import OVERHEADS, SELECTION, are_latches
from crisp_hw.characterization.methods import METHODS
from crisp_hw.data_files import data_folder
from crisp_hw.engine.energy import COMPUTE_ACTIONS, COMPUTE_ORDER, STORAGE_ACTIONS, lookup_order
from crisp_hw.errors import InputError, Where
from crisp_hw.machine.positions import MarkedDict, mark_of, shown
from crisp_hw.machine.yaml_files import checked, did_you_mean
from crisp_hw.spec.arch import Architecture
from crisp_hw.spec.ert import EnergyTable
from crisp_hw.spec.silicon import Area

ACCELERGY_NAMES = frozenset({"gated_compute", "skipped_compute"})
"""What Accelergy calls actions that Timeloop looks up as compute_gated and compute_skipped: taken, without effect."""


@dataclass(frozen=True)
class Needs:
    """For whom a table is read: the arch file, what it describes, which tensors each level keeps, other arch files
    that are read with the same table, and where the table is named."""

    path: Path
    architecture: Architecture
    keeps: Mapping[str, frozenset[str]]
    beside: tuple[str | Path, ...] = ()
    named_at: Where = field(default_factory=Where)


@dataclass(frozen=True)
class ReadEnergy:
    """The energies of one architecture, and what else holds for every result with them."""

    table: EnergyTable = field(default_factory=EnergyTable)
    notes: tuple[str, ...] = ()


def read_energy(name: str, needs: Needs) -> ReadEnergy:
    """A table of arch/energy by name, or the user's own by path.

    Raises InputError for an unknown name, a component of no architecture, an action that nothing looks up, and for a
    component or an action that the architecture needs and the table lacks.
    """
    path = _locate(name, needs)
    document = document_of(path)
    file = checked(EnergyFile, document, "energy")
    architecture = needs.architecture
    own = (*(level.name for level in reversed(architecture.levels)), architecture.compute.name)
    _check_components(document["components"], own, needs)
    _check_actions(document["components"], architecture)
    _check_areas(document)
    _check_complete(document["components"], needs)
    there = (*own, *(name for name in OVERHEADS if name in file.components))
    actions = {c: {a: entry.value for a, entry in file.components[c].items()} for c in there}
    sources = {c: {a: entry.source for a, entry in file.components[c].items()} for c in there}
    idle = sorted(ACCELERGY_NAMES & set(actions[architecture.compute.name]))
    said = f"energy table {file.name}: {', '.join(idle)} of {architecture.compute.name} are names that nothing looks up"
    areas = {
        name: area for name, each in file.areas.items() if name in there for area in _area(name, each, architecture)
    }
    return ReadEnergy(EnergyTable(actions, sources, areas), (f"{said}, without effect",) if idle else ())


def _locate(name: str, needs: Needs) -> Path:
    if name.endswith((".yaml", ".yml")):
        return Path(name)
    folder = data_folder("arch") / "energy"
    tables = sorted(folder.glob("*.yaml"))
    if name not in [each.stem for each in tables]:
        names = ", ".join((*METHODS, *(each.stem for each in tables if "components" in document_of(each))))
        said = name if 0 < len(name) <= 40 else shown(name)
        raise InputError(
            f"no energy table {said}", needs.named_at, f"valid names: {names}, or the path of a .yaml file"
        )
    return folder / f"{name}.yaml"


def _check_components(components: MarkedDict, own: tuple[str, ...], needs: Needs) -> None:
    """Every component belongs to this architecture, to one beside it or to a packaged one, or is an overhead."""
    unknown = [name for name in components if name not in own and name not in OVERHEADS]
    if unknown:
        others = {name for each in (*list_arch(), *needs.beside) for name in _names_of(arch_path(each))}
        unknown = [name for name in unknown if name not in others]
    if unknown:
        at = Where("energy", key=f"components.{unknown[0][:40]}", mark=mark_of(components, unknown[0]))
        raise InputError("no architecture has such a component", at, did_you_mean(unknown[0], (*own, *OVERHEADS)))
    if missing := [name for name in own if name not in components]:
        at = Where("energy", key="components", mark=mark_of(components))
        raise InputError(f"has no energies of {', '.join(missing)}, which {needs.path} needs", at, "add them")


def _names_of(path: Path) -> set[str]:
    document = resolved(path)
    levels, compute = document.get("levels"), document.get("compute")
    named = {str(compute.get("name"))} if isinstance(compute, dict) else set()
    return named.union(levels if isinstance(levels, dict) else ())


def _check_actions(components: MarkedDict, architecture: Architecture) -> None:
    storage = {level.name for level in architecture.levels}
    for component, actions in components.items():
        if component in OVERHEADS:
            known = {"select" if component == SELECTION else "decode"}
        elif component in storage:
            known = set(STORAGE_ACTIONS)
        elif component == architecture.compute.name:
            known = {*COMPUTE_ACTIONS, *ACCELERGY_NAMES, "leak"}
        else:  # of another architecture, which looks at it
            known = {*STORAGE_ACTIONS, *COMPUTE_ACTIONS, *ACCELERGY_NAMES}
        for action, cost in actions.items():
            at = Where("energy", key=f"components.{component}.{action[:40]}", mark=mark_of(actions, action))
            if action not in known:
                raise InputError("nothing looks up such an action", at, did_you_mean(action, sorted(known)))
            if action == "leak" and component == architecture.compute.name and cost["value"]:
                raise InputError("a computation does not leak here", at, "set its value to 0")


def _area(name: str, given: AreaField, architecture: Architecture) -> Iterator[Area]:
    """The area of a component; of a level with other sizes than the table's, that of as many latches, or none."""
    level = next((each for each in architecture.levels if each.name == name), None)
    if level is None or given.size_words in (None, level.size_words):
        yield Area(given.value, given.source)
    elif level.size_words is not None and given.size_words and are_latches(level):
        times = level.size_words / given.size_words
        yield Area(given.value * times, f"{given.source}; x {times:g} for {level.size_words} words")


def _check_areas(document: MarkedDict) -> None:
    """An area is that of a component with energies."""
    components = document["components"]
    for name in document.get("areas", ()):
        if name not in components:
            at = Where("energy", key=f"areas.{name[:40]}", mark=mark_of(document["areas"], name))
            raise InputError("no such component has energies", at, did_you_mean(name, tuple(components)))


def _check_complete(components: MarkedDict, needs: Needs) -> None:
    """Data actions of every level and computations are in the table: Timeloop's own estimates never stand in."""
    for level in needs.architecture.levels:
        kept = needs.keeps.get(level.name, frozenset())
        for op in ("reads", "fills", *(("updates",) if "Z" in kept else ())):
            _check_one(components, level.name, lookup_order("random", op))
    _check_one(components, needs.architecture.compute.name, COMPUTE_ORDER["random"])


def _check_one(components: MarkedDict, component: str, names: tuple[str, ...]) -> None:
    if not set(names) & set(components[component]):
        at = Where("energy", key=f"components.{component}", mark=mark_of(components, component))
        raise InputError(f"has no energy of {names[-1]}, which every layer needs", at, f"add {names[-1]}")
