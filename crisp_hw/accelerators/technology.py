"""Clock, node and supply of an accelerator: what its file says, and what is assumed where it says nothing."""

from dataclasses import replace

from crisp_hw.accelerators.schema import TechnologyFields
from crisp_hw.characterization.scaling import SUPPLY_V
from crisp_hw.spec.silicon import Technology


def technology_of(given: TechnologyFields) -> Technology:
    """What a file says, the rest assumed.

    >>> technology_of(TechnologyFields()).clock_ghz
    1.0
    """
    found = Technology()
    if (clock := given.clock_ghz) is not None:
        found = replace(found, clock_ghz=clock.value, clock_source=clock.source)
    if (node := given.node_nm) is not None:
        found = _supplied(replace(found, node_nm=node.value, node_source=node.source))
    if (supply := given.supply_v) is not None:
        found = replace(found, supply_v=supply.value, supply_source=supply.source)
    return found


def at_node(technology: Technology, node_nm: int, method: str) -> Technology:
    """The same at the node at which a method characterizes; its supply is that of the node, where it has one.

    >>> at_node(Technology(), 65, "table").supply_v
    1.1
    """
    if node_nm == technology.node_nm:
        return technology
    moved = replace(
        technology, node_nm=float(node_nm), node_source=f"asked for: energies and areas are those of {method}"
    )
    return _supplied(moved)


def _supplied(technology: Technology) -> Technology:
    """The same with the nominal supply of its node, or of the nearest one that has any.

    >>> _supplied(Technology(node_nm=22)).supply_source
    "not given; assumed because PTM's low-power model of 20 nm, the nearest to 22 nm, has this nominal supply"
    """
    nearest = min(SUPPLY_V, key=lambda each: abs(each - technology.node_nm))
    own = (
        f"{nearest} nm" if nearest == technology.node_nm else f"{nearest} nm, the nearest to {technology.node_nm:g} nm,"
    )
    said = f"not given; assumed because PTM's low-power model of {own} has this nominal supply"
    return replace(technology, supply_v=SUPPLY_V[nearest], supply_source=said)
