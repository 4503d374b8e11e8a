"""What the readers take in one dialect alone."""

import pytest

from crisp_hw.errors import InputError
from crisp_hw.spec.sparse import ActionOptimization, Condition
from crisp_hw.timeloop.read.point import read_design, read_point
from crisp_hw.timeloop.render.documents import render


def documents(directive=None, action=None):
    """A dot product from a DRAM through a buffer, with hyphens as the artifact writes them."""
    local = [
        {"name": "DRAM", "class": "DRAM", "attributes": {"width": 64, "word-bits": 8}},
        {"name": "RF", "class": "storage", "subclass": "SRAM_MD", "attributes": {"n_banks": 2, "n_rdwr_ports": 2}},
        {"name": "MAC", "class": "compute", "attributes": {"datawidth": 8}},
    ]
    spaces = [{"name": name, "projection": [[["K"]]]} for name in "AB"]
    spaces.append({"name": "Z", "projection": [], "read-write": True})
    found = {
        "architecture": {"version": 0.3, "subtree": [{"name": "system", "local": local}]},
        "problem": {"shape": {"name": "dot", "dimensions": ["K"], "data-spaces": spaces}, "instance": {"K": 8}},
        "mapping": [{"target": name, "type": "temporal", "factors": f"K{k}"} for name, k in (("RF", 4), ("DRAM", 2))],
        "compound_components": {"classes": []},
    }
    if directive:
        found["mapping"].append({"target": "RF", "type": "datatype", **directive})
    if action:
        found["sparse_optimizations"] = {"targets": [{"name": "RF", "action-optimization": [action]}]}
    return found


PACK = {"type": "position-skipping", "target": "A", "condition-on": []}


def test_the_default_is_public_timeloop():
    point = read_point(documents())
    assert point.design.dialect == "head"
    assert point.mapping.nest.streams == ()
    assert read_point(documents(), "micro22").design.dialect == "micro22"


def test_streams_belong_to_levels():
    point = read_point(documents({"keep": ["B"], "bypass": ["A"], "stream": ["A"]}), "micro22")
    assert point.mapping.nest.streams == (frozenset("A"), frozenset())
    assert point.mapping.nest.keeps[0] == frozenset("BZ")
    assert read_point(documents({"keep": ["B"], "stream": []}), "micro22").mapping.nest.streams == ()


def test_position_skipping_has_no_leaders():
    design = read_design(documents(action=PACK), "micro22")
    assert design.sparse.actions == (ActionOptimization("RF", "position_skipping", (Condition("A", ()),)),)
    assert design.sparse.packs("RF", "A")
    assert not design.sparse.packs("RF", "B")
    assert not design.sparse.packs("DRAM", "A")


@pytest.mark.parametrize(
    ("given", "word"), [({"directive": {"stream": []}}, "stream"), ({"action": PACK}, "position-skipping")]
)
def test_public_timeloop_knows_neither(given, word):
    with pytest.raises(InputError, match=f'RF: {word} is unknown to public Timeloop.*dialect="micro22"'):
        read_point(documents(**given))


def test_unknown_tensors_do_not_stream():
    with pytest.raises(InputError, match="no tensor Q"):
        read_point(documents({"stream": ["Q"]}), "micro22")


@pytest.mark.parametrize("given", [{"directive": {"stream": ["A"]}}, {"action": PACK}, {}])
def test_documents_are_rendered_for_public_timeloop_alone(given):
    with pytest.raises(InputError, match=r"no public Timeloop knows (position skipping|the dialect micro22)"):
        render(read_point(documents(**given), "micro22"))
