"""An ERT and an ART for the architecture of Timeloop's documents, from the sizes and widths of its components."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import yaml

from crisp_hw.characterization.components import Circuit, Mac, Overhead, Sram, circuits
from crisp_hw.characterization.grid import interpolate, load_grid
from crisp_hw.characterization.methods import METHODS
from crisp_hw.characterization.sram import SramArray
from crisp_hw.dropin.model import is_frontend
from crisp_hw.dropin.technology import ATTRIBUTE, node_of
from crisp_hw.errors import CrispError, InputError, Where
from crisp_hw.machine.positions import MarkedDict
from crisp_hw.spec.arch import Architecture
from crisp_hw.spec.characterization import Characterization, Component, Cost
from crisp_hw.timeloop.read.accept import accept
from crisp_hw.timeloop.read.architecture import plain_name, read_architecture
from crisp_hw.timeloop.read.flat_architecture import as_tree
from crisp_hw.timeloop.read.lines import with_line
from crisp_hw.timeloop.render.documents import filled
from crisp_hw.timeloop.yaml.documents import InputFiles, load_documents
from crisp_hw.timeloop.yaml.fields import key_at, value_at

READ = ("architecture", "arch", "variables", "problem")
LANES = "dummy_storage"  # stores nothing: a fanout of the front end
DRAMS = ("LPDDR4",)
NO_CLASS = "has no class"  # of a component that Timeloop's model passes over, and so does its ERT
FLOATING = ("fpmac",)
MAC_BITS = 8  # of the unit in the cited tables
OWN_WIDTHS = ("accelergy",)  # methods that know units of every width
TABLES = ("ERT.yaml", "ART.yaml")


@dataclass(frozen=True)
class CharacterizedFiles:
    """The costs of an architecture's components, and one note per thing in its documents that does not count."""

    costs: Characterization
    notes: tuple[str, ...]


def characterize_files(given: InputFiles, method: str = "table", node_nm: int | None = None) -> CharacterizedFiles:
    """Energy per action and area of every storage level and of the computation of Timeloop's documents.

    Storage is taken by its size and width (DRAM: LPDDR4), computation as an integer multiply-accumulate, at the node
    that is given or else that of the attributes `technology` (`node_of`). Raises InputError that names the component
    for what the method has no numbers for, and as `load_documents` does.
    """
    if method not in METHODS:
        raise InputError(f"no way to characterize named {method}", hint=f"valid names: {', '.join(METHODS)}")
    loaded = load_documents(given)
    documents = loaded.derived({key: value for key, value in loaded.items() if key in READ})
    flattened: tuple[str, ...] = ()
    try:
        if is_frontend(documents):
            from crisp_hw.timeloop.frontend.flatten import flatten

            variables = documents.get("variables")
            documents, flattened = flatten(documents, for_mapper=True)
            documents = documents.derived({**documents, **({} if variables is None else {"variables": variables})})
        heard = documents.derived({k: v for k, v in documents.items() if k in READ and k != "problem"})
        accepted, notes = accept(heard)
        if "architecture" not in accepted:
            there = f"there are {', '.join(loaded) or 'none'}"
            raise InputError("no document 'architecture' in the files", Where("architecture", mark=loaded.mark), there)
        for part in _parts(heard.get("architecture", heard.get("arch"))):
            _check_kind(part)
        node = node_of({**heard, "architecture": as_tree(heard.get("architecture", heard.get("arch")))}, node_nm)
        found = _characterized(accepted["architecture"], method, node.nm)
        return replace(found, notes=(*flattened, *found.notes, *node.notes, *_left_out(notes)))
    except CrispError as error:
        raise with_line(error, documents) from error


def _left_out(notes: tuple[str, ...]) -> tuple[str, ...]:
    """Of what has no effect on Timeloop's model the parts without a class, and the attributes that costs lack, too."""
    classless = [note for note in notes if NO_CLASS in note]
    attributes = [note for note in notes if ": attribute " in note and f": attribute {ATTRIBUTE} (" not in note]
    return (*classless, *(f"{note.rpartition('): ')[0]}): not in these energies" for note in attributes))


def table_texts(costs: Characterization) -> dict[str, str]:
    """File name -> text of the ERT and the ART, as timeloop-model and `crisp-hw model` read them.

    >>> mac = Component("Mul", "int8", {"compute": Cost(0.56, "a table")}, 332.25, "a table")
    >>> table_texts(Characterization("table", 45, (mac,)))["ART.yaml"].splitlines()[-1]
    '  - {name: Mul, area: 332.25}'
    """
    energies = [
        {
            "name": each.name,
            "actions": [
                {"name": action, "energy": f"{cost.pj:.9g}", "comment": f"  # {' '.join(cost.source.split())}"}
                for action, cost in each.actions.items()
            ],
        }
        for each in costs.components
    ]
    areas = [{"name": each.name, "area": each.area_um2} for each in costs.components if each.area_um2 is not None]
    art = yaml.safe_dump(
        {"ART": {"version": "0.4", "tables": areas}}, default_flow_style=None, width=120, sort_keys=False
    )
    head = f"# Area reference table: um2 of one instance, at {costs.node_nm} nm by {costs.method}.\n"
    return {"ERT.yaml": filled("ERT", {"components": energies}), "ART.yaml": head + art}


