"""The ways to characterize an architecture, by name."""

from collections.abc import Callable, Mapping

from crisp_hw.characterization.assemble import assemble, from_cacti, from_grid
from crisp_hw.characterization.components import Circuit, circuits
from crisp_hw.errors import InputError
from crisp_hw.spec.arch import Architecture
from crisp_hw.spec.characterization import Characterization
from crisp_hw.spec.ert import EnergyTable

Method = Callable[[tuple[Circuit, ...], int], Characterization]
Keeps = Mapping[str, frozenset[str]]
"""Level -> tensors that it keeps."""


def _table(found: tuple[Circuit, ...], node_nm: int) -> Characterization:
    return assemble("table", found, from_grid, node_nm)


def _cacti(found: tuple[Circuit, ...], node_nm: int) -> Characterization:
    return assemble("cacti", found, from_cacti, node_nm)


def _accelergy(found: tuple[Circuit, ...], node_nm: int) -> Characterization:
    from crisp_hw.characterization.accelergy import ask_accelergy  # its documents and processes, rarely asked for

    return ask_accelergy(found, node_nm)


METHODS: Mapping[str, Method] = {"table": _table, "cacti": _cacti, "accelergy": _accelergy}


def characterize(arch: Architecture, keeps: Keeps, method: str = "table", node_nm: int = 45) -> Characterization:
    """Energy per action and area of every component of an architecture, and of what N:M and blocks add.

    `keeps` are the tensors that each level keeps (Constraints.keeps): levels with operands get a metadata array. Raises
    InputError for an unknown method (listing the valid ones), a node that the method does not have, an array outside
    of the grid, and a missing tool.

    >>> from crisp_hw.spec.arch import ComputeLevel, StorageLevel
    >>> rf = Architecture((StorageLevel("RF", word_bits=8, size_words=1024),), ComputeLevel(word_bits=8))
    >>> characterize(rf, {"RF": frozenset("Z")}).table.actions["RF"]["read"]
    1.32373
    """
    if method not in METHODS:
        raise InputError(f"no way to characterize named {method}; valid names: {', '.join(METHODS)}")
    return METHODS[method](circuits(arch, keeps, node_nm), node_nm)


def energies(method: str, node_nm: int, keeps: Keeps, arch: Architecture) -> EnergyTable:
    """The energies alone; bound to its first three arguments it is what an accelerator keeps for `replace`."""
    return characterize(arch, keeps, method, node_nm).table
