"""The accelerators of publications: what each is known for, and a source for every number."""

from math import ceil

import numpy as np
import pytest

from crisp_hw import api
from crisp_hw.accelerators.schema import NO_SOURCE, Level
from crisp_hw.spec.descriptors import PrunedLayer, PrunedModel
from crisp_hw.spec.layer import Layer, Workload
from crisp_hw.spec.patterns import NM

CONV = Layer("conv", "conv2d", 64, 64, (3, 3), padding=(1, 1), input_size=(16, 16))
DEPTHWISE = Layer("depthwise", "conv2d", 32, 32, (3, 3), padding=(1, 1), groups=32, input_size=(8, 8))
LINEAR = (Layer("fc", "linear", 64, 256), Layer("tokens", "linear", 64, 64, tokens=8))
NETWORK = Workload("small", (CONV, DEPTHWISE, *LINEAR))


def found(arch, layer, nm=None, **options):
    """One layer on an accelerator, whose weights are dense or obey N:M."""
    source = api.WorkloadPattern(Workload("one", (layer,)), nm)
    return api.evaluate(source, arch, cache=False, **options).network.rows[0]


def product(rows, columns, positions):
    return Layer("product", "linear", rows, columns, tokens=positions)


@pytest.mark.parametrize("name", api.list_arch())
def test_every_number_has_a_source(name):
    assert NO_SOURCE not in api.load_arch(name).sources.values()


@pytest.mark.parametrize("name", sorted({*api.list_arch()} - {"dense", "stc", "dstc", "crisp-stc"}))
def test_every_kind_of_layer_runs(name):
    network = api.evaluate(api.WorkloadPattern(NETWORK, NM(2, 4)), name, cache=False).network
    rows, skipped = (
        network.rows,
        {each.name for each in network.skipped if each.reason == api.load_arch(name).runs.skips},
    )
    run = [layer.name for layer in NETWORK.layers if f"{layer.name} on {name}" not in skipped]
    assert {"fc", "tokens"} <= {*run} and [row.descriptor.layer.name for row in rows] == run
    assert all(0 < row.result.cycles <= row.dense.cycles and row.result.energy_pj > 0 for row in rows)


# Sparseloop (MICRO 2022), figure 15: STC_flexible over TC at 42 words/cycle and 1024 MACs
TALL, WIDE = (128, 1152, 1024), (512, 128, 1024)
FIGURE_15 = [(TALL, NM(2, 4), 2.0), (TALL, NM(2, 6), 2.10), (TALL, NM(2, 8), 2.21)]
FIGURE_15 += [(WIDE, NM(2, 4), 2.0), (WIDE, NM(2, 6), 1.87), (WIDE, NM(2, 8), 2.21)]


@pytest.mark.parametrize(("sizes", "nm", "speedup"), FIGURE_15)
def test_the_flexible_core_is_within_three_percent_of_figure_15(sizes, nm, speedup):
    assert found("stc-flexible", product(*sizes), nm).speedup == pytest.approx(speedup, rel=0.03)


def test_a_systolic_array_computes_every_zero():
    layer = product(256, 512, 256)
    dense, sparse = found("systolic", layer), found("systolic", layer, NM(1, 4))
    assert dense.result.cycles == sparse.result.cycles == layer.macs // 256


@pytest.mark.parametrize(("nm", "speedup"), [(NM(4, 4), 1), (NM(3, 4), 1), (NM(2, 4), 2), (NM(1, 4), 4)])
def test_a_matrix_engine_for_n_of_4_takes_what_is_kept(nm, speedup):
    assert found("vegeta", product(256, 1024, 64), nm).speedup == speedup  # paper: 1.09, -, 2.20, 3.74 over another


