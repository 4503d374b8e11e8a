"""How much of an evaluation is printed: the totals and what they rest on, and what options add to that."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from crisp_hw.cli.output import Format, show
from crisp_hw.command_line import voice
from crisp_hw.command_line.options import WideOption

if TYPE_CHECKING:
    from crisp_hw.spec.evaluation import NetworkEvaluation

PerLayerOption = Annotated[bool, typer.Option("--per-layer", help="Show the tables by layer, too, below the totals.")]
NotesOption = Annotated[
    bool, typer.Option("--notes", help="Show every assumption, what was skipped and why, and what the columns mean.")
]
HEARD = {
    "table": ("--per-layer", "--notes", "--wide"),
    "md": ("--per-layer", "--notes", "--wide"),
    "csv": ("--notes",),  # which go to stderr
    "json": (),
}
"""Format -> options that show more in it; the others have everything in any case."""


__all__ = ["NotesOption", "PerLayerOption", "Shown", "WideOption", "say_unheard", "show_all"]


@dataclass(frozen=True)
class Shown:
    """The options of `crisp-hw evaluate` and `report` that show more."""

    per_layer: bool = False
    notes: bool = False
    wide: bool = False

    @property
    def options(self) -> dict[str, bool]:
        """Every option -> is it given?"""
        return {"--per-layer": self.per_layer, "--notes": self.notes, "--wide": self.wide}


def say_unheard(shown: Shown, form: Format, explain: str | None = None) -> None:
    """Name the options that have no effect on what is printed."""
    for name, given in shown.options.items():
        if given and explain is not None:
            voice.note(f"{name} has no effect beside --explain")
        elif given and name not in HEARD[form]:
            voice.note(f"{name} has no effect with --format {form}, which has everything")


def show_all(network: "NetworkEvaluation", form: Format, shown: Shown) -> None:
    """Print an evaluation, computed now or saved before."""
    from crisp_hw.report.evaluation import evaluation_document

    document = evaluation_document(network, shown.wide, per_layer=shown.per_layer, with_notes=shown.notes)
    left = [name for name, given in shown.options.items() if not given]
    show(replace(document, more=f"more: {', '.join(left)}" if left else ""), form, shown.wide)
