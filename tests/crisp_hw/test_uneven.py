"""Work that is shared unevenly, in evaluations: recorded cycles, what is skipped, explanations, bundles."""

from dataclasses import replace

import numpy as np
import pytest

import crisp_hw
from crisp_hw.bundles import load, pack, replay
from crisp_hw.errors import InputError
from crisp_hw.imbalance.drawn import drawn_masks
from crisp_hw.imbalance.layers import Product, full_cycles, waiting
from crisp_hw.imbalance.queues import matrix_vector
from crisp_hw.spec.descriptors import PrunedLayer, PrunedModel
from crisp_hw.spec.imbalance import QueuedPes
from crisp_hw.spec.layer import Layer, Workload

CONV = Layer("conv", "conv2d", 64, 64, (3, 3), padding=(1, 1), input_size=(16, 16))
POOLED = Layer("pooled", "conv2d", 32, 64, input_size=(1, 1))
FC = Layer("fc", "linear", 64, 256)
SMALL = QueuedPes(4, 4, 2, 8, 800.0)


def pruned(rows, columns, density, seed):
    drawn = drawn_masks((rows, columns), density, 1.0, seed)
    return PrunedModel("one", (PrunedLayer(Layer("fc", "linear", rows, columns), "nm", drawn.weights),))


@pytest.fixture(scope="module")
def recorded():
    """NT-LSTM of the paper, whose recorded run drains in 5374 cycles, and NT-We."""
    network = pruned(2400, 1201, 0.1, 108)
    return crisp_hw.evaluate(network, ["eie", "dense"], activation_density=1.0, cache=False)


def test_cycles_are_those_of_the_recorded_run(recorded):
    row = recorded["eie"].rows[0]
    assert (row.cycles, row.result.cycles - row.result.uneven_cycles) == (5374, 4492)
    assert recorded.to_frame()["imbalance"].round(3).tolist() == [1.196, 1.0]


def test_the_explanation_adds_waiting_up_to_the_cycles(recorded):
    text = str(recorded.explain("cycles", arch="eie"))
    assert "5,374 cycles, 1.20x the 4,492" in text and "waiting" in text and "explained is what" not in text
    assert recorded.explain("cycles", arch="eie").figures["cycles"] == 5374


def test_the_result_is_kept_and_read_with_its_waiting(recorded, tmp_path):
    recorded.save(tmp_path / "result.json")
    again = type(recorded).load(tmp_path / "result.json")
    assert again.rows[0].result == recorded.rows[0].result


def test_what_is_no_product_with_a_vector_is_skipped_with_its_reason():
    network = Workload("small", (CONV, POOLED, FC))
    found = crisp_hw.evaluate(network, ["eie", "dense"], cache=False)
    assert [row.layer for row in found["eie"]] == ["pooled", "fc"] and len(found["dense"]) == 3
    (left,) = (each for each in found.network.skipped if each.name == "conv on eie")
    assert "one vector" in left.reason
    with pytest.raises(InputError, match=r"eie runs none of these layers: one vector .* choose other layers"):
        crisp_hw.evaluate(network, "eie", layers="conv", cache=False)


def test_without_a_mask_one_is_drawn_and_said():
    found = crisp_hw.evaluate(Workload("fc", (FC,)), "eie", nm="2:4", cache=False)
    said = " ".join(found.rows[0].point.assumptions)
    assert "one mask with 0.5 of the weights, drawn uniformly from seed 0" in said
    assert "0.6 of the inputs are not zero, drawn uniformly from seed 0" in said
    drawn = drawn_masks((64, 256), 0.5, 0.6, 0)
    machine = crisp_hw.load_arch("eie").machine
    assert found.rows[0].cycles == matrix_vector(drawn.weights, drawn.active, machine).cycles_drained


@pytest.mark.parametrize(("rows", "columns"), [(9, 400), (3, 401), (64, 130), (1, 1), (17, 67)])
def test_a_full_matrix_takes_what_the_whole_recurrence_says(rows, columns):
    whole = matrix_vector(np.ones((rows, columns), bool), np.ones(columns, bool), SMALL).cycles_drained
    assert full_cycles(rows, columns, 3, SMALL) == 3 * whole


def test_a_matrix_that_no_memory_holds_is_refused():
    with pytest.raises(InputError, match="are more than are counted one by one"):
        waiting(Product(2**20, 2**20, 1, 0.1, 1.0), None, SMALL)


def test_a_bundle_is_replayed_with_the_waiting_that_it_recorded(recorded, tmp_path):
    (tmp_path / "b.zip").write_bytes(pack(recorded.network, "embedded", {}, {}, None))
    found = list(replay(load(tmp_path / "b.zip")))
    assert [each.now.cycles for each in found] == [row.cycles for row in recorded.rows]
    assert all(each.equal for each in found)


@pytest.mark.parametrize("seed", range(40))
def test_fewer_weights_fewer_inputs_and_longer_queues_are_never_slower(seed):
    """A filler stands for rows in front of a weight, so that a column with one weight less never has more entries."""
    numbers = np.random.default_rng(seed)
    rows, columns = (int(each) for each in numbers.integers(1, 60, 2))
    mask, active = numbers.random((rows, columns)) < 0.4, numbers.random(columns) < 0.7
    machine = QueuedPes(*(int(each) for each in numbers.integers(1, 5, 1)), 3, 1, 8, 800.0)
    usual = matrix_vector(mask, active, machine).cycles_drained
    fewer = mask & (numbers.random(mask.shape) < 0.7), active & (numbers.random(columns) < 0.7)
    assert matrix_vector(fewer[0], active, machine).cycles_drained <= usual
    assert matrix_vector(mask, fewer[1], machine).cycles_drained <= usual
    assert matrix_vector(mask, active, replace(machine, queue_slots=5)).cycles_drained <= usual


def blocks_of(counts, total, block=16):
    """A 2:4 mask in blocks, of which every row keeps so many."""
    live = np.array([[column < kept for column in range(total)] for kept in counts])
    mask = np.kron(live, np.ones((block, block), bool)) & (np.arange(total * block) % 4 < 2)
    layer = Layer("l", "linear", len(counts) * block, total * block, tokens=64)
    return PrunedModel("rows", (PrunedLayer(layer, "hybrid", mask, None, block),))


def test_cores_wait_for_the_longest_of_the_rows_that_run_side_by_side():
    """Rows of 16 take one core of four each: 7 beside 3, 2 and 2 blocks, then 2 beside 1, 1 and 1; 8 columns a step."""
    counts = [7, 1, 2, 3, 1, 2, 2, 1]
    (row,) = crisp_hw.evaluate(blocks_of(counts, 8), "crisp-stc:smem_bandwidth=none", cache=False).rows
    assert row.cycles == (7 + 2) * 16 // 8 * 64
    assert row.cycles - row.result.uneven_cycles == 2 * 3 * 16 // 8 * 64  # 19 blocks of 8 rows: 3 each
    assert any("block rows keep 1 to 7 of 8 blocks" in each for each in row.point.assumptions)
    even = crisp_hw.evaluate(blocks_of([3] * 8, 8), "crisp-stc:smem_bandwidth=none", cache=False).rows[0]
    assert row.result.energy_pj == pytest.approx(even.result.energy_pj)
    assert even.result.uneven_cycles == 0


def test_masks_as_they_are_need_room_for_the_longest_row():
    (row,) = crisp_hw.evaluate(blocks_of([7, 1, 2, 3], 8), "crisp-stc", density="actual", cache=False).rows
    assert row.point.design.problem.bound("K") == 7 * 16 and row.result.uneven_cycles == 0
