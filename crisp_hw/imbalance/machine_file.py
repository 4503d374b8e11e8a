"""The files of accelerators whose processing elements take broadcast columns through queues."""

from pathlib import Path
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from crisp_hw.data_files import data_folder
from crisp_hw.machine.yaml_files import checked, read_mapping
from crisp_hw.spec.imbalance import LEAST_SLOTS, QueuedPes
from crisp_hw.spec.limits import EXACT, MOST_BITS, MOST_INSTANCES

Number = TypeVar("Number")
NAME = "arch/eie.yaml"  # the form that a mistake is answered with


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Sourced(_Strict, Generic[Number]):
    """A number and where it comes from."""

    value: Number
    source: Annotated[str, Field(min_length=5)]


class QueuedField(_Strict):
    """`spec.imbalance.QueuedPes` says what the numbers mean."""

    kind: Literal["queued-columns"]
    pes: Sourced[Annotated[int, Field(gt=0, le=MOST_INSTANCES)]]
    queue_slots: Sourced[Annotated[int, Field(ge=LEAST_SLOTS, le=EXACT)]]
    index_bits: Sourced[Annotated[int, Field(gt=0, le=MOST_BITS)]]
    line_entries: Sourced[Annotated[int, Field(gt=0, le=EXACT)]]
    clock_mhz: Sourced[Annotated[float, Field(gt=0, allow_inf_nan=False)]]


class QueuedFile(_Strict):
    """The whole file."""

    schema_: Literal["crisp-hw/queued/1"] = Field(alias="schema")
    name: Annotated[str, Field(min_length=1)]
    imbalance: QueuedField


def read_queued_pes(path: Path | None = None) -> QueuedPes:
    """The machine of a file; without one, of the packaged file. InputError names the line of a mistake.

    >>> read_queued_pes().pes
    64
    """
    file = data_folder("arch") / Path(NAME).name if path is None else path
    said = checked(QueuedFile, read_mapping(file, f"see {NAME} for the form"), "arch").imbalance
    return QueuedPes(
        pes=said.pes.value,
        queue_slots=said.queue_slots.value,
        index_bits=said.index_bits.value,
        line_entries=said.line_entries.value,
        clock_mhz=said.clock_mhz.value,
    )
