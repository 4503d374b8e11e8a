"""Documents about accelerators: every number with its source, the scheme, the constraints, the energies."""

from collections.abc import Iterator, Sequence

from crisp_hw.documents.columns import cell, plain, table
from crisp_hw.documents.document import Document, versions
from crisp_hw.report.records import Record, Value
from crisp_hw.spec.accelerator import Accelerator, replaceable
from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
from crisp_hw.spec.constraints import Constraints, Factor, LevelConstraint
from crisp_hw.spec.documents.hardware import (
    ACCELERATOR_ENERGIES,
    ACCELERATOR_LEVELS,
    ACCELERATOR_NUMBERS,
    ACCELERATORS,
)
from crisp_hw.spec.runs import Case

SCHEMA = "crisp-hw/accelerator/1"
UNITS = {
    "fanout_x": "below each parent",
    "fanout_y": "below each parent",
    "size": "words",
    "word_bits": "bits",
    "word_bits_a": "bits",
    "word_bits_b": "bits",
    "word_bits_z": "bits",
    "vector_words": "words",
    "read_bandwidth": "words/cycle",
    "write_bandwidth": "words/cycle",
    "metadata_width_bits": "bits",
    "metadata_depth": "entries",
    "banks": "banks",
    "ports": "ports",
}
"""Of every number of a level, in the order in which they are shown."""

QUEUE_UNITS = {"queue_slots": "columns", "index_bits": "bits", "line_entries": "entries"}


def accelerator_list(accelerators: Sequence[Accelerator]) -> Document:
    """One row per accelerator: name, scheme, MACs.

    >>> accelerator_list(()).records
    []
    """
    records: list[Record] = [
        {"name": each.name, "scheme": each.runs.does, "macs": each.architecture.compute.instances}
        for each in accelerators
    ]
    content = {"schema": "crisp-hw/accelerators/1", "accelerators": records}
    return Document(
        "accelerators", (table("accelerators", ACCELERATORS.columns, records),), records=records, content=content
    )


def accelerator_document(accelerator: Accelerator) -> Document:
    """Everything that an architecture file says; the records are its numbers and energies with their sources.

    >>> from crisp_hw.spec.arch import Architecture
    >>> tiny = Accelerator("tiny", Architecture((StorageLevel("RF", size_words=8),), ComputeLevel()))
    >>> [row["level"] for row in accelerator_document(tiny).content["levels"]]
    ['RF', 'MAC']
    """
    arch = accelerator.architecture
    levels = [*(_level_record(accelerator, level) for level in reversed(arch.levels)), _compute_record(arch.compute)]
    numbers, energies = list(_numbers(accelerator)), list(_energies(accelerator))
    remarks = {
        "scheme": (accelerator.runs.does,),
        "can be set": (", ".join(replaceable(accelerator)), ", ".join(accelerator.numbers)),
        "notes": tuple(map(plain, accelerator.notes)),
    }
    content = {
        "schema": SCHEMA,
        "name": accelerator.name,
        "versions": versions(),
        "scheme": {
            "does": accelerator.runs.does,
            "take": accelerator.runs.take,
            "cases": [_case_record(case) for case in accelerator.runs.cases],
        },
        "levels": levels,
        "numbers": numbers,
        "energies": energies,
        "notes": list(accelerator.notes),
    }
    tables = (
        table(f"{accelerator.name}: levels, outermost first", ACCELERATOR_LEVELS.columns, levels),
        table(f"{accelerator.name}: numbers", ACCELERATOR_NUMBERS.columns, map(_shown, numbers)),
        table(f"{accelerator.name}: energies in pJ per action", ACCELERATOR_ENERGIES.columns, _by_source(energies)),
    )
    first, *sources = tables
    return Document(
        accelerator.name, tuple(sources), {}, [*numbers, *energies], content, answer=(first,), summary=remarks
    )


def _case_record(case: Case) -> Record:
    """One case, as its formulas stand in the file."""
    return {
        "name": case.name,
        "when": None if case.when is None else case.when.text,
        "problem": case.problem,
        "exploits_zeros": case.exploits,
    }


