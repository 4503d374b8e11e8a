"""Documents in Timeloop's flattened form to nouns."""

from typing import Any

from crisp_hw.spec.design import Design, DesignPoint
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


def read_design(documents: Any) -> Design:
    """Architecture, problem, sparse optimizations and ERT of one set of documents (a dict by document name).

    Raises InputError that names the document, the level and the key.
    """
    root = _root(documents)
    architecture = read_architecture(required(root, "architecture", "documents"))
    problem = read_problem(required(root, "problem", "documents"))
    sparse = read_sparse(root.get("sparse_optimizations"), architecture, problem)
    energy = read_energy(root["ERT"]) if root.get("ERT") is not None else EnergyTable()
    return Design(architecture, problem, sparse, energy)


def read_mapping(documents: Any, design: Design) -> Mapping:
    """The mapping of a set of documents, completed with trivial loops."""
    document = required(_root(documents), "mapping", "documents")
    return read_mapping_document(document, design.architecture, design.problem)


def read_point(documents: Any) -> DesignPoint:
    """Design and mapping together: what a backend evaluates."""
    design = read_design(documents)
    return DesignPoint(design, read_mapping(documents, design))
