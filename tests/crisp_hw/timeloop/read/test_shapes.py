"""Problems and architectures in Timeloop's older words."""

import pytest
import yaml

from crisp_hw.dropin.model import evaluate_files
from crisp_hw.errors import InputError
from crisp_hw.machine.positions import plain
from crisp_hw.timeloop.read.shapes import SHAPES, written_out

TREE = """
architecture:
  version: 0.3
  subtree:
  - name: top
    local:
    - {name: Far, class: DRAM, attributes: {width: 64, word-bits: 8}}
    - {name: Near, class: SRAM, attributes: {entries: 512, word-bits: 8}}
    - {name: "Mul[0..1]", class: intmac, attributes: {word-bits: 8}}
"""
CNN = "problem: {%s R: 3, P: 8, S: 1, Q: 1, C: 2, K: 4, N: 1}\n"
CNN_MAP = """mapping:
- {target: Far, type: temporal, factors: K=4 P=2, permutation: PK}
- {target: Near, type: temporal, factors: R=3 P=4, permutation: RP}
- {target: Near, type: spatial, factors: C=2}
"""


@pytest.fixture
def run(tmp_path):
    def evaluate(*texts):
        """The result of documents, each in its file."""
        paths = [tmp_path / f"{number}.yaml" for number in range(len(texts))]
        for path, text in zip(paths, texts, strict=True):
            path.write_text(text)
        return evaluate_files(paths).result

    return evaluate


def numbers(result):
    return result.cycles, result.energy_pj, result.levels, result.compute


@pytest.mark.parametrize("name", ["cnn-layer", "cnn_layer", "cnn_layer.yaml"])
def test_a_shape_by_name_is_the_shape_written_out(run, name):
    found = run(TREE, CNN % f"shape: {name},", CNN_MAP)
    whole = {"shape": dict(SHAPES["cnn_layer"]), "instance": {"R": 3, "P": 8, "S": 1, "Q": 1, "C": 2, "K": 4, "N": 1}}
    assert numbers(found) == numbers(run(TREE, yaml.safe_dump({"problem": whole}), CNN_MAP))
    assert (found.cycles, found.compute.algorithmic, found.skipped) == (96, 192, ())


def test_strides_of_a_named_shape_count(run):
    far = {level.name: level for level in run(TREE, CNN % "shape: cnn-layer, Wstride: 2,", CNN_MAP).levels}["Far"]
    plain_far = {level.name: level for level in run(TREE, CNN % "shape: cnn-layer,", CNN_MAP).levels}["Far"]
    inputs = [each.tensors["Inputs"].reads for each in (far, plain_far)]
    assert inputs[0] > inputs[1]


def test_without_a_shape_it_is_timeloops(run):
    found = run(TREE, CNN % "", CNN_MAP)
    assert found.cycles == 96
    assert any("no shape is given: cnn_layer" in note for note in found.skipped)


def test_a_matrix_product_by_name_has_bounds_in_its_instance(run):
    mapping = "mapping: [{target: Far, type: temporal, factors: M=4 N=5 K=6, permutation: KNM}]"
    found = run(TREE, "problem: {shape: gemm-ABZ, instance: {M: 4, N: 5, K: 6}}", mapping)
    assert found.compute.algorithmic == 120


def test_an_unknown_shape_is_named_with_its_line(run):
    with pytest.raises(InputError, match=r"1.yaml:1: problem: the shape 'lstm' is none .*use cnn_layer or gemm_ABZ"):
        run(TREE, CNN % "shape: lstm,", CNN_MAP)


def test_bounds_in_isls_words():
    shape = {"shape": "gemm_ABZ"}
    assert plain(written_out({**shape, "instance": "0 <= M < 4 and 0 <= N <= 5 and 0 <= K < 6"}))["instance"] == {
        "M": 4,
        "N": 6,
        "K": 6,
    }
    for wrong, said in [("0 <= M < 4 and 1 <= N < 5", "'1 <= N < 5' is no range from 0"), ("M = 4", "write the sizes")]:
        with pytest.raises(InputError, match=said):
            written_out({**shape, "instance": wrong})
    with pytest.raises(InputError, match="M has two ranges"):
        written_out({**shape, "instance": "0 <= M < 4 and 0 <= M < 5"})


def test_projections_as_text_are_for_fused_workloads(run):
    spaces = "[{name: A, dimensions: [A_M], projection: '[ M ]'}]"
    with pytest.raises(InputError, match=r"1.yaml:1: .*as text is for Timeloop's fused workloads.*write lists"):
        run(TREE, f"problem: {{shape: {{dimensions: [M], data_spaces: {spaces}}}, instance: 0 <= M < 4}}", CNN_MAP)


FLAT = """
arch:
  arithmetic: {name: Mul, instances: 2, word-bits: 8}
  storage:
  - {name: Near, entries: 512, instances: 1, word-bits: 8}
  - {name: Far, technology: DRAM, instances: 1, width: 64, word-bits: 8}
"""


def test_the_oldest_form_of_an_architecture_is_the_tree(run):
    problem = CNN % "shape: cnn-layer,"
    assert numbers(run(FLAT, problem, CNN_MAP)) == numbers(run(TREE, problem, CNN_MAP))
    with pytest.raises(InputError, match=r"0.yaml:5: architecture.storage: the key 'name' is missing"):
        run(FLAT.replace("name: Near, ", ""), problem, CNN_MAP)


def test_a_wrong_word_in_the_oldest_form_has_its_line(run):
    with pytest.raises(InputError, match=r"0.yaml:5: .*Near.*(unknown|did you mean).*"):
        run(FLAT.replace("entries", "entires"), CNN % "", CNN_MAP)


@pytest.mark.parametrize("nodes", [True, False])
def test_fused_mappings_are_one_sentence(run, nodes):
    front = "architecture: {nodes: [!Component {name: Far, class: DRAM}, !Component {name: Mul, class: mac}]}"
    with pytest.raises(InputError, match=r"2.yaml:2: mapping.*fused mappings \(LoopTree\) are not supported"):
        run(front if nodes else TREE, CNN % "shape: cnn-layer,", "mapping:\n  type: fused\n  nodes: []\n")
