"""What an explanation is: sections of steps, each with a sentence, a formula, the numbers in it, and what they give."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class ExplanationStep:
    """One number, or one fact where `result` is None.

    `formula` stands in the symbols of docs/model.md, `values` is the same with the numbers in it. `figure` is the name
    of the number in `Result` (TensorCounts, LevelResult, ComputeResult): "reads", "accesses.random_reads", ...; empty
    for what lies on the way.
    """

    text: str
    result: float | None = None
    unit: str = ""
    formula: str = ""
    values: str = ""
    figure: str = ""


@dataclass(frozen=True)
class Section:
    """Steps that belong together, and the section of docs/model.md that states their formulas."""

    title: str
    see: str
    steps: tuple[ExplanationStep, ...]


@dataclass(frozen=True)
class Explanation:
    """How the numbers of one subject ("SMEM.A", "SMEM", "MAC", "cycles", "energy") came about.

    `summary` gives the answer first; `notes` are the assumptions and warnings of the result.
    """

    subject: str
    summary: tuple[str, ...]
    sections: tuple[Section, ...]
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """The text that `--explain` prints, wherever it stands alone."""
        from crisp_hw.explanation.text import plain_text

        return plain_text(self).rstrip("\n")

    def steps(self) -> Iterator[ExplanationStep]:
        """All steps, in order."""
        return (step for section in self.sections for step in section.steps)

    @property
    def figures(self) -> dict[str, float]:
        """Every number of the Result that is explained, by its name there."""
        return {step.figure: step.result for step in self.steps() if step.figure and step.result is not None}
