"""What a tool said when it did not deliver, in the project's words."""

import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass

from crisp_hw.errors import CrispError
from crisp_hw.spec.result import Result
from crisp_hw.spec.rules import Failure, Rule, sentence


class ToolError(CrispError):
    """An outside tool is missing, died, hung or wrote something unreadable (exit code 4)."""

    exit_code = 4


NOT_MAPPED = re.compile(r"couldn't map level (?P<level>[^:\n]+): (?P<why>[^\n]*)")
_NUMBERS = r"(?P<need>[\d.]+) (?:exceeds|does not meet) (?P<of>[a-z ]+) (?P<have>\d+)"
_RULES = {
    re.compile(f"{words} {_NUMBERS}"): rule
    for words, rule in (
        ("mapped tile size", Rule.CAPACITY),
        ("mapped metadata tile size", Rule.METADATA_CAPACITY),
        ("mapped (?:max Arithmetic )?instances", Rule.INSTANCES),
        ("mapped (?:max Arithmetic )?X expansion", Rule.INSTANCES_X),
        ("mapped (?:max Arithmetic )?Y expansion", Rule.INSTANCES_Y),
        ("Required fanoutX", Rule.LANES_X),
        ("Required fanoutY", Rule.LANES_Y),
    )
}
"""Timeloop's reasons (model/*.cpp) as rules."""
_RANKS = re.compile(r"more compression ranks needed than supported in hardware. dataspace name: (?P<tensor>\S+)")
_SHORTAGE = "the format of {tensor} has fewer ranks than the mapping has loops; give it more ranks"

_KEY = re.compile(r"ERROR: key not found: (?P<key>\S+), at line: (?P<line>\d+)")
_ERROR = re.compile(r"ERROR:\s*(?P<what>[^\n]+)")
_ASSERTION = re.compile(r"Assertion [`'](?P<what>.*)' failed")
_NOT_YAML = re.compile(r"YAML::ParserException'\s+what\(\):\s*(?:yaml-cpp: )?(?P<what>.+)")
_THROWN = re.compile(
    r"terminate called after throwing an instance of '(?P<kind>[^']+)'(?:\s+what\(\):\s*(?P<what>.+))?"
)


@dataclass(frozen=True)
class Rejection:
    """Why Timeloop calls a mapping invalid: as a sentence, and as a rule where it is one that the engine checks."""

    reason: str
    failure: Failure | None = None


def rejections(log: str) -> tuple[Rejection, ...]:
    """Why Timeloop calls the mapping invalid, level by level; empty: it did not.

    >>> (found,) = rejections("ERROR: couldn't map level SMEM: mapped tile size 300 exceeds buffer capacity 256")
    >>> found.reason
    'level SMEM: 300 words of capacity needed, 256 there'
    """
    return tuple(_rejection(found["level"], found["why"].strip()) for found in NOT_MAPPED.finditer(log))


def rejected(found: Sequence[Rejection], assumptions: tuple[str, ...]) -> Result:
    """The result of a mapping that Timeloop calls invalid."""
    failures = tuple(each.failure for each in found if each.failure is not None)
    return Result(False, tuple(each.reason for each in found), 0, 0.0, 0.0, None, (), assumptions, failures=failures)


def complaint(log: str) -> str | None:
    """What Timeloop says is wrong with the documents, None when it says nothing.

    >>> complaint("ERROR: key not found: mapping, at line: 0")
    "the key 'mapping' is missing (line 0 of the documents together)"
    """
    if key := _KEY.search(log):
        return f"the key {key['key']!r} is missing (line {key['line']} of the documents together)"
    if error := _ERROR.search(log):
        return error["what"].strip().rstrip(".")
    if not_yaml := _NOT_YAML.search(log):
        return f"they are not YAML ({not_yaml['what'].strip()})"
    return None


def crash(status: int, log: str) -> str | None:
    """How a program died of a signal, with the failed assertion or exception; None when it did not die of one.

    >>> crash(-6, "timeloop-model: a.cpp:7: void f(): Assertion `x > 0' failed.")
    'SIGABRT (failed assertion: x > 0)'
    """
    number = -status if status < 0 else status - 128  # a shell in between reports 128 + signal
    if number not in {each.value for each in signal.Signals}:
        return None
    name = signal.Signals(number).name
    if assertion := _ASSERTION.search(log):
        return f"{name} (failed assertion: {assertion['what']})"
    if thrown := _THROWN.search(log):
        return f"{name} (uncaught {thrown['kind']}: {(thrown['what'] or 'without a message').strip()})"
    return name


def _rejection(level: str, why: str) -> Rejection:
    for pattern, rule in _RULES.items():
        if found := pattern.match(why):
            failure = Failure(rule, level, need=float(found["need"]), have=float(found["have"]))
            return Rejection(sentence(failure), failure)
    if shortage := _RANKS.match(why):
        failure = Failure(Rule.FORMAT_RANKS, level, shortage["tensor"])  # how many are missing, it does not say
        return Rejection(f"level {level}: {_SHORTAGE.format(tensor=shortage['tensor'])}", failure)
    return Rejection(f"level {level}: {why or 'does not fit, Timeloop does not say why'}")
