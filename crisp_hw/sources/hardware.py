"""Accelerators that a user gives: by name, by file or as they are."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from crisp_hw.accelerators import list_arch, load_arch
from crisp_hw.accelerators.settings import ACCEPTED
from crisp_hw.errors import InputError
from crisp_hw.spec.accelerator import Accelerator
from crisp_hw.spec.kinds import wrong_kind

Arch = str | Path | Accelerator
ARCHS = f"{ACCEPTED}, an Accelerator, or a list of these"


def load_accelerators(arch: Arch | Sequence[Arch], energy: str | None = None) -> tuple[Accelerator, ...]:
    """Load accelerators that are given by name, by file or as they are.

    Raises
    ------
    InputError
        When the list is empty, a name is not known or given twice, or a file cannot be read.
    """
    if isinstance(arch, str | Path | Accelerator):
        items: list[Arch] = [arch]
    elif isinstance(arch, Iterable) and not isinstance(arch, Mapping):
        items = list(arch)
    else:
        raise wrong_kind("arch", arch, ARCHS)
    files = [item for item in items if isinstance(item, str | Path)]
    loaded = tuple(_loaded(item, energy, files) for item in items)
    if not loaded:
        raise InputError("no accelerator given", hint=f"there are {', '.join(list_arch())}")
    names = [accelerator.name for accelerator in loaded]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputError(
            f"accelerator {twice} is given twice", hint="name each once, or one of them anew with replace(name=...)"
        )
    return loaded


def _loaded(item: Arch, energy: str | None, files: Sequence[str | Path]) -> Accelerator:
    if isinstance(item, str | Path):
        return load_arch(item, energy, beside=files)
    if not isinstance(item, Accelerator):
        raise wrong_kind("arch", item, ARCHS)
    if energy is not None and energy != item.energies_from:
        said = f"energy {energy} has no effect on an Accelerator, and {item.name} has other energies"
        raise InputError(said, hint="give load_arch(name, energy=...) or the name alone")
    return item
