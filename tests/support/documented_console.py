"""Blocks of commands: each is run by bash, and what it prints is compared with what the page shows below it."""

import os
import re
import subprocess
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

PATIENCE = 900  # seconds; a limit that only a defect reaches
PROMPT = "$ "
# the folder of one command is that of the next, as in a terminal: `cd` lasts
SCRIPT = 'cd "$(cat "$STORY_PLACE")" || exit\n{command}\nended=$?; pwd > "$STORY_PLACE"; exit $ended'


@dataclass(frozen=True)
class Command:
    """A command with its continued lines, and what the page shows below it; empty where it shows nothing."""

    text: str
    shown: str


def commands(source: str) -> list[Command]:
    """The commands of a block.

    >>> commands("$ one \\\\\\n    --more\\nprinted\\n$ two")
    [Command(text='one \\\\\\n    --more', shown='printed'), Command(text='two', shown='')]
    """
    found: list[tuple[list[str], list[str]]] = []
    goes_on = False
    for line in source.splitlines():
        if line.startswith(PROMPT):
            found.append(([line.removeprefix(PROMPT)], []))
        elif not found:
            raise ValueError(f"a block of commands begins with {PROMPT!r}, not with {line!r}")
        else:
            found[-1][0 if goes_on else 1].append(line)
        goes_on = line.endswith("\\") and (goes_on or line.startswith(PROMPT))
    return [Command("\n".join(text), tidy("\n".join(shown))) for text, shown in found]


def run_console(source: str, place: Path, environment: dict[str, str], exit_code: int = 0) -> list[str]:
    """Run the commands of a block; a sentence for each that ends or prints otherwise than shown.

    They begin in the folder that the file `place` names, and leave theirs there.
    All but the last must end with 0, the last with `exit_code`. A command below which nothing is shown may print
    what it likes.
    """
    wrong = []
    given = commands(source)
    for number, command in enumerate(given, 1):
        ended = subprocess.run(
            ["bash", "-o", "pipefail", "-c", SCRIPT.format(command=command.text)],
            env={**os.environ, **environment, "STORY_PLACE": str(place)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
        )
        expected = exit_code if number == len(given) else 0
        if ended.returncode != expected:
            wrong.append(f"$ {command.text}: exit code {ended.returncode}, not {expected}\n{ended.stdout}")
        elif command.shown and not same(command.shown, ended.stdout):
            wrong.append(f"$ {command.text}: prints otherwise\n{difference(command.shown, ended.stdout)}")
    return wrong


def same(shown: str, printed: str) -> bool:
    """Whether a text is what the page shows; `...` alone on a line stands for lines, within a line for a part of it.

    >>> same("a\\n...\\nz 1.5", "a\\nb\\nc\\nz 1.5\\n"), same("took ... s", "took 1.25 s"), same("1.5", "1.6")
    (True, True, False)
    """
    pattern = ""
    for line in tidy(shown).splitlines():
        if line.strip() == "...":
            pattern += r"(?:[^\n]*\n)*?"
        else:
            pattern += r"[^\n]*?".join(re.escape(part) for part in line.split("...")) + r"\n"
    return re.fullmatch(pattern, tidy(printed) + "\n") is not None


def tidy(text: str) -> str:
    """Without blanks at the ends of lines, and without empty lines at its own ends."""
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")


def difference(shown: str, printed: str) -> str:
    """Both texts for a reader: lines with - are on the page, lines with + were printed."""
    return "\n".join(unified_diff(tidy(shown).splitlines(), tidy(printed).splitlines(), "page", "printed", lineterm=""))
