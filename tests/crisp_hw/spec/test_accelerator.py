"""Changing numbers of an accelerator: what changes, what stays, what is refused."""

import pytest

from crisp_hw.accelerators import load_arch
from crisp_hw.errors import InputError
from crisp_hw.spec.accelerator import replaceable
from crisp_hw.spec.constraints import Factor


@pytest.fixture(scope="module")
def crisp():
    return load_arch("crisp-stc")


def test_bandwidth_sets_both_directions_and_leaves_the_original(crisp):
    wide = crisp.replace(smem_bandwidth=32)
    assert (wide.architecture.level("SMEM").read_bandwidth, wide.architecture.level("SMEM").write_bandwidth) == (32, 32)
    assert crisp.architecture.level("SMEM").read_bandwidth == 24
    assert wide.sources["SMEM.read_bandwidth"] == "set by the caller"
    assert wide.sources["SMEM.size"] == crisp.sources["SMEM.size"]


def test_one_direction_alone_and_no_limit(crisp):
    level = crisp.replace(smem_read_bandwidth=None, rf_write_bandwidth=2.5).architecture.level
    assert (level("SMEM").read_bandwidth, level("SMEM").write_bandwidth) == (None, 24)
    assert (level("RF").read_bandwidth, level("RF").write_bandwidth) == (None, 2.5)


def test_sizes_in_kb_and_in_words_agree(crisp):
    assert crisp.replace(smem_kb=512).architecture == crisp.replace(smem_size_words=524288).architecture
    fixed = load_arch("crisp-stc", energy="fabric-45nm")
    assert fixed.replace(smem_size_words=None).architecture.level("SMEM").size_words is None


def test_a_change_without_energies_is_refused(crisp):
    with pytest.raises(InputError, match="level SMEM: an SRAM without a size has no energy per access"):
        crisp.replace(smem_size_words=None)


def test_cores_scale_everything_below_and_what_they_share(crisp):
    big = crisp.replace(cores=8)
    assert big.cores == 8
    assert [level.instances for level in big.architecture.levels] == [512, 8, 1, 1]
    assert (big.architecture.compute.mesh_x, big.architecture.compute.mesh_y) == (4, 128)
    assert big.architecture.fanouts == ((1, 1), (4, 16), (1, 8), (1, 1))
    shares = [c for c in big.constraints.levels if c.level == "SMEM" and c.kind == "spatial"]
    assert [(c.factors["G"], c.factors["M"]) for c in shares] == [(Factor("<=", 8), Factor("<=", 8))]


def test_one_core_and_back(crisp):
    assert crisp.replace(cores=1).cores == 1
    assert crisp.replace(cores=2).replace(cores=4).architecture == crisp.architecture


@pytest.mark.parametrize(("energy", "said"), [(None, "are those of the changed"), ("fabric-45nm", "stay those of the")])
def test_every_change_says_what_energies_do(energy, said):
    before = load_arch("crisp-stc", energy)
    notes = before.replace(cores=2, rf_kb=2).notes
    assert len(notes) == len(before.notes) + 2
    assert all(f"energies per action {said}" in note for note in notes[-2:])


def test_unknown_keyword_lists_the_valid_ones(crisp):
    with pytest.raises(InputError, match="unknown parameter smem_ports; valid: cores, lrf_bandwidth") as caught:
        crisp.replace(smem_ports=2)
    assert all(name in str(caught.value) for name in replaceable(crisp))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"smem_bandwidth": 0}, "smem_bandwidth must be a positive number, not 0"),
        ({"smem_bandwidth": float("nan")}, "must be a positive number"),
        ({"rf_kb": None}, "rf_kb must be a positive number, not None"),
        ({"rf_kb": True}, "rf_kb must be a positive number, not True"),
        ({"smem_size_words": 100}, r"smem_size_words=100 is not a whole number of vectors \(32 words of 8 bits\)"),
        ({"cores": 2.5}, "cores must be a whole number, not 2.5"),
        ({"cores": None}, "cores must be a positive number"),
    ],
)
def test_bad_values_are_named(crisp, change, message):
    with pytest.raises(InputError, match=message):
        crisp.replace(**change)