def _level_record(accelerator: Accelerator, level: StorageLevel) -> Record:
    keeps = accelerator.constraints.keeps.get(level.name)
    loops = {
        b.kind: _loops(b, accelerator.constraints) for b in accelerator.constraints.levels if b.level == level.name
    }
    return {
        "level": level.name,
        "instances": level.instances,
        "size_words": level.size_words,
        "word_bits": level.word_bits,
        "vector_words": level.block_size,
        "read_bandwidth": level.read_bandwidth,
        "write_bandwidth": level.write_bandwidth,
        "keeps": " ".join(sorted(keeps)) if keeps is not None else None,
        "temporal": loops.get("temporal"),
        "spatial": loops.get("spatial"),
    }


def _loops(block: LevelConstraint, constraints: Constraints) -> str | None:
    """Dimensions that may have loops, innermost first, with their bounds; None when there are none."""
    every = dict.fromkeys(dim for each in constraints.levels for dim in (*each.permutation, *each.factors))
    ordered = dict.fromkeys((*block.permutation, *every))
    open_ = [dim for dim in ordered if block.factors.get(dim) != Factor("=", 1)]
    texts = [f"{d}{block.factors[d].relation}{block.factors[d].value}" if d in block.factors else d for d in open_]
    return (" ".join(texts) + (" (any order)" if block.order_free and len(texts) > 1 else "")) or None


def _compute_record(compute: ComputeLevel) -> Record:
    return {"level": compute.name, "instances": compute.instances, "word_bits": compute.word_bits}


def _numbers(accelerator: Accelerator) -> Iterator[Record]:
    """Every number that the architecture file gives, outermost level first."""
    arch = accelerator.architecture
    for part in (*(level.name for level in reversed(arch.levels)), arch.compute.name):
        for field, unit in UNITS.items():
            source = accelerator.sources.get(f"{part}.{field}")
            if source is not None:
                value = _value(arch, part, field)
                yield {"part": part, "field": field, "value": value, "unit": unit, "source": source}
    queues = {} if accelerator.queues is None else vars(accelerator.queues)
    for name, value in queues.items():
        source = accelerator.sources[f"imbalance.{name}"]
        yield {"part": "imbalance", "field": name, "value": value, "unit": QUEUE_UNITS[name], "source": source}
    for name, value in accelerator.runs.parameters.items():
        source = accelerator.sources.get(f"parameters.{name}", "set by the caller")
        yield {"part": "parameters", "field": name, "value": value, "unit": None, "source": source}


def _value(arch: Architecture, name: str, field: str) -> Value:
    """The number that a source speaks of; None where the level is unbounded or unlimited."""
    if field.startswith("fanout"):
        chain = [*(level.name for level in arch.levels), arch.compute.name]
        above = chain.index(name) + 1 if name in chain[:-1] else 0
        return arch.fanouts[above][field == "fanout_y"]
    if name == arch.compute.name:
        widths = arch.compute.operands
        own = {} if widths is None else dict(zip("abz", (widths.weights, widths.activations, widths.sums), strict=True))
        return own.get(field.removeprefix("word_bits_"), arch.compute.word_bits)
    level = arch.level(name)
    renamed = {"size": "size_words", "vector_words": "block_size"}.get(field, field)
    value: Value = getattr(level, renamed, None)
    return value


def _energies(accelerator: Accelerator) -> Iterator[Record]:
    for part, actions in accelerator.energy.actions.items():
        sources = accelerator.energy.sources.get(part, {})
        for action, pj in actions.items():
            source = sources.get(action, "not given")
            yield {"part": part, "field": action, "value": pj, "unit": "pJ", "source": source}


def _by_source(energies: Sequence[Record]) -> Iterator[Record]:
    """One row per component and source, because one array's source is long and holds for all its actions."""
    together: dict[tuple[Value, Value], list[str]] = {}
    for record in energies:
        key = (record["part"], record["source"])
        together.setdefault(key, []).append(f"{record['field']} {record['value']:g}")
    for (part, source), texts in together.items():
        yield {"part": part, "actions": ", ".join(texts), "source": source}


def _shown(record: Record) -> Record:
    value = record["value"]
    unlimited = "unlimited" if value is None else value
    text = f"{unlimited:,.10g}" if isinstance(unlimited, int | float) else cell(unlimited)
    return {**record, "shown": text}
