"""What documents say in words that Timeloop knows, and that still change nothing: each is named."""

from collections.abc import Iterator
from typing import Any

from crisp_hw.engine.energy import COMPUTE_ORDER
from crisp_hw.machine.positions import MarkedDict, mark_of, mark_of_word
from crisp_hw.spec.design import Design
from crisp_hw.spec.patterns import Hypergeometric
from crisp_hw.spec.problem import FULL
from crisp_hw.timeloop.read.architecture import DEPTHS, PORT_WIDTHS, WIDTHS, plain_name

ALIKE = (
    # of attributes that mean one thing Timeloop reads the first (model/buffer.cpp: ParseSpecs)
    WIDTHS,
    PORT_WIDTHS,
    ("entries", *DEPTHS),
    ("block_size", "n_words"),
    ("metadata_datawidth", "metadata_word_bits"),
    ("metadata_storage_width", "metadata_width"),
    ("metadata_storage_depth", "metadata_depth"),
)
DENSE = (FULL, Hypergeometric(1.0))
HALVES = ("read_bandwidth", "write_bandwidth")


def unheard(documents: MarkedDict, design: Design) -> tuple[str, ...]:
    """One note for everything in accepted documents that something else in them leaves without effect."""
    parts = list(_components(documents.get("architecture")))
    return (
        *(note for part in parts for note in _passed_over(part)),
        *(note for part in parts for note in _priced(part, design)),
        *_outermost(documents.get("mapping"), design),
        *_without_lanes(documents.get("mapping"), design),
        *_densities(documents.get("problem"), design),
        *_areas(documents, design),
    )


def _components(value: Any) -> Iterator[MarkedDict]:
    """Entries of all `local` lists."""
    nodes = value.get("subtree") or [] if isinstance(value, dict) else []
    for node in nodes:
        yield from node.get("local") or []
        yield from _components(node)


def _passed_over(part: MarkedDict) -> Iterator[str]:
    held = part.get("attributes") or {}
    name = plain_name(str(part.get("name")))
    for group in ALIKE:
        first, *others = [key for key in group if held.get(key) is not None] or [""]
        for key in others:
            if held[key] != held[first]:
                yield f"{mark_of(held, key)}: {key} ({name}): Timeloop reads {first}, which means the same"
    for key in HALVES:
        if held.get("bandwidth") is not None and held.get(key) is not None:
            yield f"{mark_of(held, key)}: {key} ({name}): Timeloop reads bandwidth, and halves it"


def _densities(problem: Any, design: Design) -> Iterator[str]:
    """Zeros that nothing looks for, and densities that a common one stands before (workload.cpp: ParseDensities)."""
    instance = problem.get("instance") if isinstance(problem, dict) else None
    if not isinstance(instance, dict) or not isinstance(held := instance.get("densities"), dict) or not held:
        return
    if "commonDensity" in instance:
        yield f"{mark_of(instance, 'densities')}: densities: commonDensity goes before them"
    elif not design.sparse.active:
        names = [each.name for each in design.problem.tensors if each.name in held and each.density not in DENSE]
        if names:
            whose = "its" if len(names) == 1 else "their"
            what = f"no sparse optimization leaves {whose} zeros out, so all words are moved and computed"
            yield f"{mark_of(held, names[0])}: density of {', '.join(names)}: {what}"


def _areas(documents: MarkedDict, design: Design) -> Iterator[str]:
    """Timeloop looks for an ART only where there is an ERT; the length of wires alone follows from it in any case."""
    wired = any(level.wires.wire_pj_per_bit_mm for level in design.architecture.levels)
    if documents.get("ART") is not None and documents.get("ERT") is None and not wired:
        yield f"{documents.keys_at['ART']}: ART: Timeloop reads areas only beside an ERT, not used"


def _priced(part: MarkedDict, design: Design) -> Iterator[str]:
    """The width of computations, which only Timeloop's estimate of their energy asks for."""
    compute = design.architecture.compute.name
    actions = design.energy.actions.get(compute, {})
    if plain_name(str(part.get("name"))) != compute or not set(COMPUTE_ORDER["random"]) & set(actions):
        return
    held = part.get("attributes") or {}
    if key := next((key for key in WIDTHS if held.get(key) is not None), None):
        yield f"{mark_of(held, key)}: {key} ({compute}): printed alone, the ERT says what a computation takes"


def _outermost(mapping: Any, design: Design) -> Iterator[str]:
    """The outermost level keeps every tensor, whatever a mapping says (mapping/parser.cpp)."""
    level = design.architecture.levels[-1].name
    for entry in mapping or ():
        names = [str(name) for name in entry.get("bypass") or ()]
        if entry.get("target") == level and names:
            mark = mark_of_word(entry["bypass"], names[0]) or mark_of(entry)
            yield f"{mark}: bypass of {', '.join(names)} ({level}): the outermost level keeps every tensor"


def _without_lanes(mapping: Any, design: Design) -> Iterator[str]:
    """Spatial blocks that spread nothing over nothing: Timeloop stops there (mapping/parser.cpp)."""
    fanouts = design.architecture.fanouts
    alone = [level.name for level, fan in zip(design.architecture.levels, fanouts, strict=True) if fan == (1, 1)]
    for entry in mapping or ():
        if entry.get("type") == "spatial" and entry.get("target") in alone:
            what = "it has no fanout, not used (Timeloop itself stops here)"
            yield f"{mark_of(entry)}: spatial block of {entry['target']}: {what}"
