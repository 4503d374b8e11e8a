"""One sentence per rule, made of its fields."""

import copyreg
import pickle

import pytest

from crisp_hw.errors import MappingError, Where
from crisp_hw.spec.rules import UNITS, Failure, Rule, Unmappable, misfit, same_rule, sentence

SENTENCES = {
    Failure(Rule.CAPACITY, "SMEM", need=300.4, have=256.0): "level SMEM: 300 words of capacity needed, 256 there",
    Failure(Rule.METADATA_CAPACITY, "L1", need=64.0, have=48.0): (
        "level L1: 64 bits of metadata capacity needed, 48 there"
    ),
    Failure(Rule.MIN_UTILIZATION, "L1", need=57.0, have=56.0): "level L1: 57 words in use needed, 56 there",
    Failure(Rule.INSTANCES, "MAC", need=8.0, have=2.0): "level MAC: 8 instances needed, 2 there",
    Failure(Rule.INSTANCES_X, "MAC", need=4.0, have=2.0): "level MAC: 4 instances along x needed, 2 there",
    Failure(Rule.INSTANCES_Y, "MAC", need=2.0, have=1.0): "level MAC: 2 instances along y needed, 1 there",
    Failure(Rule.LANES, "RF", need=5.0, have=4.0): "level RF: 5 lanes needed, 4 there",
    Failure(Rule.LANES_X, "RF", need=24.0, have=16.0): "level RF: 24 lanes along x per parent needed, 16 there",
    Failure(Rule.LANES_Y, "RF", need=24.0, have=16.0): "level RF: 24 lanes along y per parent needed, 16 there",
    Failure(Rule.FORMAT_RANKS, "L0", "A", have=1.0, other="M, K"): (
        "level L0: the format of A has 1 ranks but the mapping needs more (loops over M, K have none); add ranks or "
        "flatten dimensions"
    ),
    Failure(Rule.ALIGNED_RANKS, "L1", "A"): (
        "level L1: the ranks of A do not begin with those of the level below, which takes its tiles ready-made; give "
        "both the same inner ranks"
    ),
    Failure(Rule.SPLIT_TILES, "L1", "A", 3.0, 2.0, "L0"): (
        "level L1: A has 2 ranks there and 3 in L0; cutting packed tiles up on the way is not supported, give it as "
        "many ranks in L1"
    ),
    Failure(Rule.PACKED_INSIDE, "L1", "A", other="L0"): (
        "level L1: A lies unpacked there and packed in L0, which Timeloop does not model; give it a packed format in "
        "L1, or none in L0"
    ),
    Failure(Rule.DECOMPRESSION, "L0", "A", other="L1"): (
        "level L0: decompression of A, packed in L1, is needed but not supported; set decompression_supported, or give "
        "it a packed format there"
    ),
    Failure(Rule.COMPRESSION, "L0", "Z", other="L1"): (
        "level L0: compression of Z towards L1 is needed but not supported; set compression_supported, or give it a "
        "packed format there"
    ),
    Failure(Rule.SAF_CONTRADICTION, ""): (
        "the SAFs remove more computes than the zeros of the operands allow, or all of them (an operand would be "
        "nonzero with probability above 1), and Timeloop stops there; let the SAF look at smaller tiles"
    ),
    Failure(Rule.BAND_PROBABILITY, "L0"): (
        "level L0: Timeloop's probabilities of tiles of the band add up to more than 1, so that a negative number of "
        "instances would be at work; give a narrower band, or larger tiles"
    ),
    Failure(Rule.BAND_LEADER, "L0", "A", other="B"): (
        "level L0: one access to A covers more than the banded matrix B, where Timeloop divides by zero; choose "
        "smaller blocks, or another leader"
    ),
    Failure(Rule.OUTPUT_GAPS, "L1", "Z", 3.0, 0.0): (
        "level L1: not every word of Z is updated, and Timeloop stops there; give its ranks no coefficients above 1"
    ),
    Failure(Rule.ENDLESS, "L1"): ("level L1: its bandwidth makes a run of more cycles than can be counted; widen it"),
    Failure(Rule.TIMELESS, "L0"): (
        "level L0: less than one MAC is at work on average, which Timeloop counts as 0 cycles and divides by; lift the "
        "level's bandwidth limit, or use more MACs"
    ),
    Failure(Rule.NO_CYCLES, ""): (
        "less than one MAC is at work on average, which Timeloop counts as 0 cycles, so that no mapping can be "
        "recommended; give the operands more nonzeros, or let fewer lanes run at once"
    ),
}


