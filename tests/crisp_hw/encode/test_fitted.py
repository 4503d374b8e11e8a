"""Bounds of loops say where they come from: a rule of the file, the case that runs the layer, the role of a level."""

from dataclasses import replace

import pytest
import yaml

from crisp_hw import evaluate
from crisp_hw.accelerators import load_arch
from crisp_hw.descriptors import describe
from crisp_hw.encode import encode
from crisp_hw.errors import CrispError
from crisp_hw.mapper.space import enumerate_space
from crisp_hw.spec.descriptors import PrunedLayer
from crisp_hw.spec.layer import Layer

OWN = {
    "schema": "crisp-hw/arch/2",
    "name": "own",
    "does": "two of eight weights",
    "levels": {
        "Far": {"role": "backing", "technology": "DRAM", "word_bits": 8, "vector_words": 8},
        "Buffer": {"role": "buffer", "size_kb": 64, "vector_words": 8, "word_bits": 8},
        "Sums": {"role": "accumulator", "size_kb": 1.5},
        "Beside": {"role": "latch", "fanout_x": 8, "fanout_y": 8, "size_words": 1},
    },
    "compute": {"name": "Multiplier", "word_bits": {"A": 4, "B": 8, "Z": 24}},
    "energy": "table",
    "constraints": {
        "Beside": {"keep": ["A"], "temporal": ["N"]},
        "Sums": {"keep": ["Z"], "temporal": [], "x": ["K"], "y": ["M"], "spatial": "fill"},
        "Buffer": {"keep": ["A", "B"], "temporal": ["N", "M", "G", "K"]},
        "Far": {"keep": ["A", "B", "Z"], "temporal": ["N", "M", "G"], "order": "free"},
    },
    "runs": [
        {
            "name": "two of eight",
            "when": "fits(n, m, 2, 8)",
            "across": {"K": "lanes // 2 * 8"},
            "weights": {"structured": "2 / 8"},
            "formats": [{"level": "Beside", "tensor": "A", "ranks": [{"format": "CP", "metadata_bits": 3}]}],
            "actions": [
                {"level": "Sums", "type": "skipping_spatial", "options": [{"target": t, "condition_on": ["A"]}]}
                for t in "BZ"
            ],
        },
        {"name": "dense"},
    ],
}


def refused(tmp_path, **changes):
    (tmp_path / "own.yaml").write_text(yaml.safe_dump({**OWN, **changes}, sort_keys=False))
    with pytest.raises(CrispError) as caught:
        evaluate("resnet50", tmp_path / "own.yaml", nm="2:8", layers="layer4.1.conv1", cache=False)
    return str(caught.value)


def test_bounds_that_conflict_name_the_rule_of_the_file_or_the_case_that_made_each(tmp_path):
    said = refused(tmp_path)
    assert "Beside temporal K=1 (not in constraints.Beside.temporal)" in said
    assert "Sums spatial K=32 (across.K of the case two of eight: lanes // 2 * 8)" in said
    assert "Buffer temporal K<=2 (role buffer or backing: as many parts of K as one round needs" in said


def test_a_bound_of_at_most_names_its_case(tmp_path):
    runs = [{**OWN["runs"][0], "at_most": {"Buffer": {"K": 3}}}]
    assert "Buffer temporal K<=3 (at_most of the case two of eight)" in refused(tmp_path, runs=runs)


def test_every_bound_of_a_packaged_accelerator_says_where_it_comes_from():
    layer = describe(PrunedLayer(Layer("fc", "linear", 64, 64, tokens=16), "dense"))
    for name in ("dense", "dstc", "eyeriss-v1", "systolic", "vegeta"):
        encoded = encode(layer, load_arch(name))
        found = [factor for block in encoded.constraints.levels for factor in block.factors.values()]
        assert found and all(factor.why for factor in found), name
        # and what they say does not change what they are
        plain = [
            replace(each, factors={d: replace(f, why="") for d, f in each.factors.items()})
            for each in encoded.constraints.levels
        ]
        assert plain == list(encoded.constraints.levels)
        assert enumerate_space(encoded.design, encoded.constraints).size > 0
