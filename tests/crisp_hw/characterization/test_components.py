"""Levels become circuits: which array, how wide, with which metadata."""

import pytest

from crisp_hw.accelerators import load_arch
from crisp_hw.characterization.components import Dram, Latches, Mac, Overhead, Sram, circuits, words
from crisp_hw.characterization.sram import SramArray
from crisp_hw.errors import InputError
from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel


def found(name, node=45):
    edge = load_arch(name)
    return {each.name: each for each in circuits(edge.architecture, edge.constraints.keeps, node)}


def test_the_fabric_is_what_the_fixed_table_was_asked_for():
    parts = found("crisp-stc")
    assert parts["DRAM"] == Dram("DRAM", 64, 64)
    assert parts["SMEM"] == Sram("SMEM", SramArray(256, 8192), SramArray(64, 8192))
    assert parts["RF"] == Sram("RF", SramArray(32, 256), None)  # it keeps sums only: no metadata
    assert parts["LRF"] == Latches("LRF", 8, 8)
    assert parts["MAC"] == Mac("MAC", 8)
    assert [each.name for each in parts.values() if isinstance(each, Overhead)] == [
        "selection",
        "offset_decoder",
        "index_decoder",
    ]


def test_an_array_of_latches_stays_latches():
    assert found("dstc")["LRF"] == Latches("LRF", 8, 8, 64)


def test_the_node_goes_into_every_array():
    assert {found("dense", 22)[name].data.node_nm for name in ("SMEM", "RF")} == {22}


def test_an_array_with_an_odd_size_holds_all_of_it():
    level = StorageLevel("RF", word_bits=8, block_size=5, size_words=1001)
    (sram, *_) = circuits(Architecture((level,), ComputeLevel(word_bits=8)), {"RF": frozenset("Z")})
    assert sram.data == SramArray(40, 201)
    assert sram.data.size_bits >= 8008 > 40 * 200


def test_an_sram_without_a_size_is_refused():
    level = StorageLevel("BUF", word_bits=8)
    with pytest.raises(InputError, match="level BUF: an SRAM without a size has no energy"):
        circuits(Architecture((level,), ComputeLevel(word_bits=8)), {})


def test_words_say_what_each_is():
    said = [words(each) for each in found("crisp-stc").values()]
    assert len(set(said)) == len(said)
    assert said[1].startswith("256 KB as 8192 x 256 bits")
    assert "metadata 64 KB" in said[1]
