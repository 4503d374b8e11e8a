"""Every mistake of an architecture file, not only the first."""

from pathlib import Path

from crisp_hw.accelerators.files import resolved
from crisp_hw.accelerators.load import load_arch
from crisp_hw.accelerators.rules import faults
from crisp_hw.accelerators.run_schema import ArchFile
from crisp_hw.errors import InputError, Where
from crisp_hw.machine.positions import MarkedDict, mark_of
from crisp_hw.machine.yaml_files import checked, faults_of


def mistakes(path: Path) -> tuple[InputError, ...]:
    """All that `load_arch` would refuse of a file, in three steps: its form, what it says, its energies.

    A step is taken only where those before it found nothing, because it reads what they have checked.

    Examples
    --------
    >>> from crisp_hw.data_files import data_folder
    >>> mistakes(data_folder("arch") / "crisp-stc.yaml")
    ()
    """
    try:
        document = resolved(path)
        found = faults_of(ArchFile, document, "arch")
        found = found or tuple(faults(document, checked(ArchFile, document, "arch")))
    except InputError as error:
        return (error,)
    return found or _unpriced(path, document)


def _unpriced(path: Path, document: MarkedDict) -> tuple[InputError, ...]:
    """What a file says that no energy is known for, at the line of its own or else of its method."""
    try:
        load_arch(path)
    except InputError as error:
        if error.at is None or error.at.mark is None:
            method = Where("arch", key="energy", mark=mark_of(document, "energy") or mark_of(document))
            return (InputError(str(error), method),)
        return (error,)
    return ()
