"""One name for one figure: keys, headings and meanings are those of the vocabulary, in every record."""

import re

import pytest

from crisp_hw import load_arch
from crisp_hw.spec.accelerator import replaceable
from crisp_hw.spec.columns import SPELLED, heading
from crisp_hw.spec.vocabulary import LEVEL, SECTIONS, columns

EVERY = [column for section in SECTIONS.values() for column in section.columns]


def test_a_key_means_one_thing():
    assert len({(each.key, each.heading, each.style, each.meaning, each.priority) for each in EVERY}) == len(
        {each.key for each in EVERY}
    )


@pytest.mark.parametrize("column", EVERY, ids=lambda each: each.key)
def test_a_heading_is_its_key_in_words(column):
    assert column.heading == heading(column.key)
    spelled = {text.lower(): word for word, text in SPELLED.items()}
    words = column.heading.lower().replace("on-chip", "on chip").split()
    assert [spelled.get(word, word) for word in words] == column.key.split("_")


@pytest.mark.parametrize("column", EVERY, ids=lambda each: each.key)
def test_a_meaning_is_one_sentence(column):
    assert re.fullmatch(r"[^.]+(\.\w[^.]*)*\.", column.meaning), column.meaning


@pytest.mark.parametrize("column", [each for each in EVERY if each.style == "number"], ids=lambda each: each.key)
def test_the_unit_stands_in_the_key(column):
    units = {"uJ", "words", "words/cycle", "KB", "ms", "TOPS", "W", "TOPS/W", "TOPS/mm2", "uJ x ms", "mm2", "um2"}
    assert column.unit in units | {"GHz", "nm", "V"}


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("smem_uj", "SMEM uJ"),
        ("dense_smem_uj", "dense SMEM uJ"),
        ("smem_metadata_uj", "SMEM metadata uJ"),
        ("l2_written_bytes", "L2 written bytes"),
        ("dense_on_chip_uj", "dense on-chip uJ"),
    ],
)
def test_columns_of_a_level_have_its_name(key, shown):
    (column,) = columns([key])
    assert (column.key, column.heading, LEVEL in column.heading) == (key, shown, False)


def test_a_key_that_nobody_has_is_an_error():
    with pytest.raises(KeyError, match="energy"):
        columns(["energy"])


def test_every_parameter_that_can_be_changed_is_a_column():
    keys = [key for key in replaceable(load_arch("crisp-stc")) if not key.endswith("_bandwidth") or "_read" in key]
    assert [column.key for column in columns(keys)] == keys and len(keys) > 4
