"""Which energies follow which number of a file: the table, and that nothing else moves."""

import pytest
import yaml

from crisp_hw.accelerators import load_arch
from crisp_hw.accelerators.templates import full_text
from crisp_hw.errors import InputError

# number, another value of it, and the parts whose energy or area it moves
FOLLOWS = [
    (("levels", "DRAM", "vector_words"), 16, {"DRAM"}),
    (("levels", "DRAM", "word_bits"), 16, {"DRAM"}),
    (("levels", "DRAM", "metadata_width_bits"), 32, {"DRAM"}),
    (("levels", "DRAM", "read_bandwidth"), 8, set()),
    (("levels", "SMEM", "size_kb"), 512, {"SMEM"}),
    (("levels", "SMEM", "vector_words"), 16, {"SMEM"}),
    (("levels", "SMEM", "word_bits"), 16, {"SMEM"}),
    (("levels", "SMEM", "banks"), 2, {"SMEM"}),
    (("levels", "SMEM", "read_bandwidth"), 32, set()),
    (("levels", "SMEM", "metadata_width_bits"), 32, {"SMEM"}),
    (("levels", "SMEM", "metadata_depth"), 4096, set()),  # a bound of mappings; the array has 2 bits for every word
    (("levels", "RF", "size_kb"), 2, {"RF"}),
    (("levels", "RF", "fanout_y"), 8, set()),  # energies are those of one instance
    (("levels", "LRF", "size_words"), 2, {"LRF"}),
    (("levels", "LRF", "word_bits"), 16, {"LRF"}),
    (("levels", "LRF", "fanout_x"), 8, set()),
    (("compute", "word_bits"), 16, {"MAC", "selection"}),
    (("technology", "clock_ghz"), 2, set()),
    (("technology", "node_nm"), 65, {"SMEM", "RF", "LRF", "MAC", "selection", "offset_decoder", "index_decoder"}),
    (("technology", "supply_v"), 1.2, set()),
]


def energies(document, folder):
    """Energies and areas of an accelerator, by part."""
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    table = load_arch(path).energy
    return {part: (dict(actions), table.areas.get(part)) for part, actions in table.actions.items()}


def changed(keys, value):
    document = yaml.safe_load(full_text("crisp-stc", "mine"))
    place = document
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = {"value": value, "source": "a change of the test"}
    return document


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (("levels", "SMEM", "ports"), "2 ports"),
        (("levels", "LRF", "banks"), "2 banks of registers are one"),
    ],
)
def test_what_no_method_has_a_number_for_is_refused(keys, said, tmp_path):
    with pytest.raises(InputError, match=said):
        energies(changed(keys, 2), tmp_path)


@pytest.mark.parametrize(("keys", "value", "moved"), FOLLOWS, ids=[".".join(keys) for keys, _, _ in FOLLOWS])
def test_energies_follow_a_number_and_no_other(keys, value, moved, tmp_path):
    before = energies(yaml.safe_load(full_text("crisp-stc", "mine")), tmp_path)
    after = energies(changed(keys, value), tmp_path)
    assert {part for part in before if before[part] != after[part]} == moved
