"""Rendered documents against the ones that timeloop-model was given."""

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from crisp_hw.accelerators import load_arch
from crisp_hw.encode import encode
from crisp_hw.errors import MappingError
from crisp_hw.mapper.space import kept
from crisp_hw.spec.arch import FREE
from crisp_hw.spec.constraints import Constraints, Factor, LevelConstraint
from crisp_hw.spec.descriptors import Descriptor
from crisp_hw.spec.design import Design, DesignPoint
from crisp_hw.spec.ert import EnergyTable
from crisp_hw.spec.layer import Layer
from crisp_hw.spec.mapping import Loop, LoopMapping, LoopNest
from crisp_hw.spec.patterns import NM, Banded, FixedStructured
from crisp_hw.spec.problem import Problem, Tensor, Term
from crisp_hw.spec.sparse import ActionOptimization, Condition, Rank, SparseSpec, TensorFormat
from crisp_hw.timeloop.read.constraints import read_constraints
from crisp_hw.timeloop.read.point import read_mapping, read_point
from crisp_hw.timeloop.read.problem import read_problem
from crisp_hw.timeloop.render.documents import MapperSettings, render, render_constraints, render_design
from crisp_hw.timeloop.render.views import number

CASES = [
    json.loads(line)
    for line in (Path(__file__).parents[3] / "golden" / "crisp-small.jsonl").read_text(encoding="utf-8").splitlines()
]
LABELS = ("technology", "type", "global_cycle_seconds")  # of no consequence for counts, cycles or energies
LAYER = Layer("layer1.1.conv1", "conv2d", 64, 256, input_size=(56, 56))


def parsed(texts):
    documents = {}
    for text in texts.values():
        documents.update(yaml.safe_load(text))
    return documents


def comparable(documents):
    """Without labels, and with what is a set in Timeloop as a set."""
    found = json.loads(json.dumps(documents))
    system = found["architecture"]["subtree"][0]
    system.pop("attributes", None)
    for part in system["local"]:
        part["attributes"] = {key: value for key, value in part["attributes"].items() if key not in LABELS}
    for entry in found["mapping"]:
        if "factors" in entry:
            entry["factors"] = sorted(entry["factors"].split())
    found["mapping"].sort(key=lambda entry: (entry["target"], entry["type"]))
    for table in found["ERT"]["tables"]:
        table["actions"].sort(key=lambda action: action["name"])
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_documents_of_the_reference_runs_come_back(case):
    given_ = {name: content for name, content in case["input"].items() if content is not None}
    rendered = parsed(render(read_point(case["input"])))
    assert comparable(rendered) == comparable(given_)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_reading_what_was_rendered_changes_nothing(case):
    point = read_point(case["input"])
    assert read_point(parsed(render(point))) == point


@pytest.mark.parametrize("place", range(13))  # those without residuals
def test_networks_come_back(place):
    path = Path(__file__).parents[3] / "golden" / "cases" / "network.jsonl.gz"
    point = read_point(json.loads(gzip.decompress(path.read_bytes()).splitlines()[place])["input"])
    assert any(level.wires != FREE for level in point.design.architecture.levels)
    assert read_point(parsed(render(point))) == point


def dense():
    return encode(Descriptor(LAYER, "dense", LAYER.weights), load_arch("dense"))


def test_a_dense_design_has_no_sparse_document():
    names = set(render_design(dense().design))
    assert names == {"architecture.yaml", "problem.yaml", "ERT.yaml", "ART.yaml"}


def test_every_number_of_the_fabric_carries_its_source():
    accelerator = load_arch("crisp-stc")
    texts = render_design(dense().design, accelerator.sources)
    line = next(line for line in texts["architecture.yaml"].splitlines() if "read_bandwidth" in line)
    assert line.strip() == f"read_bandwidth: 24.0  # {accelerator.sources['SMEM.read_bandwidth']}"
    energies = [line for line in texts["ERT.yaml"].splitlines() if "energy:" in line]
    assert energies and all("  # " in line for line in energies)
    assert parsed(texts) == parsed(render_design(dense().design))


