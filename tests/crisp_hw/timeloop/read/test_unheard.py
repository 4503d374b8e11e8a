"""What is written in Timeloop's words and has no effect on the numbers is named."""

import pytest

from crisp_hw.dropin.model import evaluate_files

DOCUMENTS = """
architecture:
  subtree:
  - name: top
    local:
    - {name: Far, class: DRAM, attributes: {width: 64, word-bits: 8%(far)s}}
    - {name: Near, class: SRAM, attributes: {depth: 512, width: 8, word-bits: 8%(near)s}}
    - {name: Mul, class: intmac, attributes: {datawidth: %(bits)d}}
problem:
  shape:
    dimensions: [U, V]
    data-spaces:
    - {name: A, projection: [[[U]], [[V]]]}
    - {name: B, projection: [[[V]]]}
    - {name: Z, projection: [[[U]]], read-write: true}
  instance: {U: 12, V: 20%(instance)s}
mapping:
- {target: Far, type: temporal, factors: U=12 V=1, permutation: VU}
- {target: Near, type: temporal, factors: U=1 V=20, permutation: VU}
%(rest)s
"""
ERT = "ERT: {tables: [{name: Mul, actions: [{name: compute, energy: 2}]}]}"


@pytest.fixture
def run(tmp_path):
    def evaluate(near="", rest="", bits=8, far="", instance=""):
        """The result of the documents with this beside what they say."""
        path = tmp_path / "all.yaml"
        path.write_text(DOCUMENTS % {"near": near, "rest": rest, "bits": bits, "far": far, "instance": instance})
        return evaluate_files([path]).result

    return evaluate


def test_a_plain_run_says_nothing(run):
    assert run().skipped == ()


def numbers(result):
    return result.cycles, result.energy_pj, result.levels


def test_a_bypass_at_the_outermost_level(run):
    found = run(rest="- {target: Far, type: bypass, bypass: [A, Z], keep: [B]}")
    (note,) = found.skipped
    assert "all.yaml:20: bypass of A, Z (Far): the outermost level keeps every tensor" in note
    assert numbers(found) == numbers(run())
    assert run(rest="- {target: Far, type: bypass, bypass: [], keep: [A, B, Z]}").skipped == ()


ZEROS = ", densities: {A: 0.5, B: 1.0}"
SKIPS = """
sparse_optimizations:
  targets: [{name: Near, action-optimization: [{type: skipping, options: [{target: B, condition-on: [A]}]}]}]
"""


def test_zeros_that_nothing_leaves_out(run):
    found = run(instance=ZEROS)
    assert numbers(found) == numbers(run())
    (note,) = found.skipped
    assert "all.yaml:16: density of A: no sparse optimization leaves its zeros out" in note
    assert run(instance=ZEROS, rest=SKIPS).skipped == ()
    assert run(instance=", densities: {A: 1, B: {distribution: hypergeometric, density: 1.0}}").skipped == ()


def test_densities_beside_a_common_one(run):
    found = run(instance=f"{ZEROS}, commonDensity: 0.25", rest=SKIPS)
    (note,) = found.skipped
    assert "all.yaml:16: densities: commonDensity goes before them" in note
    assert numbers(found) == numbers(run(instance=", commonDensity: 0.25", rest=SKIPS))


def test_areas_without_energies(run):
    areas = "ART: {tables: [{name: Near, area: 100}]}"
    found = run(rest=areas)
    (note,) = found.skipped
    assert "all.yaml:20: ART: Timeloop reads areas only beside an ERT" in note
    assert numbers(found) == numbers(run())
    assert not any("ART" in note for note in run(rest=f"{areas}\n{ERT}").skipped)


@pytest.mark.parametrize(
    ("more", "count"),
    [("", 0), (", {name: compute, energy: 5}", 1), (", {name: compute, arguments: {data_delta: 1}, energy: 5}", 0)],
)
def test_an_action_that_a_table_has_twice(run, more, count):
    found = run(rest="ERT: {tables: [{name: Mul, actions: [{name: compute, energy: 2}" + more + "]}]}")
    assert len([note for note in found.skipped if "compute is there again with the same arguments" in note]) == count


@pytest.mark.parametrize("name", ["ERT_summary", "ART_summary"])
def test_summaries_of_accelergy(run, name):
    found = run(rest=f"{name}: {{version: 0.4, table_summary: []}}")
    (note,) = found.skipped
    assert f"all.yaml:20: {name}: a summary that Accelergy writes" in note
    assert numbers(found) == numbers(run())


def test_the_width_of_computations_that_a_table_prices(run):
    found = run(rest=ERT, bits=32)
    (note,) = found.skipped
    assert "all.yaml:8: datawidth (Mul): printed alone" in note
    assert found.energy_pj == run(rest=ERT, bits=4).energy_pj
    assert run(bits=32).energy_pj > run(bits=4).energy_pj  # it is heard where no table has computations
    assert run(bits=32).skipped == ()


@pytest.mark.parametrize(
    ("near", "said"),
    [
        (", datawidth: 16", "datawidth (Near): Timeloop reads word_bits"),
        (", memory_width: 16", "memory_width (Near): Timeloop reads width"),
        (", entries: 600", "depth (Near): Timeloop reads entries"),
        (", bandwidth: 4, read_bandwidth: 1", "read_bandwidth (Near): Timeloop reads bandwidth"),
    ],
)
def test_of_two_words_for_one_thing_the_other(run, near, said):
    (note,) = run(near).skipped
    assert f"all.yaml:7: {said}" in note


def test_two_words_that_say_the_same_need_no_note(run):
    assert run(", datawidth: 8, memory_width: 8").skipped == ()
