"""Energy per action from the committed tables: read once, looked up by key and action, never guessed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, assert_never

from pydantic import BaseModel, ConfigDict, Field, model_validator

from crisp_hw.data_files import data_folder
from crisp_hw.errors import InputError, Where
from crisp_hw.machine.positions import mark_of
from crisp_hw.machine.yaml_files import checked, read_mapping
from crisp_hw.spec.limits import MOST_BITS, MOST_PJ


@dataclass(frozen=True)
class EnergyEntry:
    """Energy of one action in pJ, and where the number comes from."""

    pj: float
    source: str


@dataclass(frozen=True)
class MeasuredCircuit:
    """One array or circuit: what an access moves (bits), its actions (pJ), its area (um2; None: not published)."""

    key: str
    use: str
    access_bits: int
    actions: Mapping[str, EnergyEntry]
    area_um2: float | None = None
    area_source: str = ""


EnergyData = Mapping[str, MeasuredCircuit]
"""Parts by key."""

PACKAGED = ("cacti-45nm.yaml", "cited.yaml")

Text = Annotated[str, Field(min_length=1)]
Energy = Annotated[float, Field(ge=0, le=MOST_PJ)]
Bits = Annotated[int, Field(gt=0, le=MOST_BITS)]
Size = Annotated[float, Field(gt=0)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, defer_build=True, allow_inf_nan=False)


class _Provenance(_Strict):
    tool: Text
    version: Text
    configuration: Text
    query: Text
    date: Annotated[date, Field(strict=False)]  # text in the file: YAML readers disagree about dates


class _Measured(_Strict):
    """An array whose numbers a tool computed; uW, um2, ns."""

    key: Text
    kind: Literal["measured"]
    use: Text
    access_bits: Bits
    pj: Annotated[dict[Text, Energy], Field(min_length=1)]
    area_um2: Size
    leakage_uw: Size
    access_ns: Size
    cycle_ns: Size
    provenance: _Provenance


class _Number(_Strict):
    pj: Energy
    source: Text


class _Cited(_Strict):
    """A circuit whose numbers are published."""

    key: Text
    kind: Literal["cited"]
    use: Text
    access_bits: Bits
    actions: Annotated[dict[Text, _Number], Field(min_length=1)]
    area_um2: Size | None = None
    area_source: str = ""

    @model_validator(mode="after")
    def area_has_a_source(self) -> "_Cited":
        """An area and its source stand together or not at all."""
        if (self.area_um2 is None) != (self.area_source == ""):
            raise ValueError("area_um2 and area_source must be given together")
        return self


class _PartsFile(_Strict):
    schema_: Literal["crisp-hw/parts/1"] = Field(alias="schema")
    entries: Annotated[list[Annotated[_Measured | _Cited, Field(discriminator="kind")]], Field(min_length=1)]


def load_energy(path: Path | str | None = None) -> EnergyData:
    """The parts of one YAML file, or (None) of the two packaged ones, arch/energy/cacti-45nm.yaml and cited.yaml.

    Raises InputError for a missing or malformed file (naming file, key and field) or a repeated key.

    >>> round(load_energy()["sram_256kb_64b"].actions["read"].pj, 3)
    44.716
    """
    return dict(_packaged()) if path is None else _read([Path(path)])


@cache
def _packaged() -> EnergyData:
    return _read([data_folder("arch") / "energy" / name for name in PACKAGED])


def _read(files: Sequence[Path]) -> EnergyData:
    parts: dict[str, MeasuredCircuit] = {}
    for file in files:
        for part in _parts(file):
            if part.key in parts:
                raise InputError(f"{file}: the key {part.key!r} is already taken; keys must be unique")
            parts[part.key] = part
    return parts


def lookup(table: EnergyData, key: str, action: str) -> EnergyEntry:
    """Energy in pJ and its source; InputError listing what there is when there is no such entry (no interpolation).

    >>> lookup(load_energy(), "latch_8b", "read").pj
    0.072
    >>> lookup(load_energy(), "latch_8b", "erase")
    Traceback (most recent call last):
    ...
    crisp_hw.errors.InputError: energy table: latch_8b has no action 'erase'; it has gated_metadata_read, ...
    """
    if key not in table:
        keys = ", ".join(sorted(table))
        raise InputError(f"energy table: no part {key!r}, and none is interpolated; the table has {keys}")
    actions = table[key].actions
    if action not in actions:
        raise InputError(f"energy table: {key} has no action {action!r}; it has {', '.join(sorted(actions))}")
    return actions[action]


def _parts(path: Path) -> list[MeasuredCircuit]:
    """The validated content of one file."""
    document = read_mapping(path, "see arch/energy/cited.yaml for the form")
    content = checked(_PartsFile, document, "parts")
    keys = [entry.key for entry in content.entries]
    for number, key in enumerate(keys):
        if key in keys[:number]:
            at = Where("parts", key, mark=mark_of(document["entries"][number]))
            raise InputError("the key is already taken", at, "keys must be unique")
    return [_circuit(entry) for entry in content.entries]


def _circuit(entry: _Measured | _Cited) -> MeasuredCircuit:
    """One entry as a plain value; a measured number's source is its tool, query and date."""
    match entry:
        case _Measured():
            how = entry.provenance
            source = f"{how.tool} {how.version}, {how.query}, {how.configuration}, {how.date}"
            actions = {action: EnergyEntry(pj, source) for action, pj in entry.pj.items()}
            return MeasuredCircuit(entry.key, entry.use, entry.access_bits, actions, entry.area_um2, source)
        case _Cited():
            actions = {action: EnergyEntry(number.pj, number.source) for action, number in entry.actions.items()}
            return MeasuredCircuit(entry.key, entry.use, entry.access_bits, actions, entry.area_um2, entry.area_source)
    assert_never(entry)
