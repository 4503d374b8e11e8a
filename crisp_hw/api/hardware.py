"""What an accelerator costs: `characterize`."""

from crisp_hw.characterization.methods import METHODS
from crisp_hw.characterization.methods import characterize as by_method
from crisp_hw.errors import InputError
from crisp_hw.returned import Characterization
from crisp_hw.sources import Arch, load_accelerators
from crisp_hw.spec.kinds import of_kind, wrong_kind


def characterize(arch: Arch, method: str = "table", node_nm: int | None = None) -> Characterization:
    """Work out the energy per action (pJ) and the area of every component of an accelerator, with sources.

    Parameters
    ----------
    arch
        The accelerator, by name, as a YAML file or as an Accelerator.
    method
        "table" for the committed grid of CACTI's numbers, "cacti" for CACTI itself, or "accelergy".
    node_nm
        The technology node in nm: 22, 32, 45, 65 or 90. Default: the node of the accelerator.

    Raises
    ------
    InputError
        When the method has no numbers for the architecture or the node.
    ToolError
        When its tool is missing or fails.

    Examples
    --------
    >>> characterize("crisp-stc").table.actions["SMEM"]["read"]
    124.61
    """
    found = load_accelerators(arch)
    if len(found) > 1:
        raise InputError(f"{len(found)} accelerators are given to characterize", hint="give one")
    (accelerator,) = found
    if not isinstance(method, str):
        raise wrong_kind("method", method, ", ".join(METHODS))
    keeps, own = accelerator.constraints.keeps, accelerator.technology.node_nm
    if node_nm is None and own != int(own):
        raise InputError(f"{accelerator.name} is at {own} nm, which is no whole number", hint="give node_nm")
    node = int(own) if node_nm is None else of_kind("node_nm", node_nm, int)
    return Characterization(accelerator.name, by_method(accelerator.architecture, keeps, method, node))
