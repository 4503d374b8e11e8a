"""Which spaces the exact search proves, and why not the others."""

from math import prod

from crisp_hw.engine.sliding import sliding
from crisp_hw.mapper.exact.windows import sliding_ranks
from crisp_hw.mapper.orders import unusual
from crisp_hw.mapper.space import Space
from crisp_hw.spec.design import Design
from crisp_hw.spec.patterns import Banded


def uncovered(space: Space) -> str | None:
    """Why templates do not say what the mappings of a space cost; None where they do."""
    design = space.design
    architecture = design.architecture
    if space.imperfect and (why := _unusual_tails(space, design)):
        return why
    if design.sparse.active and (why := _unusual_sparsity(design)):
        return why
    if sliding(design.problem) and (why := _unusual_windows(space, design)):
        return why
    if any(pj < 0 for actions in design.energy.actions.values() for pj in actions.values()):
        return "energies below 0"
    if any(level.instances % level.cluster_size for level in architecture.levels):
        return "clusters that do not divide the instances of their level"
    return None


def too_little(space: Space) -> bool:
    """May a mapping cost more than its template says, so that every one that may be best is judged in every order?

    So it is where formats, SAFs or wires are at work, where reuse is forbidden, where MACs take words from their
    neighbours, and where last tiles are smaller: that only adds to what is counted.
    """
    return space.imperfect or space.design.sparse.active or unusual(space) or bool(passed_to_macs(space))


def passed_to_macs(space: Space) -> frozenset[str]:
    """The tensors of which MACs take from their neighbours what stands still."""
    if prod(space.design.architecture.fanouts[0]) == 1:
        return frozenset()
    apart = space.no_link_transfer[0] if space.no_link_transfer else frozenset[str]()
    return frozenset(tensor.name for tensor in space.design.problem.tensors) - apart


def _unusual_tails(space: Space, design: Design) -> str | None:
    """Why what imperfect factors count is not what `exact.ragged` says at least."""
    if design.sparse.active:
        return "imperfect factors of sparse designs"
    if sliding(design.problem):
        return "imperfect factors of windows"
    return "imperfect factors where reuse is forbidden or networks take energy" if unusual(space) else None


def _unusual_sparsity(design: Design) -> str | None:
    """Why what is left of a count is not what `exact.sparse` says at least."""
    kinds = {action.kind for action in design.sparse.actions}
    if "position_skipping" in kinds:
        return "nonzeros packed into lanes"
    spatial = [a.options[0].target for a in design.sparse.actions if a.kind == "skipping_spatial"]
    if len(set(spatial)) < len(spatial):
        return "two spatial skippings of one tensor"
    if any(isinstance(tensor.density, Banded) for tensor in design.problem.tensors):
        return "bands, whose probabilities may add up to more than 1"
    return None


def _unusual_windows(space: Space, design: Design) -> str | None:
    """Why the walk of windows is not that of `exact.windows`."""
    if passed_to_macs(space):
        return "windows of which MACs take words from their neighbours"
    for tensor in design.problem.tensors:
        terms = [term for rank in tensor.ranks for term in rank]
        if len({term.dim for term in terms}) < len(terms):
            return "diagonals"
        if any(term.coefficient < 1 for term in terms):
            return "coefficients below 1"
        if tensor.is_output and sliding_ranks(tensor):
            return "outputs that slide or stride"
    return None if design.rules.still_keeps_stride else "windows of a program before Timeloop's pull request 297"
