"""Documents in Timeloop's flattened form to nouns."""

from dataclasses import replace
from typing import Any

from crisp_hw.engine.wires import tile_widths
from crisp_hw.errors import Where
from crisp_hw.spec.arch import Architecture
from crisp_hw.spec.design import Design, DesignPoint
from crisp_hw.spec.dialect import RULES, Dialect
from crisp_hw.spec.ert import EnergyTable
from crisp_hw.spec.mapping import LoopMapping
from crisp_hw.timeloop.read.architecture import read_architecture
from crisp_hw.timeloop.read.mapping import read_mapping_document
from crisp_hw.timeloop.read.problem import read_problem
from crisp_hw.timeloop.read.sparse import read_sparse
from crisp_hw.timeloop.read.tables import read_areas, read_energy, wire_energy
from crisp_hw.timeloop.yaml.fields import Node, mapping, required, underscored
from crisp_hw.timeloop.yaml.spelling import as_spelled

DOCUMENTS = Where("documents")


def _root(documents: Any, dialect: Dialect) -> Node:
    held = mapping(documents, DOCUMENTS)
    root: Node = underscored(held if RULES[dialect].either_spelling else as_spelled(held)[0])
    return root


def read_design(documents: Any, dialect: Dialect = "head") -> Design:
    """Architecture, problem, sparse optimizations and ERT of one set of documents (a dict by document name).

    `dialect` says which program they were written for; other documents (compound_components) are not read, and an ART
    only where wires take energy, because their length follows from areas. Raises InputError that names the document,
    the level and the key.
    """
    return _design(_root(documents, dialect), dialect)


def _design(root: Node, dialect: Dialect) -> Design:
    """The same of documents whose keys are spelled with underscores."""
    architecture = _wired(read_architecture(required(root, "architecture", DOCUMENTS)), root)
    problem = read_problem(required(root, "problem", DOCUMENTS))
    sparse = read_sparse(root.get("sparse_optimizations"), architecture, problem, dialect)
    energy = read_energy(root["ERT"]) if root.get("ERT") is not None else EnergyTable()
    return Design(architecture, problem, sparse, energy, dialect)


def _wired(architecture: Architecture, root: Node) -> Architecture:
    """With the energy of wires from the ERT, which goes before what a level says, and the length of every hop."""
    table = wire_energy(root["ERT"]) if root.get("ERT") is not None else None
    if not table and not any(level.wires.wire_pj_per_bit_mm for level in architecture.levels):
        return architecture
    widths = tile_widths(architecture, read_areas(root["architecture"], root.get("ART")))
    levels = []
    for level, width in zip(architecture.levels, widths, strict=True):
        given = level.wires
        wire = table or given.wire_pj_per_bit_mm
        length = width if given.tile_width_um is None else given.tile_width_um
        levels.append(replace(level, wires=replace(given, wire_pj_per_bit_mm=wire, tile_width_um=length)))
    return replace(architecture, levels=tuple(levels))


def read_mapping(documents: Any, design: Design) -> LoopMapping:
    """The mapping of a set of documents, completed with trivial loops."""
    document = required(_root(documents, design.dialect), "mapping", DOCUMENTS)
    return read_mapping_document(document, design.architecture, design.problem, design.dialect)


def read_point(documents: Any, dialect: Dialect = "head") -> DesignPoint:
    """Design and mapping together: what a backend evaluates."""
    return point_of(_root(documents, dialect), dialect)


def point_of(root: Node, dialect: Dialect) -> DesignPoint:
    """The same of documents that `load_documents` or `accept` made: keys with underscores, all of them to be read."""
    design = _design(root, dialect)
    document = required(root, "mapping", DOCUMENTS)
    return DesignPoint(design, read_mapping_document(document, design.architecture, design.problem, design.dialect))
