"""A whole set of documents to a design point, and what is wrong with one in a sentence."""

import copy

import pytest

from crisp_hw.errors import InputError
from crisp_hw.spec.ert import EnergyTable
from crisp_hw.spec.mapping import Loop
from crisp_hw.spec.sparse import SparseSpec
from crisp_hw.timeloop.read.point import read_design, read_mapping, read_point

DOCUMENTS = {
    "architecture": {
        "version": "0.4",
        "subtree": [
            {
                "name": "system",
                "local": [
                    {"name": "DRAM[1..1]", "class": "DRAM", "attributes": {"width": 64, "datawidth": 16}},
                    {"name": "RF[1..2]", "class": "regfile", "attributes": {"depth": 64, "meshX": 2}},
                    {"name": "MAC[1..4]", "class": "intmac", "attributes": {"meshX": 4}},
                ],
            }
        ],
    },
    "problem": {
        "shape": {
            "name": "gemm",
            "dimensions": ["M", "N", "K"],
            "data_spaces": [
                {"name": "A", "projection": [[["M"]], [["K"]]]},
                {"name": "B", "projection": ["N", "K"]},
                {"name": "Z", "projection": [[["M"]], [["N"]]], "read_write": True},
            ],
        },
        "instance": {"M": 4, "N": 2, "K": 6, "densities": {"A": 0.5}},
    },
    "mapping": [
        {"target": "DRAM", "type": "temporal", "factors": "K=6", "permutation": "KMN"},
        {"target": "DRAM", "type": "spatial", "factors": "M2", "permutation": "M", "split": 1},
        {"target": "RF", "type": "bypass", "keep": ["A"], "bypass": ["B", "Z"]},
        {"target": "RF", "type": "temporal", "factors": "M=2 N=1 K=1"},
        {"target": "RF", "type": "spatial", "factors": "N=2", "permutation": "NMK", "split": 3},
    ],
    "ERT": {
        "tables": [
            {
                "name": "system.RF[1..2]",
                "actions": [
                    {"name": "read", "arguments": {"data_delta": 0}, "energy": 1.5},
                    {"name": "read", "arguments": {"data_delta": 1}, "energy": 2},
                ],
            }
        ]
    },
}


def changed(path, value):
    """The documents with one entry replaced (None: taken out); `path` are keys and indices."""
    documents = copy.deepcopy(DOCUMENTS)
    node = documents
    for key in path[:-1]:
        node = node[key]
    if value is None:
        del node[path[-1]]
    else:
        node[path[-1]] = value
    return documents


def test_everything_arrives_innermost_first():
    point = read_point(DOCUMENTS)
    architecture, nest = point.design.architecture, point.mapping.nest
    assert [level.name for level in architecture.levels] == ["RF", "DRAM"]
    assert architecture.fanouts == ((2, 1), (2, 1))
    assert nest.loops[:3] == (Loop(0, "N", "x"), Loop(0, "M", "x"), Loop(0, "K", "x"))
    assert nest.loops[9:] == (Loop(1, "K", "temporal"), Loop(1, "M", "temporal"), Loop(1, "N", "temporal"))
    assert point.mapping.bounds == (2, 1, 1, 2, 1, 1, 2, 1, 1, 6, 1, 1)
    assert nest.keeps == (frozenset("A"), frozenset("ABZ"))
    assert point.design.energy == EnergyTable({"RF": {"read": 2.0}})  # the largest variant of an action
    assert point.design.sparse == SparseSpec()


def test_documents_are_optional_where_nothing_depends_on_them():
    assert read_design(changed(["ERT"], None)).energy == EnergyTable()
    with pytest.raises(
        InputError, match=r"^documents: the key 'mapping' is missing; there are 'architecture', 'problem'"
    ):
        read_mapping(changed(["mapping"], None), read_design(DOCUMENTS))


def test_hyphens_are_underscores():
    hyphens = copy.deepcopy(DOCUMENTS)
    spaces = hyphens["problem"]["shape"].pop("data_spaces")
    hyphens["problem"]["shape"]["data-spaces"] = [
        {key.replace("_", "-"): value for key, value in space.items()} for space in spaces
    ]
    assert read_point(hyphens) == read_point(DOCUMENTS)


@pytest.mark.parametrize(
    ("documents", "sentence"),
    [
        ([], "documents: expected a mapping of keys to values, found list []"),
        (changed(["problem", "instance", "K"], None), "problem.instance: the key 'K' is missing"),
        (
            changed(["ERT", "tables", 0, "actions", 0, "energy"], "2"),
            "ERT RF.read.energy: expected a nonnegative number, found str '2'",
        ),
        (
            changed(["ERT", "tables", 0, "actions", 0, "energy"], -1.0),
            "ERT RF.read.energy: expected a nonnegative number",
        ),
        (changed(["mapping", 0, "target"], "SMEM"), "mapping: the architecture has no level 'SMEM'; it has RF, DRAM"),
        (changed(["mapping"], {}), "mapping: expected a list, found dict {}"),
    ],
)
def test_errors_name_the_place_and_the_values(documents, sentence):
    with pytest.raises(InputError) as error:
        read_point(documents)
    assert str(error.value).startswith(sentence)
    assert "\n" not in str(error.value)
