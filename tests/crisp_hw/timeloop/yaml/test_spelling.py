"""Keys that the program of 2022 passes over because it knows them under another spelling."""

import pytest

from crisp_hw.errors import Mark
from crisp_hw.machine.positions import MarkedDict
from crisp_hw.timeloop.yaml.spelling import HYPHENATED, as_spelled


def rank_of(**keys):
    return {"sparse_optimizations": {"targets": [{"representation-format": {"data-spaces": [{"ranks": [keys]}]}}]}}


def ranks(documents):
    (target,) = documents["sparse_optimizations"]["targets"]
    return target["representation-format"]["data-spaces"][0]["ranks"]


@pytest.mark.parametrize("key", ["metadata_word_bits", "payload_word_bits", "flattened_rankIDs"])
def test_underscores_of_a_rank_are_passed_over_and_named(key):
    heard, (note,) = as_spelled(rank_of(format="B", **{key: 3}))
    assert ranks(heard) == [{"format": "B"}]
    assert note.startswith(f"sparse_optimizations: {key}: ")
    assert key.replace("_", "-") in note
    assert "without effect" in note


@pytest.mark.parametrize("key", ["metadata-word-bits", "flattened-rankIDs", "format"])
def test_what_it_knows_is_read(key):
    assert as_spelled(rank_of(**{key: 3})) == (rank_of(**{key: 3}), ())


def test_both_spellings_are_the_one_that_it_knows():
    heard, notes = as_spelled(rank_of(**{"metadata_word_bits": 3, "metadata-word-bits": 5}))
    assert ranks(heard) == [{"metadata-word-bits": 5}]
    assert len(notes) == 1


@pytest.mark.parametrize(
    ("key", "known"),
    [
        ("word_bits", False),
        ("word-bits", True),
        ("cluster_size", False),
        ("cluster-size", True),
        ("read_bandwidth", True),
        ("read-bandwidth", False),  # HEAD takes it, this program knows underscores here
        ("metadata_word_bits", True),  # of a level, other than of a rank
        ("metadata-storage-width", False),
        ("block_size", True),
        ("block-size", True),
        ("datawidth", True),
        ("network_fill_latency", False),
        ("energy-per-ingress", False),
    ],
)
def test_attributes_of_levels(key, known):
    documents = {"architecture": {"subtree": [{"local": [{"name": "S", "attributes": {key: 2}}]}]}}
    heard, notes = as_spelled(documents)
    assert heard["architecture"]["subtree"][0]["local"][0]["attributes"] == ({key: 2} if known else {})
    assert len(notes) == (not known)


def test_what_it_cannot_do_without_is_read_in_either_spelling():
    problem = {"problem": {"shape": {"data_spaces": [{"name": "Z", "read_write": True}]}}}
    assert as_spelled(problem) == (problem, ())


def test_tables_and_mappings_are_left_alone():
    documents = {"ERT": {"tables": [{"word_bits": 1}]}, "mapping": [{"no_link_transfer": ["A"]}], "x": {"a-b": 1}}
    assert as_spelled(documents) == (documents, ())


def test_a_note_says_where_the_first_one_stands_and_how_many_there_are():
    marks = [Mark("s.yaml", line) for line in (4, 9)]
    entries = [MarkedDict(mark, {"flattened_rankIDs": mark}) for mark in marks]
    for entry in entries:
        entry["flattened_rankIDs"] = [["N"]]
    heard, (note,) = as_spelled({"sparse_optimizations": {"ranks": entries}})
    assert heard["sparse_optimizations"]["ranks"] == [{}, {}]
    assert note.startswith("s.yaml:4: flattened_rankIDs, 2 times: ")


def test_names_are_spelled_with_underscores_in_the_table():
    assert not [name for names in HYPHENATED.values() for name in names if "-" in name]
