"""Every mistake of an architecture file, not only the first."""

from pathlib import Path

from crisp_hw.accelerators.files import resolved
from crisp_hw.accelerators.load import load_arch
from crisp_hw.accelerators.rules import faults
from crisp_hw.accelerators.run_schema import ArchFile
from crisp_hw.errors import InputError
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
        if not found:
            load_arch(path)
    except InputError as error:
        return (error,)
    return found
