"""A reproduction as a document, and as files."""

from pathlib import Path

from crisp_hw.documents.columns import table
from crisp_hw.documents.document import Document, markdown_text
from crisp_hw.documents.tables import csv_text
from crisp_hw.machine.writing import write_all
from crisp_hw.spec.columns import Record
from crisp_hw.spec.documents.verdicts import REPRODUCTION, REPRODUCTION_BOUNDS
from crisp_hw.spec.reproduction import Bound, Claim, Reproduction


def reproduction_document(found: Reproduction) -> Document:
    """The claims with what was published, ours, the deviation and why; then what is judged over several of them.

    >>> reproduction_document(Reproduction("none", "Nothing", "nowhere", ())).content["holds"]
    True
    """
    claims, bounds = [_claim(each) for each in found.claims], [_bound(each) for each in found.bounds]
    remarks = {
        "reading": ("deviation: ours over the published figure, less one; within: is it allowed, if that is judged",),
        "source": (found.source,),
        "notes": found.notes,
    }
    content = {
        "schema": "crisp-hw/reproduction/1",
        "name": found.name,
        "title": found.title,
        "source": found.source,
        "holds": found.holds,
        "claims": claims,
        "bounds": bounds,
        "notes": list(found.notes),
    }
    tables = [table("claims", REPRODUCTION.columns, claims)]
    tables += [table("over several claims", REPRODUCTION_BOUNDS.columns, bounds)] if bounds else []
    return Document(found.title, tuple(tables), remarks, claims, content)


def save_reproduction(found: Reproduction, folder: Path, plot: bool = True) -> tuple[Path, ...]:
    """Write NAME.csv, NAME.md and, with `plot`, NAME.png into a folder, all or none."""
    document = reproduction_document(found)
    pictures: dict[str, bytes] = {}
    if plot and found.panels:
        from crisp_hw.report.figures.panels import panels
        from crisp_hw.report.figures.style import picture

        pictures[f"{found.name}.png"] = picture(panels(found))
    texts = {f"{found.name}.csv": csv_text(document.records), f"{found.name}.md": markdown_text(document, [*pictures])}
    return write_all(folder, {name: text.encode() for name, text in texts.items()} | pictures)


def _claim(each: Claim) -> Record:
    return {
        "claim": each.claim,
        "unit": each.unit,
        "published": each.published,
        "ours": each.ours,
        "deviation": each.deviation,
        "allowed": each.allowed,
        "within": _yes(each.within),
        "why": each.why or None,
    }


def _bound(each: Bound) -> Record:
    return {"figure": each.name, "value": each.value, "allowed": each.allowed, "within": _yes(each.within)}


def _yes(within: bool | None) -> str | None:
    return None if within is None else "yes" if within else "no"
