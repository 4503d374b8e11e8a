"""Small searches."""

import pytest

from crisp_hw.machine.store import Store
from crisp_hw.searches.solve import task_of
from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
from crisp_hw.spec.constraints import Constraints
from crisp_hw.spec.design import Design
from crisp_hw.spec.ert import EnergyTable
from crisp_hw.spec.problem import Problem, Tensor, Term

ENERGY = EnergyTable(
    {"RF": {"read": 0.1, "write": 0.3}, "DRAM": {"read": 100.7, "write": 101.3}, "MAC": {"compute": 1 / 3}}
)


def gemm(rows, columns, depth, words=64, name="gemm"):
    levels = (StorageLevel("RF", size_words=words), StorageLevel("DRAM", "DRAM"))
    tensors = (
        Tensor("A", ((Term("M"),), (Term("K"),))),
        Tensor("B", ((Term("K"),), (Term("N"),))),
        Tensor("Z", ((Term("M"),), (Term("N"),)), is_output=True),
    )
    problem = Problem(name, ("M", "N", "K"), (rows, columns, depth), tensors)
    return Design(Architecture(levels, ComputeLevel()), problem, energy=ENERGY)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "searches", "searches", "1.0-0123456789abcdef")


@pytest.fixture
def task():
    """Makes the task of one small matrix product."""
    return lambda *sizes, **more: task_of(gemm(*sizes, **more), Constraints(), "energy")
