"""Variants of an accelerator: their names, what a later change makes of an earlier one, and the numbers compared."""

import pytest

from crisp_hw.accelerators import load_arch
from crisp_hw.errors import InputError
from crisp_hw.spec.variant import Variant, parameters_of, value_of


@pytest.fixture(scope="module")
def crisp():
    return load_arch("crisp-stc")


def test_a_variant_is_named_by_what_changed_in_the_order_given(crisp):
    assert crisp.replace(smem_bandwidth=32).name == "crisp-stc[smem_bandwidth=32]"
    assert crisp.replace(rf_kb=2.0, cores=8).name == "crisp-stc[rf_kb=2,cores=8]"
    assert crisp.replace(smem_bandwidth=None).replace(cores=2).name == "crisp-stc[smem_bandwidth=none,cores=2]"


def test_a_sweep_names_the_value_of_the_file_too(crisp):
    names = [crisp.replace(smem_bandwidth=words).name for words in (16, 24, 32)]
    assert names == [f"crisp-stc[smem_bandwidth={words}]" for words in (16, 24, 32)]


def test_nothing_changed_is_the_same_accelerator(crisp):
    assert crisp.replace() == crisp


def test_a_name_of_ones_own_starts_anew_and_keeps_what_changed(crisp):
    wide = crisp.replace(smem_bandwidth=32).replace(name="wide")
    assert (wide.name, wide.variant.changed) == ("wide", ("smem_bandwidth",))
    large = wide.replace(cores=8)
    assert (large.name, large.variant.changed) == ("wide[cores=8]", ("smem_bandwidth", "cores"))
    assert crisp.replace(name="wide", smem_bandwidth=32) == wide
    assert crisp.replace(name="mine").name == "mine"


@pytest.mark.parametrize(
    ("first", "second", "name"),
    [
        ({"smem_bandwidth": 32}, {"smem_bandwidth": 16}, "a[smem_bandwidth=16]"),
        ({"smem_read_bandwidth": 32}, {"smem_bandwidth": 16}, "a[smem_bandwidth=16]"),
        ({"smem_bandwidth": 32}, {"smem_read_bandwidth": 16}, "a[smem_bandwidth=32,smem_read_bandwidth=16]"),
        (
            {"smem_bandwidth": 32},
            {"smem_read_bandwidth": 16, "smem_write_bandwidth": 8},
            "a[smem_read_bandwidth=16,smem_write_bandwidth=8]",
        ),
        ({"rf_kb": 2}, {"rf_size_words": 64}, "a[rf_size_words=64]"),
        ({"lrf_kb": 2}, {"rf_kb": 4}, "a[lrf_kb=2,rf_kb=4]"),
    ],
)
def test_what_a_later_change_sets_anew_is_not_told_of_an_earlier_one(first, second, name):
    both = Variant("a", {}).with_changes(first).with_changes(second)
    assert both.name == name
    assert both.changed == tuple(both.changes)


def test_equal_names_have_equal_hardware(crisp):
    once = crisp.replace(smem_bandwidth=32).replace(smem_read_bandwidth=16).replace(smem_bandwidth=8)
    twice = crisp.replace(smem_bandwidth=8)
    assert (once.name, once.architecture) == (twice.name, twice.architecture)


@pytest.mark.parametrize(
    "changes",
    [
        {"rf_kb": 2, "rf_size_words": 2048},
        {"smem_read_bandwidth": 8, "smem_bandwidth": 16},
        {"smem_bandwidth": 16, "levels.SMEM.read_bandwidth": 8},
        {"smem_bandwidth": 16, "smem_read_bandwidth": 8, "smem_write_bandwidth": 8},
        {"compute.word_bits.A": 4, "compute.word_bits": 16},
        {"cores": 8, "levels.RF.fanout_y": 2},
    ],
)
def test_a_change_without_effect_beside_another_is_refused(crisp, changes):
    with pytest.raises(InputError, match="has no effect beside"):
        crisp.replace(**changes)


def test_the_fanout_of_the_cores_is_what_cores_have_set(crisp):
    more = crisp.replace(cores=8)
    assert more.numbers["levels.RF.fanout_y"] == 8
    with pytest.raises(InputError, match="fanout_y has no effect beside cores"):
        more.replace(**{"levels.RF.fanout_y": 2})


def test_the_other_size_of_a_level_is_told_how_its_file_gives_it(crisp):
    with pytest.raises(InputError, match=r"is no number of its file, which gives size_kb; set levels\.SMEM\.size_kb"):
        crisp.replace(**{"levels.SMEM.size_words": 2048})


@pytest.mark.parametrize("name", ["", "  ", "two\nlines", "x" * 101, 3, b"a"])
def test_what_is_no_name_is_refused(crisp, name):
    with pytest.raises(InputError, match="is no name of an accelerator; give 1 to 100 printable characters"):
        crisp.replace(name=name)


def test_values_of_the_file_stand_beside_those_of_a_variant(crisp):
    wide = crisp.replace(smem_bandwidth=32, rf_kb=2, cores=8)
    cores = {each.name: {"cores": each.cores} for each in (crisp, wide)}
    found = parameters_of({each.name: each.architecture for each in (crisp, wide)}, wide.variant.changed, cores)
    assert found == {
        "crisp-stc": {"smem_bandwidth": 24, "rf_kb": value_of(crisp.architecture, "rf_kb"), "cores": 4},
        wide.name: {"smem_bandwidth": 32, "rf_kb": 2, "cores": 8},
    }


def test_a_bandwidth_is_two_columns_where_reading_and_writing_differ(crisp):
    slow, wide = crisp.replace(smem_write_bandwidth=8), crisp.replace(smem_bandwidth=32)
    found = parameters_of({"slow": slow.architecture, "wide": wide.architecture}, ["smem_bandwidth"])
    assert found == {
        "slow": {"smem_read_bandwidth": 24, "smem_write_bandwidth": 8},
        "wide": {"smem_read_bandwidth": 32, "smem_write_bandwidth": 32},
    }


def test_no_change_has_no_columns(crisp):
    assert parameters_of({"crisp-stc": crisp.architecture}, []) == {}
    assert value_of(crisp.architecture, "l7_kb") is None
