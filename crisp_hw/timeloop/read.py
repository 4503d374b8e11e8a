"""Documents in Timeloop's flattened form to nouns."""

from typing import Any

from crisp_hw.spec.design import Design, DesignPoint
from crisp_hw.spec.dialect import Dialect
from crisp_hw.spec.ert import EnergyTable
from crisp_hw.spec.mapping import Mapping
from crisp_hw.timeloop.fields import Node, mapping, required, underscored
from crisp_hw.timeloop.read_architecture import read_architecture, read_energy
from crisp_hw.timeloop.read_mapping import read_mapping_document
from crisp_hw.timeloop.read_problem import read_problem
from crisp_hw.timeloop.read_sparse import read_sparse


def _root(documents: Any) -> Node:
    root: Node = underscored(mapping(documents, "documents"))
    return root


def read_design(documents: Any, dialect: Dialect = "head") -> Design:
    """Architecture, problem, sparse optimizations and ERT of one set of documents (a dict by document name).

    `dialect` says which program they were written for; other documents (ART, compound_components) are not read.
    Raises InputError that names the document, the level and the key.
    """
    root = _root(documents)
    architecture = read_architecture(required(root, "architecture", "documents"))
    problem = read_problem(required(root, "problem", "documents"))
    sparse = read_sparse(root.get("sparse_optimizations"), architecture, problem, dialect)
    energy = read_energy(root["ERT"]) if root.get("ERT") is not None else EnergyTable()
    return Design(architecture, problem, sparse, energy, dialect)


def read_mapping(documents: Any, design: Design) -> Mapping:
    """The mapping of a set of documents, completed with trivial loops."""
    document = required(_root(documents), "mapping", "documents")
    return read_mapping_document(document, design.architecture, design.problem, design.dialect)


def read_point(documents: Any, dialect: Dialect = "head") -> DesignPoint:
    """Design and mapping together: what a backend evaluates."""
    design = read_design(documents, dialect)
    return DesignPoint(design, read_mapping(documents, design))
