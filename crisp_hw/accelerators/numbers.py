"""Every number of an architecture file by its path (`levels.RF.size_kb`, `technology.clock_ghz`): read, and changed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from crisp_hw.accelerators.run_schema import ArchFile
from crisp_hw.accelerators.schema import Compute, Level, Network, QueuedField, Sourced, TechnologyFields, WordBits
from crisp_hw.engine.energy import COMPUTE_ACTIONS
from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.machine.positions import MarkedDict, marked
from crisp_hw.spec.accelerator import Characterize
from crisp_hw.spec.arch import Architecture
from crisp_hw.spec.ert import EnergyTable
from crisp_hw.spec.limits import MOST_PJ
from crisp_hw.spec.variant import Changes

BY_CALLER = "set by the caller"
ENERGY = "energy."
SIZES = ("size_kb", "size_words")  # a level has one of them
_NOT_NUMBERS = {"role", "technology", "decompression_supported", "compression_supported", "network"}


def numbers_of(file: ArchFile) -> dict[str, float | None]:
    """Path -> value of every number that a file has, or could have (None)."""
    parts: dict[str, Any] = {}
    for name, level in file.levels.items():
        fields = [each for each in Level.model_fields if each not in _NOT_NUMBERS]
        sized = [each for each in SIZES if getattr(level, each) is not None]
        parts |= {f"levels.{name}.{each}": getattr(level, each) for each in fields if each not in SIZES or not sized}
        parts |= {f"levels.{name}.{each}": getattr(level, each) for each in sized}
        parts |= {f"levels.{name}.network.{each}": getattr(level.network, each) for each in Network.model_fields}
    parts |= {f"compute.{each}": getattr(file.compute, each) for each in Compute.model_fields if each != "name"}
    parts |= {f"compute.word_bits.{each}": getattr(file.compute.word_bits, each) for each in WordBits.model_fields}
    parts |= {f"parameters.{name}": each for name, each in file.parameters.items()}
    parts |= {f"technology.{each}": getattr(file.technology, each) for each in TechnologyFields.model_fields}
    if file.imbalance is not None:
        parts |= {
            f"imbalance.{each}": getattr(file.imbalance, each) for each in QueuedField.model_fields if each != "kind"
        }
    return {path: _number(each) for path, each in parts.items()}


def _number(given: Any) -> float | None:
    if isinstance(given, Sourced):
        return given.value  # type: ignore[no-any-return]
    if isinstance(given, WordBits):  # one number, where it is that of all tensors
        each = {given.A.value, given.B.value, given.Z.value}
        return each.pop() if len(each) == 1 else None
    return None


def with_numbers(document: MarkedDict, changes: Changes) -> MarkedDict:
    """A document with other numbers, each from the caller; None takes one away. The document stays as it is."""
    for path, value in changes.items():
        document = _with_number(document, path.split("."), value)
    return document


def _with_number(part: MarkedDict, keys: list[str], value: float | None) -> MarkedDict:
    key, rest = keys[0], keys[1:]
    at = part.keys_at.get(key, part.mark)
    if rest:
        below = part.get(key)
        if key == "word_bits" and (not isinstance(below, dict) or "value" in below):
            below = _each_tensor(below, at)
        inside = below if isinstance(below, MarkedDict) else MarkedDict(at)
        return _put(part, key, _with_number(inside, rest, value), at)
    if value is None:
        return part.derived({name: each for name, each in part.items() if name != key})
    made = MarkedDict(at)
    made.put("value", marked(value, at), at)
    made.put("source", marked(BY_CALLER, at), at)
    copy = _put(part, key, made, at)
    return copy.derived(
        {name: each for name, each in copy.items() if key not in SIZES or name == key or name not in SIZES}
    )


def _put(part: MarkedDict, key: str, value: Any, at: Mark) -> MarkedDict:
    copy = part.derived(dict(part))
    copy.put(key, value, at)
    return copy


def _each_tensor(given: Any, at: Mark) -> MarkedDict:
    made = MarkedDict(at)
    for tensor in WordBits.model_fields:
        made.put(tensor, given, at)
    return made


@dataclass(frozen=True)
class Overridden:
    """Energies of an architecture, of which a caller set some; pJ by "energy.COMPONENT.ACTION"."""

    characterize: Characterize
    changes: Changes

    def __call__(self, architecture: Architecture) -> EnergyTable:
        return with_energies(self.characterize(architecture), self.changes)


def energies_of(table: EnergyTable) -> dict[str, float | None]:
    """Path -> pJ of every action of a table."""
    return {path: pj for path, _, _, pj in _actions(table.actions)}


def _actions(actions: Mapping[str, Mapping[str, float]]) -> Iterator[tuple[str, str, str, float]]:
    for component, each in actions.items():
        for action, pj in each.items():
            yield f"{ENERGY}{component}.{action}", component, action, pj


def with_energies(table: EnergyTable, changes: Changes) -> EnergyTable:
    """A table with other energies, each from the caller."""
    actions = {component: dict(each) for component, each in table.actions.items()}
    sources = {component: dict(table.sources.get(component, {})) for component in actions}
    for path, component, action, _ in list(_actions(table.actions)):
        if path in changes:
            value = changes[path]
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST_PJ:
                raise InputError(f"is {value!r}", Where(key=path), f"give pJ from 0 to {MOST_PJ:g}")
            if action == "leak" and value and COMPUTE_ACTIONS & set(actions[component]):
                hint = "give what leaks to a level, or to energy.*.compute"
                raise InputError("a computation does not leak here", Where(key=path), hint)
            actions[component][action], sources[component][action] = float(value), BY_CALLER
    return replace(table, actions=actions, sources=sources)