def test_constraints_and_search():
    encoded = encode(Descriptor(LAYER, "nm", LAYER.weights // 2, NM(2, 4)), load_arch("stc"))
    texts = render_constraints(encoded.design, encoded.constraints, MapperSettings(threads=2))
    targets = parsed(texts)["architecture_constraints"]["targets"]
    array = next(t for t in targets if (t["target"], t["type"]) == ("RF", "spatial"))
    assert set(array["factors"].split()) == {"G=1", "M=16", "N=1", "K=8"}
    assert (array["permutation"], array["split"]) == ("KM", 1)
    latch = next(t for t in targets if (t["target"], t["type"]) == ("LRF", "temporal"))
    assert set(latch["factors"].split()) == {"G=1", "M=1", "N<=64", "K=1"}
    keeps = {t["target"]: (t["keep"], t["bypass"]) for t in targets if t["type"] == "bypass"}
    assert keeps == {"LRF": (["A"], ["B", "Z"]), "RF": (["Z"], ["A", "B"]), "SMEM": (["A", "B"], ["Z"])}
    search = parsed(texts)["mapper"]
    assert (search["num_threads"], search["optimization_metrics"]) == (2, ["delay", "energy"])


def test_constraints_read_back_as_they_were():
    """Every kind of constraint, written for Timeloop's mapper and read again."""
    encoded = encode(Descriptor(LAYER, "nm", LAYER.weights // 2, NM(2, 4)), load_arch("stc"))
    levels = (
        LevelConstraint(
            "SMEM",
            "temporal",
            {"K": Factor("<=", 8), "M": Factor("=", 0)},
            ("K",),
            True,
            outermost=("N", "M"),
            at_least={"K": 2},
            no_temporal_reuse=frozenset("A"),
            rmw_first_update=frozenset("Z"),
        ),
        LevelConstraint(
            "RF",
            "spatial",
            {"N": Factor(">=", 2)},
            order_free=True,
            split=1,
            no_link_transfer=frozenset("AB"),
            no_multicast=frozenset("B"),
        ),
    )
    keeps = {"LRF": frozenset("A"), "RF": frozenset("Z"), "DRAM": frozenset("ABZ")}
    given = Constraints(levels, keeps, {"RF": frozenset("AB"), "SMEM": frozenset("ABZ")}, 0.25)
    again = read_constraints(parsed(render_constraints(encoded.design, given)), encoded.design)
    assert again.levels == given.levels
    assert (again.either, again.parallelism) == (given.either, given.parallelism)
    assert kept(encoded.design, again) == kept(encoded.design, given)


def test_what_our_own_constraints_settle_is_settled_for_timeloop_too():
    encoded = encode(Descriptor(LAYER, "dense", LAYER.weights), load_arch("dense"))
    texts = parsed(render_constraints(encoded.design, Constraints()))
    assert read_constraints(texts, encoded.design).either == {}


def test_dstc_keeps_its_links_apart():
    encoded = encode(Descriptor(LAYER, "nm", 999), load_arch("dstc"))
    targets = parsed(render_constraints(encoded.design, encoded.constraints))["architecture_constraints"]["targets"]
    array = next(t for t in targets if (t["target"], t["type"]) == ("LRF", "spatial"))
    assert (array["permutation"], array["split"], array["no_link_transfer"]) == ("MN", 1, ["A", "B", "Z"])


def test_coefficients_options_and_sizes_that_are_no_whole_vectors():
    """What the four accelerators do not use, read back as it was."""
    design = dense().design
    window = Tensor("B", ((Term("M", 2), Term("K")), (Term("N"),)), density=FixedStructured(0.5))
    problem = Problem(
        "window", ("M", "N", "K"), (2, 3, 4), (*_plain(), window, Tensor("Z", _ranks("MN"), is_output=True))
    )
    options = (Condition("A", ("B",)), Condition("B", ("A",)))
    bitmap = TensorFormat(
        "SMEM", "B", (Rank("B", 1), Rank("RLE", 4, 2, (frozenset("MK"),)), Rank("U"), Rank("UOP", 0, 8))
    )
    sparse = SparseSpec((bitmap,), (ActionOptimization("SMEM", "gating", options),), ("gating",))
    levels = tuple(
        replace(
            level,
            size_words=100,
            shared_bandwidth=0.5,
            multiple_buffering=2.0,
            decompression_supported=True,
            compression_supported=True,
            metadata_word_bits=3,
        )
        if level.name == "SMEM"
        else level
        for level in design.architecture.levels
    )
    names = {
        design.architecture.compute.name,
        *(level.name for level in levels),
    }  # the rest is counted beside the model
    actions = {name: energies for name, energies in design.energy.actions.items() if name in names}
    odd = Design(replace(design.architecture, levels=levels), problem, sparse, EnergyTable(actions))
    loops = tuple(Loop(level, dim, "temporal") for level in range(4) for dim in "MNK")
    point = DesignPoint(odd, LoopMapping(LoopNest(loops, (frozenset("ABZ"),) * 4), (1,) * 9 + (2, 3, 4)))
    documents = parsed(render(point))
    assert read_point(documents).design == odd
    assert documents["problem"]["shape"]["coefficients"] == [{"name": "M_times_2", "default": 2}]
    smem = documents["architecture"]["subtree"][0]["local"][1]["attributes"]
    assert (smem["entries"], smem["shared_bandwidth"], smem["multiple_buffering"]) == (100, 0.5, 2.0)
    assert smem["decompression_supported"] is True and smem["metadata_datawidth"] == 3
    target = next(t for t in documents["sparse_optimizations"]["targets"] if t["name"] == "SMEM")
    assert [o["target"] for o in target["action_optimization"][0]["options"]] == ["A", "B"]
    assert [r["format"] for r in target["representation_format"]["data_spaces"][0]["ranks"]] == [
        "UOP",
        "UB",
        "RLE",
        "B",
    ]


def _plain():
    return (Tensor("A", _ranks("MK")),)


def _ranks(dims):
    return tuple((Term(dim),) for dim in dims)


def test_x_loops_outside_y_loops_cannot_be_written():
    design = dense().design
    loops = (Loop(1, "M", "y"), Loop(1, "K", "x"), Loop(3, "N", "temporal"))
    point = DesignPoint(design, LoopMapping(LoopNest(loops, (frozenset("ABZ"),) * 4), (16, 4, 8)))
    with pytest.raises(MappingError, match="RF has an x loop outside a y loop"):
        render(point)


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**18), 10**18))
def test_numbers_survive_yaml(value):
    assert yaml.safe_load(f"a: {number(value)}")["a"] == value
    assert isinstance(yaml.safe_load(number(value)), type(value))


def test_residuals_and_forbidden_reuse_come_back_as_they_were():
    design = dense().design
    everything, nothing = frozenset("ABZ"), frozenset()
    fanouts = design.architecture.fanouts
    loops, bounds, rests = [], [], []
    for level, fanout in enumerate(fanouts):
        for kind in ("x", "temporal") if fanout != (1, 1) else ("temporal",):
            loops += [Loop(level, dim, kind) for dim in design.problem.dims]
            bounds += [level + 2] * len(design.problem.dims)
            rests += [level + 1] * len(design.problem.dims)
    flags = {
        "no_link_transfer": tuple(frozenset("B") if fanout != (1, 1) else nothing for fanout in fanouts),
        "no_multicast": tuple(frozenset("AB") if fanout != (1, 1) else nothing for fanout in fanouts),
        "no_temporal_reuse": (frozenset("A"), *(nothing for _ in fanouts[1:])),
        "rmw_first_update": (*(nothing for _ in fanouts[1:]), frozenset("Z")),
    }
    nest = LoopNest(tuple(loops), (everything,) * len(fanouts), **flags)
    mapping = LoopMapping(nest, tuple(bounds), tuple(rests))
    assert read_mapping(parsed(render(DesignPoint(design, mapping))), design) == mapping


def test_a_band_comes_back_with_its_width():
    a = Tensor("A", _ranks("MK"), density=Banded(3))
    problem = Problem(
        "square", ("M", "N", "K"), (8, 2, 8), (a, *_plain()[1:], Tensor("Z", _ranks("MN"), is_output=True))
    )
    documents = parsed(render_design(replace(dense().design, problem=problem)))
    assert read_problem(documents["problem"]).tensor("A").density == Banded(3)