@pytest.mark.parametrize(
    ("kinds", "speedup"), [((1,), 4), ((2,), 2), ((1, 2), 32 / 13), ((1, 4), 16 / 11), ((1, 1, 2, 4), 2), ((4, 3), 1)]
)
def test_rows_of_different_n_of_4_share_the_lanes_of_a_matrix_engine(kinds, speedup):
    """1024 columns: rows of 1:4 and 2:4 take 84 at once (32 lanes over 3/8, in whole groups), in 13 steps for 32."""
    mask = np.array([np.arange(1024) % 4 < kinds[row % len(kinds)] for row in range(256)])
    network = PrunedModel("rows", (PrunedLayer(product(256, 1024, 64), "nm", mask),))
    (row,) = api.evaluate(network, "vegeta", cache=False).network.rows
    assert row.speedup == pytest.approx(speedup)


def two_ranks(outer):
    """A mask of 2:4 in `outer` of every 8 groups."""
    groups = np.arange(1024) // 4 % 8 < outer
    row = groups & (np.arange(1024) % 4 < 2)
    return PrunedModel("ranks", (PrunedLayer(product(256, 1024, 1024), "nm", np.tile(row, (256, 1)), NM(2, 4)),))


@pytest.mark.parametrize(("outer", "speedup"), [(2, 4.0), (4, 4.0), (8, 2.0)])
def test_both_ranks_of_zeros_are_skipped(outer, speedup):
    (row,) = api.evaluate(two_ranks(outer), "highlight", cache=False).network.rows
    assert row.speedup == pytest.approx(speedup, rel=0.01)


def test_zeros_of_activations_save_energy_but_no_time_where_they_are_gated():
    rows = [found(name, CONV, activation_density=each) for name in ("eyeriss-v1", "highlight") for each in (1.0, 0.4)]
    for full, sparse in (rows[:2], rows[2:]):
        assert sparse.result.cycles == full.result.cycles and sparse.result.energy_pj < full.result.energy_pj


@pytest.mark.parametrize("density", [0.3, 0.5, 0.6, 1.0])
def test_time_follows_the_activations_of_a_block(density):
    row = found("s2ta", product(64, 512, 256), NM(4, 8), activation_density=density)
    assert row.result.cycles == ceil(row.dense.cycles * ceil(8 * density) / 8)


@pytest.mark.parametrize(("kept", "nm"), [(1.0, None), (0.5, NM(2, 4))])
def test_a_pe_skips_zeros_of_weights_and_of_activations(kept, nm):
    row = found("eyeriss-v2-pe", product(32, 64, 16), nm, activation_density=0.5)
    assert row.result.cycles == pytest.approx(row.dense.cycles * kept * 0.5, rel=0.01)


def test_tiles_of_real_kernels_are_an_option(tmp_path):
    """16 x 8 x 32 pads 100 x 50 x 49 to 112 x 64 x 56; nothing of it stands in the shipped file's results."""
    file = tmp_path / "kernels.yaml"
    tiles = "parameters: {tile_rows: 16, tile_positions: 8, tile_columns: 32}"
    file.write_text(f"schema: crisp-hw/arch/2\nname: kernels\nextends: stc\n{tiles}\n", encoding="utf-8")
    plain, padded = (found(arch, product(100, 50, 49), NM(2, 4)) for arch in ("stc", str(file)))
    sizes = dict(zip(padded.point.design.problem.dims, padded.point.design.problem.bounds, strict=True))
    assert (sizes["G"] * sizes["M"] % 16, sizes["N"] % 8, sizes["K"] % 32) == (0, 0, 0)
    assert padded.result.cycles > plain.result.cycles
    assert any("a multiple of 32" in text for text in padded.point.assumptions)
    assert not any("a multiple of 32" in text for text in plain.point.assumptions)


def test_sources_stand_in_the_order_of_the_schema():
    names = [key.removeprefix("SMEM.") for key in api.load_arch("crisp-stc").sources if key.startswith("SMEM.")]
    order = dict.fromkeys("size" if name.startswith("size_") else name for name in Level.model_fields)
    assert len(names) > 5 and names == [name for name in order if name in names]
