"""Arrays that CACTI would not answer itself are refused, each with its reason."""

import pytest

from crisp_hw.characterization.sram import NODES_NM, SramArray, check_array, check_node
from crisp_hw.errors import InputError


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (SramArray(8, 1024), r"1 KB as 1024 x 8 bits, .*: CACTI takes widths of 32 bits or more in steps of 8"),
        (SramArray(36, 1024), r"x 36 bits.* in steps of 8"),
        (SramArray(64, 32), r"CACTI takes 64 entries or more per bank"),
        (SramArray(64, 128, banks=4), r"CACTI takes 64 entries or more per bank"),
        (SramArray(64, 1024, banks=3), r"CACTI takes a power of two of banks"),
        (SramArray(64, 1024, banks=0), r"CACTI takes a power of two of banks"),
        (SramArray(64, 1024, node_nm=28), r"no technology file for 28 nm, and between its files it only blends two"),
        (
            SramArray(64, 1024, node_nm=16),
            r"no technology file for 16 nm, and numbers beyond 22 to 90 nm would be wrong",
        ),
        (SramArray(64, 1024, node_nm=130), r"130 nm, .*wrong extrapolations; choose one of 22, 32, 45, 65, 90 nm"),
    ],
)
def test_refused(array, message):
    with pytest.raises(InputError, match=message):
        check_array(array)


def test_everything_at_the_limits_is_taken():
    for node in NODES_NM:
        check_node(node)
    check_array(SramArray(32, 256, banks=4, node_nm=22))
    assert SramArray(32, 256).size_bits == 8192
