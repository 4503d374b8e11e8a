"""`crisp-hw validate`: recorded reference cases against the embedded engine."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crisp_hw.cli.options import FormatOption
from crisp_hw.cli.output import check_output, output_option, show
from crisp_hw.command_line import voice

if TYPE_CHECKING:
    from crisp_hw.documents.document import Document
    from crisp_hw.report.records import Value
    from crisp_hw.validation import Agreement

SHORTFALL = 1  # exit code: compared, and too little agrees
LEAST_EQUAL = 0.97  # share of a family that must be equal; what is not equal must at least be close

CasesArgument = Annotated[list[Path], typer.Argument(help="Files of recorded cases, FAMILY.jsonl or FAMILY.jsonl.gz.")]
StrictOption = Annotated[bool, typer.Option("--strict", help="Demand that every case is equal; close is not enough.")]
PageOption = Annotated[
    Path | None,
    output_option("The file to write the page docs/validation.md to, too.", "--page"),
]


def validate(
    cases: CasesArgument,
    strict: StrictOption = False,
    page: PageOption = None,
    form: FormatOption = "table",
) -> None:
    """Compare the embedded engine with recorded runs of timeloop-model, and queues with those of their simulator.

    The exit code is 1 when too few of them agree.
    """
    from crisp_hw.machine.files import check_file
    from crisp_hw.machine.writing import write_all
    from crisp_hw.validation import holds
    from crisp_hw.validation import page as page_text
    from crisp_hw.validation import validate as compare_all
    from crisp_hw.validation.agreement import CASES

    for path in cases:  # before the first of them is compared, which takes a while
        check_file(path, CASES)
    check_output(page)
    found = compare_all(cases)
    if page is not None:
        write_all(page.parent, {page.name: page_text(found).encode()})
    show(_document(found), form)
    short = [each.family for each in found if (each.ids if strict else not holds(each, LEAST_EQUAL))]
    if short:
        voice.complain(f"too little agrees in {', '.join(short)}")
        raise typer.Exit(SHORTFALL)


def _document(found: "list[Agreement]") -> "Document":
    """A row per family, and the cases that are not equal as remarks."""
    from crisp_hw.documents.columns import table
    from crisp_hw.documents.document import Document
    from crisp_hw.spec.documents.verdicts import VALIDATION

    records: list[dict[str, Value]] = [
        {
            "family": each.family,
            "cases": each.cases,
            "equal": each.equal,
            "close": each.close,
            "different": each.different,
            "refused": each.refused,
            "worst_cycles": each.worst_cycles,
            "worst_energy": each.worst_energy,
        }
        for each in found
    ]
    unequal = tuple(f"{each.family}: {', '.join(each.ids)}" for each in found if each.ids)
    remarks = {
        "reading": ("worst: largest relative difference of total cycles and of total energy in a family",),
        "not equal": unequal,
    }
    content = {"schema": "crisp-hw/validation/1", "families": records, "not_equal": list(unequal)}
    return Document(
        "agreement with recorded runs", (table("agreement", VALIDATION.columns, records),), remarks, records, content
    )
