"""Masks from files as densities of Timeloop's documents."""

import numpy as np
import pytest

from crisp_hw.dropin.map_files import map_files
from crisp_hw.dropin.model import evaluate_files
from crisp_hw.engine.evaluate import evaluate_point
from crisp_hw.errors import InputError
from crisp_hw.spec.descriptors import PrunedLayer, PrunedModel
from crisp_hw.spec.layer import Layer
from crisp_hw.spec.patterns import Actual

DOCUMENTS = """
architecture:
  subtree:
  - name: top
    local:
    - {name: Far, class: DRAM, attributes: {width: 8, word-bits: 8}}
    - {name: Near, class: SRAM, attributes: {depth: 512, width: 8, word-bits: 8}}
    - {name: Mul, class: intmac, attributes: {datawidth: 8}}
problem:
  shape:
    dimensions: [U, V]
    data-spaces:
    - {name: A, projection: [[[U]], [[V]]]}
    - {name: B, projection: [[[V]]]}
    - {name: Z, projection: [[[U]]], read-write: true}
  instance:
    U: 4
    V: 6
    densities:
      A: {distribution: actual_data, data_file_path: %s}
mapping:
- {target: Far, type: temporal, factors: U=4 V=1, permutation: VU}
- {target: Near, type: temporal, factors: U=1 V=6, permutation: VU}
sparse_optimizations:
  targets:
  - name: Near
    action_optimization: [{type: skipping, options: [{target: B, condition_on: [A]}, {target: Z, condition_on: [A]}]}]
  - name: Mul
    compute_optimization: [{type: skipping}]
"""
MASK = np.array([[1, 0, 1, 0, 0, 1], [0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 1, 1], [0, 1, 0, 0, 0, 0]], dtype=bool)
TEXT = "\n".join("".join(str(int(x)) for x in row) for row in MASK)


@pytest.fixture
def run(tmp_path):
    def evaluate(name, text=DOCUMENTS):
        """The documents with this file as the density of A, which stands in a folder beside them."""
        (tmp_path / "all.yaml").write_text(text % name)
        return evaluate_files([tmp_path / "all.yaml"])

    (tmp_path / "masks").mkdir()
    return evaluate


FORMS = [
    TEXT,
    "\n".join(" ".join(row) for row in TEXT.split()) + "\n",
    "# kept\n" + "\n".join(",".join(row) for row in TEXT.split()) + "\n\n",
]


@pytest.mark.parametrize("content", FORMS)
def test_text_is_the_mask(run, tmp_path, content):
    (tmp_path / "masks" / "a.txt").write_text(content)
    found = run("masks/a.txt")
    assert found.point.design.problem.tensor("A").density == Actual(MASK)
    assert found.result.compute.random == MASK.sum() == 10  # one for each weight that is not 0


def test_every_kind_of_file_is_the_same_mask(run, tmp_path):
    (tmp_path / "masks" / "a.txt").write_text(TEXT)
    text = run("masks/a.txt").result
    values = np.where(MASK, 0.25, 0.0)
    arrays = {"bool": MASK, "values": values, "bytes": MASK.astype(np.uint8), "order": np.asfortranarray(MASK)}
    for name, array in arrays.items():
        np.save(tmp_path / "masks" / f"{name}.npy", array)
        assert run(f"masks/{name}.npy").result == text
    assert evaluate_point(run("masks/bool.npy").point)


def test_a_mask_counts_what_its_share_does_not(run, tmp_path):
    (tmp_path / "masks" / "a.txt").write_text(TEXT)
    same = DOCUMENTS.replace(
        "{distribution: actual_data, data_file_path: %s}", "{distribution: fixed_structured, density: %s}"
    )
    exact, share = run("masks/a.txt").result, run(str(MASK.mean()), same).result
    assert (exact.compute.random, exact.cycles) == (10, 10)
    assert share.compute.random > 10  # 10 of 24 is no share that rounds to a whole number of every tile


