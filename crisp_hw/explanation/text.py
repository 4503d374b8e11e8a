"""An explanation as text: a sentence, then the equation that ends in its figure."""

import math
import re
from collections.abc import Iterator
from dataclasses import asdict
from textwrap import TextWrapper
from typing import Any

from crisp_hw.explanation.arithmetic import number
from crisp_hw.explanation.nouns import Explanation, ExplanationStep
from crisp_hw.explanation.subject import explain
from crisp_hw.spec.design import DesignPoint

WIDTH = 120
SCHEMA = "crisp-hw/explanation/1"
LOOP = re.compile(r"\w+ [\d,]+ \(\w+, (in time|across [xy])\)")
GLUE = "\u00a0"
Line = tuple[str, str]
"""A line and what it is: title, see, answer, text, equation, result, note."""


def explanation_text(point: DesignPoint, what: str) -> str:
    """The explanation of a subject as plain text; raises as `explain`."""
    return plain_text(explain(point, what))


def plain_text(explanation: Explanation) -> str:
    """Lines of at most 120 characters.

    >>> print(plain_text(Explanation("SMEM.A", ("reads: 4 words",), ())))
    SMEM.A
      reads: 4 words
    <BLANKLINE>
    """
    return "\n".join(line for line, _ in lines(explanation)) + "\n"


def lines(explanation: Explanation) -> Iterator[Line]:
    """Every line with its kind."""
    yield explanation.subject, "title"
    for sentence in explanation.summary:
        yield from ((line, "answer") for line in _folded(sentence, 2))
    for section in explanation.sections:
        yield "", "text"
        yield section.title, "title"
        yield f"  {section.see}", "see"
        formula = ""
        for step in section.steps:
            yield from _step_lines(step, again=step.formula == formula)
            formula = step.formula
    if explanation.notes:
        yield "", "text"
        yield "Remember", "title"
        for note in explanation.notes:
            yield from ((line, "note") for line in _folded(f"- {note}", 2))


def content(explanation: Explanation) -> dict[str, Any]:
    """The explanation for programs, numbers in full precision.

    >>> content(Explanation("MAC", (), ()))["subject"]
    'MAC'
    """
    return {"schema": SCHEMA, **_finite({**asdict(explanation), "figures": explanation.figures})}


def _finite(value: Any) -> Any:
    """JSON knows no endless numbers: they become null."""
    match value:
        case dict():
            return {key: _finite(each) for key, each in value.items()}
        case list() | tuple():
            return [_finite(each) for each in value]
        case float() if not math.isfinite(value):
            return None
    return value


def records(explanation: Explanation) -> list[dict[str, str | float | None]]:
    """One record per step."""
    return [
        {"section": section.title, "see": section.see, **asdict(step)}
        for section in explanation.sections
        for step in section.steps
    ]


def result_text(step: ExplanationStep) -> str:
    """The result with its unit."""
    if step.result is None:
        return ""
    return f"{number(step.result)} {singular(step.unit) if step.result == 1 else step.unit}".rstrip()


def singular(unit: str) -> str:
    """The unit of one.

    >>> singular("entries"), singular("deliveries"), singular("words"), singular("pJ")
    ('entry', 'delivery', 'word', 'pJ')
    """
    return f"{unit[:-3]}y" if unit.endswith("ies") else unit.removesuffix("s").replace("words/", "word/")


def _step_lines(step: ExplanationStep, again: bool) -> Iterator[Line]:
    """A sentence and its equation; one line where the formula stands in the step before."""
    result = result_text(step)
    if not step.formula or (again and step.values):
        values = f"{step.values}  =  " if step.formula and step.values != result.split(" ")[0] else ""
        line = f"{step.text}: {values}{result}" if result else step.text
        if not values or len(line) + 2 <= WIDTH:
            yield from ((part, "text") for part in _folded(line, 2))
        else:
            yield from ((part, "text") for part in _folded(step.text, 2))
            yield from ((part, "equation") for part in _folded(f"=  {values}{result}", 8))
        return
    yield from ((line, "text") for line in _folded(step.text, 2))
    parts = [step.formula, *([step.values] if step.values != result.split(" ")[0] else []), result]
    parts = [part for part in parts if part]
    joined = "  =  ".join(parts)
    if len(joined) + 6 <= WIDTH:
        yield f"      {joined}", "equation"
        return
    yield f"      {parts[0]}", "equation"
    for part in parts[1:]:
        yield from ((line, "equation") for line in _folded(f"=  {part}", 8))


def _folded(sentence: str, indent: int) -> list[str]:
    """Lines of a sentence; a loop, "K 32 (RF, across x)", stays on one line."""
    glued = LOOP.sub(lambda loop: loop[0].replace(" ", GLUE), sentence)
    first, next_ones = " " * indent, " " * (indent + 2)
    fold = TextWrapper(WIDTH, first, next_ones, break_long_words=False, break_on_hyphens=False)
    return [line.replace(GLUE, " ") for line in fold.wrap(glued)] or [""]
