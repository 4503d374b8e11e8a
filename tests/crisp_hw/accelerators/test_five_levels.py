"""An accelerator of five levels that no program knows, in YAML alone: evaluated, rendered, and read back."""

from pathlib import Path

import pytest
from model_answers import answered, same_counts

import crisp_hw

FIVE = Path(__file__).parent / "five.yaml"
LAYERS = "*[24].[02].conv*"


@pytest.fixture(scope="module")
def found():
    return crisp_hw.evaluate("resnet50", str(FIVE), nm="2:8", layers=LAYERS, cache=False)


def test_two_buffers_keep_a_tensor_each(found):
    (row,) = found["layer4.2.conv3"].network.rows
    levels = [level.name for level in row.point.design.architecture.levels]
    kept = dict(zip(levels, map(set, row.point.mapping.nest.keeps), strict=True))
    assert kept["Weights"] == {"A"} and kept["Inputs"] == {"B"} and kept["Near"] == {"A"} and kept["Sums"] == {"Z"}


def test_words_are_as_wide_as_their_tensor():
    levels = crisp_hw.load_arch(FIVE).architecture
    bits = {level.name: level.word_bits for level in levels.levels}
    assert bits == {"Near": 4, "Sums": 24, "Inputs": 8, "Weights": 4, "Far": 24}
    assert (levels.compute.operands.weights, levels.compute.operands.sums) == (4, 24)


def test_its_own_pattern_is_exploited(found):
    (row,) = found["layer4.2.conv3"].network.rows
    assert row.speedup == pytest.approx(4.0, rel=0.05)  # 2 of 8
    assert any("2:8" in text for text in row.point.assumptions)


def test_documents_that_are_rendered_give_the_same_counts(found, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # `model` writes its statistics beside the caller
    for row in found.network.rows:
        one = found[row.descriptor.layer.name]
        assert same_counts(row.result, answered(one, tmp_path / row.descriptor.layer.name)) >= 45  # 5 levels, 3 tensors