@pytest.mark.parametrize(("failure", "said"), SENTENCES.items(), ids=[failure.rule for failure in SENTENCES])
def test_each_rule_has_one_sentence(failure, said):
    assert sentence(failure) == said


def test_every_rule_is_in_the_table():
    assert [failure.rule for failure in SENTENCES] == list(Rule)


WORDS = Failure(Rule.CAPACITY, "SMEM", need=300.0, have=256.0)


@pytest.mark.parametrize(
    ("reference", "same"),
    [
        (Failure(Rule.CAPACITY, "SMEM"), True),
        (Failure(Rule.CAPACITY, "SMEM", need=300.2, have=256.0), True),
        (Failure(Rule.CAPACITY, "SMEM", need=300.0, have=255.0), False),
        (Failure(Rule.CAPACITY, "SMEM", "A", 300.0, 256.0), False),
        (Failure(Rule.CAPACITY, "RF", need=300.0, have=256.0), False),
        (Failure(Rule.INSTANCES, "SMEM", need=300.0, have=256.0), False),
    ],
)
def test_rules_are_compared_by_fields(reference, same):
    assert same_rule(WORDS, reference) is same


def test_an_error_carries_what_it_is_about():
    broken = Failure(Rule.DECOMPRESSION, "L0", "A", other="L1")
    error = Unmappable(broken)
    assert (error.reason, error.at) == (
        "decompression of A, packed in L1, is needed but not supported",
        Where("architecture", "L0"),
    )
    assert error.hint == "set decompression_supported, or give it a packed format there"
    assert error.failures == (broken,)
    several = misfit((WORDS, broken), Where("mapping"))
    assert str(several) == f"mapping: it does not fit: {sentence(WORDS)}; {sentence(broken)}"
    assert several.failures == (WORDS, broken)


def test_an_axis_that_is_too_short_names_the_option_that_uses_both():
    one, all_of = (Failure(rule, "MAC", need=64.0, have=14.0) for rule in (Rule.INSTANCES_X, Rule.INSTANCES))
    assert "level MAC: 64 instances along x needed, 14 there; a dimension" in str(misfit([one]))
    assert misfit([one]).hint.endswith("`crisp-hw map --both-axes` finds mappings that use both for one")
    assert misfit([one, all_of]).hint == misfit([WORDS]).hint == ""


@pytest.mark.parametrize("error", [Unmappable(WORDS), misfit((WORDS,)), MappingError("x", failures=(WORDS,))])
def test_errors_of_other_processes_keep_their_fields(error):
    again = pickle.loads(pickle.dumps(error.within("layer a on dense")))
    assert type(again) is type(error)
    assert (again.failures, again.context) == ((WORDS,), "layer a on dense")
    assert str(again) == f"layer a on dense: {error}"


@pytest.mark.parametrize("error", [Unmappable(WORDS), misfit((WORDS,)), MappingError("x", failures=(WORDS,))])
def test_adding_what_was_done_leaves_the_error_alone_whatever_libraries_do_to_copies(error):
    """Dask's tblib registers a way to copy exceptions of which the copies share their fields."""
    before = str(error)
    copyreg.pickle(type(error), lambda it: (_with_fields_of, (type(it), it.args, it.__dict__)))
    try:
        assert str(error.within("layer a on dense")) == f"layer a on dense: {before}"
    finally:
        del copyreg.dispatch_table[type(error)]
    assert str(error) == before


def _with_fields_of(kind, args, fields):
    made = kind.__new__(kind, *args)
    made.__dict__ = fields
    return made


def test_units_are_words_of_different_rules():
    assert len(set(UNITS.values())) == len(UNITS)
