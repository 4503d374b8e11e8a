"""More hardware, or fewer weights, never takes more cycles: whatever ran before can still be run."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import crisp_hw
from crisp_hw.spec.accelerator import Accelerator
from crisp_hw.spec.descriptors import PrunedLayer, PrunedModel
from crisp_hw.spec.layer import Layer
from crisp_hw.spec.patterns import NM

pytestmark = pytest.mark.slow
ALONE = crisp_hw.EvaluateOptions(cache=False)
SOME = settings(max_examples=8)  # each is several searches, a second and more


def cycles(pruned: PrunedLayer, accelerator: Accelerator, options: crisp_hw.EvaluateOptions = ALONE) -> int:
    (row,) = crisp_hw.evaluate(PrunedModel("one", (pruned,)), accelerator, options=options).network.rows
    return row.result.cycles


@st.composite
def layers(draw: st.DrawFn) -> Layer:
    rows, columns = draw(st.integers(1, 200)), draw(st.integers(1, 160))
    return Layer("x", "linear", columns, rows, tokens=draw(st.integers(1, 150)))


@st.composite
def masks(draw: st.DrawFn, layer: Layer) -> PrunedLayer:
    """2:4 or 1:4 in some blocks of 16, not all rows alike."""
    random = np.random.default_rng(draw(st.integers(0, 2**20)))
    rows, columns = layer.rows, layer.columns
    kept = draw(st.sampled_from((1, 2, 4)))
    places = random.random((rows, -(-columns // 4), 4)).argsort(axis=2) < kept
    mask = places.reshape(rows, -1)[:, :columns]
    live = random.random((-(-rows // 16), -(-columns // 16))) < draw(st.sampled_from((0.3, 0.7, 1.0)))
    live[:, 0] = True
    mask &= np.repeat(np.repeat(live, 16, axis=0), 16, axis=1)[:rows, :columns]
    mask[0, 0] = True
    return PrunedLayer(layer, "hybrid", mask, NM(2, 4), 16)


FEW = settings(max_examples=3)  # of every further file
FABRIC = ("crisp-stc", "dense", "dstc", "stc")
WITH_CORES = ("highlight", "stc-flexible")  # test_more_never_hurts.py has the PEs of others
ACCUMULATORS = {  # the size of a level of each, and what it is
    "highlight": ("levels.RF.size_kb", 2),
    "stc-flexible": ("levels.RF.size_kb", 2),
    "systolic": ("levels.Accumulators.size_kb", 64),
    "vegeta": ("levels.Tiles.size_words", 256),
}
OTHERS = sorted({*crisp_hw.list_arch()} - {*FABRIC})
drawn = layers().flatmap(masks)


@pytest.mark.parametrize("name", FABRIC)
@SOME
@given(drawn, st.integers(1, 6), st.integers(1, 3))
def test_more_cores_are_never_slower(name, pruned, few, more):
    arch = crisp_hw.load_arch(name)
    assert cycles(pruned, arch.replace(cores=few + more)) <= cycles(pruned, arch.replace(cores=few))


@pytest.mark.parametrize("name", WITH_CORES)
@FEW
@given(drawn, st.integers(1, 6), st.integers(1, 3))
def test_more_cores_of_others_are_never_slower(name, pruned, few, more):
    arch = crisp_hw.load_arch(name)
    assert cycles(pruned, arch.replace(cores=few + more)) <= cycles(pruned, arch.replace(cores=few))


@pytest.mark.parametrize("name", FABRIC)
@SOME
@given(drawn, st.integers(1, 16), st.integers(1, 16))
def test_more_accumulators_are_never_slower(name, pruned, few, more):
    arch = crisp_hw.load_arch(name)
    large, small = (arch.replace(rf_kb=count / 16) for count in (few + more, few))
    assert cycles(pruned, large) <= cycles(pruned, small)


@pytest.mark.parametrize("name", ACCUMULATORS)
@FEW
@given(drawn, st.integers(2, 8))
def test_more_accumulators_of_others_are_never_slower(name, pruned, times):
    arch, (path, size) = crisp_hw.load_arch(name), ACCUMULATORS[name]
    changed = arch.replace(**{path: times * size})
    assert cycles(pruned, changed) <= cycles(pruned, arch)


@pytest.mark.parametrize("name", OTHERS)
@FEW
@given(drawn, st.floats(0.0, 1.0), st.integers(0, 2**20))
def test_a_subset_of_the_mask_is_never_slower_on_others(name, pruned, share, seed):
    _subset_is_never_slower(name, pruned, share, seed)


@pytest.mark.parametrize("name", FABRIC)
@SOME
@given(drawn, st.floats(0.0, 1.0), st.integers(0, 2**20))
def test_a_subset_of_the_mask_is_never_slower(name, pruned, share, seed):
    _subset_is_never_slower(name, pruned, share, seed)


def _subset_is_never_slower(name, pruned, share, seed):
    fewer = pruned.mask & (np.random.default_rng(seed).random(pruned.mask.shape) < share)
    fewer[0, 0] = True
    sparser = PrunedLayer(pruned.layer, pruned.role, fewer, pruned.nm, pruned.block)
    arch = crisp_hw.load_arch(name)
    assert cycles(sparser, arch) <= cycles(pruned, arch)
