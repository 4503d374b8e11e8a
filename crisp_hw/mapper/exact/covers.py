"""Which spaces the exact search proves, and why not the others."""

from math import prod

from crisp_hw.engine.sliding import sliding
from crisp_hw.mapper.orders import unusual
from crisp_hw.mapper.space import Space


def uncovered(space: Space) -> str | None:
    """Why templates do not say what the mappings of a space cost; None where they do."""
    design = space.design
    architecture = design.architecture
    names = frozenset(tensor.name for tensor in design.problem.tensors)
    if design.sparse.active:
        return "sparse optimizations"
    if sliding(design.problem):
        return "sliding windows, strides or diagonals"
    if unusual(space):
        return "forbidden reuse, or networks that take energy"
    if prod(architecture.fanouts[0]) > 1 and not (space.no_link_transfer and names <= space.no_link_transfer[0]):
        return "words that MACs take from their neighbours"
    if any(pj < 0 for actions in design.energy.actions.values() for pj in actions.values()):
        return "energies below 0"
    if any(level.instances % level.cluster_size for level in architecture.levels):
        return "clusters that do not divide the instances of their level"
    return None