def test_a_mapper_reads_masks_too(run, tmp_path):
    (tmp_path / "masks" / "a.txt").write_text(TEXT)
    (tmp_path / "all.yaml").write_text(DOCUMENTS % "masks/a.txt")
    assert map_files([tmp_path / "all.yaml"]).evaluated.point.design.problem.tensor("A").density == Actual(MASK)


@pytest.mark.parametrize("suffix", ["pt", "safetensors"])
def test_a_layer_of_a_pruned_model_is_a_mask(run, tmp_path, suffix):
    pytest.importorskip("torch")
    from crisp_hw.pruned_file import save_pruned

    layers = (
        PrunedLayer(Layer("fc", "linear", 4, 6), "hybrid", MASK),
        PrunedLayer(Layer("head", "linear", 4, 6), "dense", None),
    )
    save_pruned(tmp_path / "masks" / f"run.{suffix}", PrunedModel("m", layers))
    assert run(f"masks/run.{suffix}#fc").point.design.problem.tensor("A").density == Actual(MASK)
    assert run(f"masks/run.{suffix}#head").point.design.problem.tensor("A").density == Actual(np.ones((4, 6), bool))
    with pytest.raises(InputError, match=rf"all.yaml:20: .*no layer 'fd'; write run.{suffix}#LAYER; it has fc, head"):
        run(f"masks/run.{suffix}#fd")
    with pytest.raises(InputError, match="no layer is named"):
        run(f"masks/run.{suffix}")


def test_a_path_is_relative_to_the_document_that_names_it(run, tmp_path):
    (tmp_path / "masks" / "a.txt").write_text(TEXT)
    (tmp_path / "masks" / "d.yaml").write_text("{A: {distribution: actual-data, data-file-path: a.txt}}")
    text = (
        DOCUMENTS.split("    densities:")[0]
        + "    densities: !include masks/%s\nmapping:"
        + DOCUMENTS.split("mapping:")[1]
    )
    assert run("d.yaml", text).point.design.problem.tensor("A").density == Actual(MASK)


WRONG = [
    ("masks/none.txt", None, r"masks/none.txt: cannot be read \(no such file"),
    ("masks/a.txt", b"0102\n", r"masks/a.txt:1: a mask holds 0 and 1 only"),
    ("masks/a.txt", b"010\n01\n", r"masks/a.txt:2: a row of 2 values, the first has 3"),
    ("masks/a.txt", b"\n", r"all.yaml:20: problem tensor A.density.data_file_path: masks/a.txt holds no values"),
    ("masks/a.txt", b"01\n10\n", r"it is 4 x 6 words in .* for 2 x 2"),
    ("masks/a.npy", b"\x93NUMPY rubbish", r"masks/a.npy: is no .npy array of numbers"),
    ("masks/a.txt#fc", b"0", r"all.yaml:20: .*only a pruned model has layers"),
    ("masks/a.pt#fc", b"rubbish", r"masks/a.pt: "),
]


@pytest.mark.parametrize(("name", "content", "said"), WRONG)
def test_a_file_that_holds_no_mask_is_a_sentence(run, tmp_path, name, content, said):
    if content is not None:
        (tmp_path / name.split("#")[0]).write_bytes(content)
    with pytest.raises(InputError, match=said):
        run(name)


def test_objects_and_lies_about_the_size_are_never_loaded(run, tmp_path):
    np.save(tmp_path / "masks" / "o.npy", np.array([object()]), allow_pickle=True)
    with pytest.raises(InputError, match="values of the kind object"):
        run("masks/o.npy")
    with (tmp_path / "masks" / "l.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "|b1", "fortran_order": False, "shape": (10**9, 10**9)})
    with pytest.raises(InputError, match="1000000000 x 1000000000 and"):
        run("masks/l.npy")


def test_a_density_beside_data_is_a_contradiction(run, tmp_path):
    (tmp_path / "masks" / "a.txt").write_text(TEXT)
    with pytest.raises(InputError, match=r"all.yaml:20: .*the data say the density, not 0.5"):
        run("masks/a.txt, density: 0.5")
