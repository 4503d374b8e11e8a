"""The MACs of an accelerator with queues, for what needs no more of it: recorded runs and reproductions."""

from pathlib import Path

from crisp_hw.accelerators.load import load_arch
from crisp_hw.data_files import packaged
from crisp_hw.errors import InputError, Where
from crisp_hw.spec.imbalance import QueuedPes


def read_queued_pes(name_or_path: str | Path | None = None) -> QueuedPes:
    """The machine of a file, or of a packaged accelerator by name; without one, of the packaged one with queues.

    InputError names the line of a mistake, and says so where there are no queues.

    >>> read_queued_pes().pes
    64
    """
    found = load_arch(packaged().queued if name_or_path is None else name_or_path)
    if found.machine is None:
        raise InputError(f"{found.name} has no queues", Where("arch", key="imbalance"), f"see {packaged().queued}")
    return found.machine
