"""What a tool said when it did not deliver, in the project's words."""

import re
import signal

from crisp_hw.errors import CrispError


class ToolError(CrispError):
    """An outside tool is missing, died, hung or wrote something unreadable (exit code 4)."""

    exit_code = 4


NOT_MAPPED = re.compile(r"ERROR: couldn't map level (?P<level>[^:\n]+): (?P<why>[^\n]*)")
_WORDS = {
    r"mapped tile size (\d+) exceeds buffer capacity (\d+)": "{} words of capacity needed, {} there",
    r"mapped metadata tile size (\d+) exceeds metadata buffer capacity (\d+)": (
        "{} bits of metadata capacity needed, {} there"
    ),
    r"mapped (?:max Arithmetic )?instances ([\d.]+) exceeds (?:available )?hardware instances (\d+)": (
        "{} instances needed, {} there"
    ),
    r"mapped (?:max Arithmetic )?X expansion (\d+) exceeds (?:available )?hardware instances (\d+)": (
        "{} instances along x needed, {} there"
    ),
    r"mapped (?:max Arithmetic )?Y expansion (\d+) exceeds (?:available )?hardware instances (\d+)": (
        "{} instances along y needed, {} there"
    ),
    r"Required fanoutX (\d+) does not meet hardware constraint (\d+)": "{} lanes along x per parent needed, {} there",
    r"Required fanoutY (\d+) does not meet hardware constraint (\d+)": "{} lanes along y per parent needed, {} there",
    r"more compression ranks needed than supported in hardware. dataspace name: (\S+)": (
        "the format of {} has fewer ranks than the mapping has loops; give it more ranks"
    ),
}
"""Timeloop's reasons (model/*.cpp, sparse-analysis/representation-analyzer.cpp) in the embedded engine's words."""

_KEY = re.compile(r"ERROR: key not found: (?P<key>\S+), at line: (?P<line>\d+)")
_ERROR = re.compile(r"ERROR:\s*(?P<what>[^\n]+)")
_ASSERTION = re.compile(r"Assertion [`'](?P<what>.*)' failed")
_NOT_YAML = re.compile(r"YAML::ParserException'\s+what\(\):\s*(?:yaml-cpp: )?(?P<what>.+)")
_THROWN = re.compile(
    r"terminate called after throwing an instance of '(?P<kind>[^']+)'(?:\s+what\(\):\s*(?P<what>.+))?"
)


def rejections(log: str) -> tuple[str, ...]:
    """Why Timeloop calls the mapping invalid, level by level, in the words of the embedded engine; empty: it did not.

    >>> rejections("ERROR: couldn't map level SMEM: mapped tile size 300 exceeds buffer capacity 256")
    ('level SMEM: 300 words of capacity needed, 256 there',)
    """
    return tuple(f"level {found['level']}: {_in_words(found['why'])}" for found in NOT_MAPPED.finditer(log))


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


def _in_words(why: str) -> str:
    for pattern, words in _WORDS.items():
        if found := re.match(pattern, why):
            return words.format(*found.groups())
    return why.strip() or "does not fit, Timeloop does not say why"
