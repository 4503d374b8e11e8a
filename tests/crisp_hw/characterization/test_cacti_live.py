"""The real CACTI, where it is installed: the anchors, and agreement with the committed table."""

import pytest

from crisp_hw.accelerators import load_arch
from crisp_hw.characterization.cacti import ask, find_cacti
from crisp_hw.characterization.grid import interpolate, load_grid
from crisp_hw.characterization.methods import characterize
from crisp_hw.characterization.sram import SramArray
from crisp_hw.errors import InputError


@pytest.fixture(scope="module")
def tool():
    try:
        return find_cacti()
    except InputError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(
    ("array", "read", "write"),
    [(SramArray(64, 32768), 44.716, 38.495), (SramArray(32, 256), 1.324, 2.065)],
    ids=["256 KB", "1 KB"],
)
def test_anchors(tool, array, read, write):
    """At 45 nm, measured independently of this package: pJ to the third decimal."""
    numbers = ask(array, tool).numbers
    assert (numbers.read_pj, numbers.write_pj) == pytest.approx((read, write), abs=6e-4)


@pytest.mark.parametrize("array", [SramArray(64, 8192), SramArray(128, 64), SramArray(32, 512, 2, 22)], ids=str)
def test_cacti_and_the_table_agree_on_arrays_of_the_grid(tool, array):
    assert interpolate(load_grid(), array) == ask(array, tool).numbers


@pytest.mark.parametrize("array", [SramArray(64, 3000), SramArray(32, 300), SramArray(128, 900, 1, 65)], ids=str)
def test_cacti_and_the_table_agree_between_arrays_of_the_grid(tool, array):
    live, table = ask(array, tool).numbers, interpolate(load_grid(), array)
    assert (table.read_pj, table.write_pj) == pytest.approx((live.read_pj, live.write_pj), rel=0.03)


def test_the_two_characterizations_of_an_accelerator_agree(tool):
    edge = load_arch("crisp-stc")
    live, table = (characterize(edge.architecture, edge.constraints.keeps, how).table for how in ("cacti", "table"))
    for component, actions in live.actions.items():
        assert table.actions[component] == pytest.approx(actions, rel=1e-6)


@pytest.mark.parametrize("array", [SramArray(40, 300), SramArray(64, 1000, 2, 90), SramArray(256, 128, 1, 22)], ids=str)
def test_it_is_what_the_package_itself_says(array, tool):
    package = pytest.importorskip("hwcomponents_cacti", reason="not installed for this Python")
    node = float(f"{array.node_nm}e-9")
    size = {"width": array.width_bits, "depth": array.depth, "size": array.size_bits}
    said = package.SRAM(tech_node=node, **size, n_rw_ports=1, n_banks=array.banks)
    numbers = ask(array, tool).numbers
    pairs = {numbers.read_pj: said.read_energy * 1e12, numbers.leakage_uw: said.cacti_leak_power * 1e6}
    pairs |= {numbers.write_pj: said.write_energy * 1e12, numbers.area_um2: said.cacti_area * 1e12}
    assert list(pairs) == pytest.approx(list(pairs.values()), rel=1e-5)