def _characterized(architecture: Any, method: str, node_nm: int) -> CharacterizedFiles:
    arch = read_architecture(architecture)
    parts = {plain_name(str(part["name"])): part for part in _parts(architecture)}
    lanes = {name for name, part in parts.items() if part["class"] == LANES}
    storing = tuple(level for level in arch.levels if level.name not in lanes)
    for level in storing:
        if level.cluster_size > 1:
            what = f"a cluster of {level.cluster_size} instances in one access has no numbers"
            raise InputError(what, Where("architecture", level.name), "give its width for one instance")
    listed = _circuits(Architecture(storing, arch.compute), node_nm)
    sized: list[str] = []
    if method == "table":
        listed = tuple(_in_grid(each, sized) for each in listed)
    found, assumed = _costs(listed, method, node_nm)
    assumed = (*assumed, *sized)
    notes = tuple(f"{name}: lanes without storage, which cost nothing" for name in sorted(lanes))
    return CharacterizedFiles(replace(found, assumptions=(*found.assumptions, *assumed)), notes)


def _parts(architecture: Any) -> Iterator[MarkedDict]:
    """The entries of all `local` lists."""
    for node in (architecture.get("subtree") or ()) if isinstance(architecture, dict) else ():
        yield from node.get("local") or ()
        yield from _parts(node)


def _check_kind(part: MarkedDict) -> None:
    """Refuse, by name, what no table has."""
    name = plain_name(str(part["name"]))
    at = Where("architecture", name)
    if any(kind in str(part.get("class")) for kind in FLOATING):
        what = f"class {part['class']!r}: the tables have integer units only"
        raise InputError(what, value_at(at, part, "class"), "give its energies in an ERT")
    attributes = part.get("attributes") or {}
    kind = str(attributes.get("type", DRAMS[0]))
    if "DRAM" in str(part.get("class")) and kind.upper() not in DRAMS:
        what = f"a DRAM of the type {kind[:40]!r} has no numbers"
        raise InputError(what, key_at(at, attributes, "type"), f"there is {', '.join(DRAMS)}; or give an ERT")


def _circuits(arch: Architecture, node_nm: int) -> tuple[Circuit, ...]:
    """One circuit per level and the computation; metadata where a level has room for it, none of our overheads."""
    keeps = {
        level.name: frozenset("A") if level.metadata_width_bits and level.metadata_depth else frozenset[str]()
        for level in arch.levels
    }
    return tuple(each for each in circuits(arch, keeps, node_nm) if not isinstance(each, Overhead))


def _in_grid(circuit: Circuit, notes: list[str]) -> Circuit:
    """An array of the table: the next larger in size and width, with a note; InputError where there is none."""
    if not isinstance(circuit, Sram):
        return circuit
    data = _next_larger(circuit.data)
    metadata = _next_larger(circuit.metadata) if circuit.metadata else None
    for asked, taken in ((circuit.data, data), (circuit.metadata, metadata)):
        if asked is None or taken is None:
            continue
        if asked != taken:
            notes.append(f"{circuit.name}: charged as {taken}, the next larger array of the table, for {asked}")
        try:
            interpolate(load_grid(), taken)
        except InputError as error:
            raise InputError(
                f"{circuit.name}: {error.reason}", Where("architecture", circuit.name), error.hint
            ) from error
    return replace(circuit, data=data, metadata=metadata)


def _next_larger(array: SramArray) -> SramArray:
    curves = load_grid().curves
    widths = sorted(width for node, banks, width in curves if (node, banks) == (array.node_nm, array.banks))
    width = next((each for each in widths if each >= array.width_bits), array.width_bits)
    points = curves.get((array.node_nm, array.banks, width), ())
    depth = -(-array.depth * array.width_bits // width)
    return replace(array, width_bits=width, depth=max(depth, points[0].depth) if points else depth)


def _costs(listed: tuple[Circuit, ...], method: str, node_nm: int) -> tuple[Characterization, tuple[str, ...]]:
    """What the circuits cost; a unit of another width than the tables' is scaled, and the assumption named."""
    (unit,) = [each for each in listed if isinstance(each, Mac)]
    if method in OWN_WIDTHS or unit.bits == MAC_BITS:
        return METHODS[method](listed, node_nm), ()
    at_hand = tuple(replace(each, bits=MAC_BITS) if isinstance(each, Mac) else each for each in listed)
    found = METHODS[method](at_hand, node_nm)
    share = (unit.bits / MAC_BITS) ** 2
    scaled = tuple(_scaled(each, unit, share) if each.name == unit.name else each for each in found.components)
    rule = f"{unit.name}: a unit of {unit.bits} bits is that of {MAC_BITS} bits x {share:g}, the square of the widths"
    return replace(found, components=scaled), (f"{rule}, as in Timeloop's own estimate",)


def _scaled(part: Component, unit: Mac, share: float) -> Component:
    actions = {
        name: Cost(cost.pj * share, f"{cost.source}; x {share:g} for the width") for name, cost in part.actions.items()
    }
    area = None if part.area_um2 is None else part.area_um2 * share
    kind = f"multiply-accumulate of int{unit.bits}"
    return Component(part.name, kind, actions, area, f"{part.area_source}; x {share:g} for the width")
