"""What documents cannot say is packed beside them, and comes back whole or not at all."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crisp_hw import api
from crisp_hw.backends.timeloop import evaluate as timeloop
from crisp_hw.bundles import load, pack, read_files, replay, write_files
from crisp_hw.bundles.archive import sha256
from crisp_hw.bundles.beyond import Beyond, restored, split
from crisp_hw.errors import InputError
from crisp_hw.spec.arch import Architecture, ComputeLevel
from crisp_hw.spec.descriptors import PrunedLayer, PrunedModel
from crisp_hw.spec.design import Design, DesignPoint
from crisp_hw.spec.layer import Layer
from crisp_hw.spec.mapping import LoopMapping, LoopNest
from crisp_hw.spec.patterns import Actual, FixedStructured
from crisp_hw.spec.problem import Problem, Tensor, Term


def pruned(seed=3, rows=32, columns=64):
    """Two layers with equal masks: 1:4 in blocks of 16, of which every row keeps half."""
    mask = np.zeros((rows, columns), bool)
    mask[:, ::4] = True
    for row in range(rows // 16):
        for block in np.random.default_rng([seed, row]).permutation(columns // 16)[: columns // 32]:
            mask[16 * row : 16 * row + 16, 16 * block : 16 * block + 16] = False
    layers = tuple(PrunedLayer(Layer(name, "linear", rows, columns), "hybrid", mask, None, 16) for name in "ab")
    return PrunedModel("small", layers, (), ())


CHOICES = [
    {"density": "actual"},
    {"density": "hybrid"},
    {"packing": "position-skipping"},
    {"density": "actual", "packing": "position-skipping"},
]


def evaluated(**options):
    return api.evaluate(pruned(), ["crisp-stc", "dstc"], options=api.EvaluateOptions(cache=False, **options)).network


@pytest.mark.parametrize("options", CHOICES, ids=str)
def test_every_evaluation_is_replayed_to_the_digit(options, tmp_path):
    network = evaluated(**options)
    content = pack(network, "embedded", {}, {}, None)
    assert content == pack(evaluated(**options), "embedded", {}, {}, None)
    (tmp_path / "b.zip").write_bytes(content)
    bundle = load(tmp_path / "b.zip")
    assert any(bundle.beyond)
    found = list(replay(bundle))
    assert [each.equal for each in found] == [True] * 4
    assert [each.now.energy_pj for each in found] == [row.result.energy_pj for row in network.rows]


def test_what_lies_beside_the_documents_changes_numbers(tmp_path):
    (tmp_path / "b.zip").write_bytes(pack(evaluated(density="actual"), "embedded", {}, {}, None))
    bundle = load(tmp_path / "b.zip")
    assert not all(each.equal for each in replay(replace(bundle, beyond=(None,) * 4)))


def test_equal_masks_are_there_once(tmp_path):
    content = pack(evaluated(density="actual"), "embedded", {}, {}, None)
    (tmp_path / "b.zip").write_bytes(content)
    names = [name for name in read_files(tmp_path / "b.zip") if name.startswith("masks/")]
    assert len(names) == 2  # crisp-stc's, gathered, and DSTC's: each of two layers


def test_nothing_lies_beside_documents_that_say_it_all(tmp_path):
    (tmp_path / "b.zip").write_bytes(pack(evaluated(), "embedded", {}, {}, None))
    bundle = load(tmp_path / "b.zip")
    assert (set(bundle.beyond), bundle.masks) == ({None}, {})


def test_timeloop_gets_no_half_of_a_design():
    row = evaluated(density="actual").rows[0]
    plain, beyond, blobs = split(row.point)
    with pytest.raises(InputError, match="no density model by mask"):
        timeloop(restored(plain, beyond, blobs))


@given(mask=st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=1, max_size=5))
def test_masks_come_back_bit_by_bit(mask):
    point = point_of(np.array(mask))
    plain, beyond, blobs = split(point)
    assert plain.design.problem.tensor("A").density == FixedStructured(1.0)
    again = Beyond.model_validate_json(beyond.model_dump_json())
    assert restored(plain, again, blobs) == point


def point_of(mask):
    a = Tensor("A", ((Term("M"),), (Term("K"),)), density=Actual(mask))
    problem = Problem("sum", ("M", "K"), mask.shape, (a,))
    return DesignPoint(Design(Architecture((), ComputeLevel()), problem), LoopMapping(LoopNest((), ()), ()))


@pytest.fixture
def changed(tmp_path):
    """A bundle whose first beyond.json is edited, checksums and all."""

    def edit(change, **options):
        path = tmp_path / "b.zip"
        path.write_bytes(pack(evaluated(**options), "embedded", {}, {}, None))
        files = read_files(path)
        name = next(name for name in sorted(files) if name.endswith("beyond.json"))
        content = json.loads(files[name])
        change(content)
        files[name] = json.dumps(content).encode()
        manifest = json.loads(files["manifest.json"])
        manifest["files"][name] = {"bytes": len(files[name]), "sha256": sha256(files[name])}
        files["manifest.json"] = json.dumps(manifest).encode()
        path.write_bytes(write_files(files))
        return path

    return edit


def first_error(path):
    return next(each.error for each in replay(load(path)) if each.error)


def set_weights(key, value):
    return lambda content: content["densities"]["A"].update({key: value})


@pytest.mark.parametrize(
    ("options", "change", "words"),
    [
        ({"density": "actual"}, set_weights("shape", [9]), r"a density of shape \[9\]"),
        ({"density": "actual"}, set_weights("entry", "masks/none"), "masks/none: has 0 bytes"),
        ({"density": "actual"}, lambda c: c["densities"].update(Q=c["densities"]["A"]), "Q, which is no tensor"),
        ({"density": "hybrid"}, set_weights("total", 9), "do not fit"),
        ({"density": "hybrid"}, set_weights("m", 3), "do not hold whole groups"),
        ({"packing": "position-skipping"}, lambda c: c["position_skipping"][0].update(level="X"), "which it has not"),
    ],
    ids=["shape", "entry", "tensor", "blocks", "groups", "level"],
)
def test_what_does_not_fit_the_documents_is_named(options, change, words, changed):
    assert re.search(words, first_error(changed(change, **options)))


def test_what_is_no_such_thing_is_refused(changed):
    path = changed(set_weights("kind", "wish"), density="actual")
    with pytest.raises(InputError, match=r"beyond\.json: densities\.A"):
        load(path)
