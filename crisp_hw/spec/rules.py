"""The rules that a mapping must obey, and a broken one as a value; its sentence is made here alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from crisp_hw.errors import MappingError, Where


class Rule(StrEnum):
    """What makes a mapping invalid (docs/model.md, section 9; docs/errors.md); the value is the name in JSON."""

    CAPACITY = "capacity"
    METADATA_CAPACITY = "metadata_capacity"
    MIN_UTILIZATION = "min_utilization"
    INSTANCES = "instances"
    INSTANCES_X = "instances_x"
    INSTANCES_Y = "instances_y"
    LANES = "lanes"
    LANES_X = "lanes_x"
    LANES_Y = "lanes_y"
    FORMAT_RANKS = "format_ranks"
    ALIGNED_RANKS = "aligned_ranks"
    SPLIT_TILES = "split_tiles"
    PACKED_INSIDE = "packed_inside"
    DECOMPRESSION = "decompression"
    COMPRESSION = "compression"
    SAF_CONTRADICTION = "saf_contradiction"
    BAND_PROBABILITY = "band_probability"
    BAND_LEADER = "band_leader"
    OUTPUT_GAPS = "output_gaps"
    ENDLESS = "endless"
    TIMELESS = "timeless"
    NO_CYCLES = "no_cycles"


UNITS = {
    Rule.CAPACITY: "words of capacity",
    Rule.METADATA_CAPACITY: "bits of metadata capacity",
    Rule.MIN_UTILIZATION: "words in use",
    Rule.INSTANCES: "instances",
    Rule.INSTANCES_X: "instances along x",
    Rule.INSTANCES_Y: "instances along y",
    Rule.LANES: "lanes",
    Rule.LANES_X: "lanes along x per parent",
    Rule.LANES_Y: "lanes along y per parent",
}
"""What `need` and `have` count, of the rules that compare two numbers."""

BOTH_AXES = "a dimension lies along one axis of a mesh; `crisp-hw map --both-axes` finds mappings that use both for one"

_REASONS = {
    Rule.FORMAT_RANKS: (
        "the format of {tensor} has {have:.0f} ranks but the mapping needs more (loops over {other} have none)",
        "add ranks or flatten dimensions",
    ),
    Rule.ALIGNED_RANKS: (
        "the ranks of {tensor} do not begin with those of the level below, which takes its tiles ready-made",
        "give both the same inner ranks",
    ),
    Rule.SPLIT_TILES: (
        "{tensor} has {have:.0f} ranks there and {need:.0f} in {other}",
        "cutting packed tiles up on the way is not supported, give it as many ranks in {level}",
    ),
    Rule.PACKED_INSIDE: (
        "{tensor} lies unpacked there and packed in {other}, which Timeloop does not model",
        "give it a packed format in {level}, or none in {other}",
    ),
    Rule.DECOMPRESSION: (
        "decompression of {tensor}, packed in {other}, is needed but not supported",
        "set decompression_supported, or give it a packed format there",
    ),
    Rule.COMPRESSION: (
        "compression of {tensor} towards {other} is needed but not supported",
        "set compression_supported, or give it a packed format there",
    ),
    Rule.SAF_CONTRADICTION: (
        "the SAFs remove more computes than the zeros of the operands allow, or all of them (an operand would be "
        "nonzero with probability above 1), and Timeloop stops there",
        "let the SAF look at smaller tiles",
    ),
    Rule.BAND_PROBABILITY: (
        "Timeloop's probabilities of tiles of the band add up to more than 1, so that a negative number of instances "
        "would be at work",
        "give a narrower band, or larger tiles",
    ),
    Rule.BAND_LEADER: (
        "one access to {tensor} covers more than the banded matrix {other}, where Timeloop divides by zero",
        "choose smaller blocks, or another leader",
    ),
    Rule.OUTPUT_GAPS: (
        "not every word of {tensor} is updated, and Timeloop stops there",
        "give its ranks no coefficients above 1",
    ),
    Rule.ENDLESS: ("its bandwidth makes a run of more cycles than can be counted", "widen it"),
    Rule.TIMELESS: (
        "less than one MAC is at work on average, which Timeloop counts as 0 cycles and divides by",
        "lift the level's bandwidth limit, or use more MACs",
    ),
    Rule.NO_CYCLES: (
        "less than one MAC is at work on average, which Timeloop counts as 0 cycles, so that no mapping can be "
        "recommended",
        "give the operands more nonzeros, or let fewer lanes run at once",
    ),
}
"""Reason and next step of the rules that compare no numbers."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One rule that a mapping breaks.

    `level` is the level that breaks it, empty where it is a matter of the whole mapping; `tensor` the tensor that it
    is about, if it is about one. `need` and `have` are in the unit of `UNITS`, or ranks, or words (a gap's); None for
    rules without numbers. `other` names what else the rule speaks of: the level that the tensor comes from or goes to,
    the dimensions without ranks, or the leader of a SAF.
    """

    rule: Rule
    level: str
    tensor: str | None = None
    need: float | None = None
    have: float | None = None
    other: str = ""


def sentence(failure: Failure) -> str:
    """A broken rule in words, with the numbers and the next step.

    >>> sentence(Failure(Rule.CAPACITY, "SMEM", need=300.0, have=256.0))
    'level SMEM: 300 words of capacity needed, 256 there'
    """
    reason, hint = _parts(failure)
    said = f"{reason}; {hint}" if hint else reason
    return f"level {failure.level}: {said}" if failure.level else said


def same_rule(ours: Failure, reference: Failure) -> bool:
    """Is it the same rule in the same place, with the same whole numbers, as far as the reference tells them?

    >>> ours = Failure(Rule.CAPACITY, "SMEM", need=300.0, have=256.0)
    >>> same_rule(ours, ours), same_rule(ours, Failure(Rule.CAPACITY, "SMEM", need=301.0, have=256.0))
    (True, False)
    """
    if (ours.rule, ours.level) != (reference.rule, reference.level):
        return False
    if reference.tensor is not None and ours.tensor != reference.tensor:
        return False
    numbers = ((ours.need, reference.need), (ours.have, reference.have))
    return all(theirs is None or _whole(mine) == _whole(theirs) for mine, theirs in numbers)


def _whole(number: float | None) -> int | None:
    return None if number is None else round(number)


class Unmappable(MappingError):
    """A mapping that cannot be evaluated at all, because of one rule."""

    def __init__(self, failure: Failure) -> None:
        reason, hint = _parts(failure)
        super().__init__(reason, Where("architecture", failure.level), hint, failures=(failure,))
        self.failure = failure

    def __reduce__(self) -> tuple[type["Unmappable"], tuple[Failure], dict[str, object]]:
        return type(self), (self.failure,), self.__dict__


def misfit(failures: Sequence[Failure], at: Where | None = None) -> MappingError:
    """The error of a mapping that breaks some rules: all of them in one sentence.

    Where an axis is too short and no instances are missing, the next step is to use the other axis as well.
    """
    rules = {failure.rule for failure in failures}
    hint = BOTH_AXES if rules & {Rule.INSTANCES_X, Rule.INSTANCES_Y} and Rule.INSTANCES not in rules else ""
    return MappingError(f"it does not fit: {'; '.join(map(sentence, failures))}", at, hint, failures=failures)


def _parts(failure: Failure) -> tuple[str, str]:
    """Reason and next step."""
    if failure.rule in UNITS:
        return f"{failure.need:.0f} {UNITS[failure.rule]} needed, {failure.have:.0f} there", ""
    reason, hint = (text.format(**_fields(failure)) for text in _REASONS[failure.rule])
    return reason, hint


def _fields(failure: Failure) -> dict[str, object]:
    return {name: getattr(failure, name) for name in ("level", "tensor", "need", "have", "other")}
