"""Work that is not shared evenly, put in the place of the even share that the model knows."""

from dataclasses import dataclass, replace
from math import prod

from crisp_hw.encode import Masks
from crisp_hw.imbalance.layers import Product, full_cycles, waiting
from crisp_hw.imbalance.rows import steps_of
from crisp_hw.spec.descriptors import Descriptor
from crisp_hw.spec.encoded import Encoded
from crisp_hw.spec.imbalance import QueuedPes
from crisp_hw.spec.mapping import LoopMapping
from crisp_hw.spec.options import EvaluateOptions
from crisp_hw.spec.result import Result


@dataclass(frozen=True)
class Uneven:
    """A layer as pruned and as dense on MACs that wait for each other, and what was assumed."""

    result: Result
    dense: Result
    assumed: tuple[str, ...]


def queued(
    descriptor: Descriptor, machine: QueuedPes, options: EvaluateOptions, masks: Masks, results: tuple[Result, Result]
) -> Uneven:
    """Both results of a layer, pruned and dense, with the cycles of MACs behind queues."""
    layer, given = descriptor.layer, masks.get(descriptor.layer.name)
    product = Product(layer.rows, layer.columns, layer.positions, descriptor.density, options.activation_share)
    found = waiting(product, None if given is None else given.mask, machine)
    dense = full_cycles(layer.rows, layer.columns, layer.positions, machine)
    even = results[0].cycles
    assumed = (
        f"{layer.name}: {found.assumed}; shared evenly and without fillers ({found.fillers:.1%} of what is processed) "
        f"they would be {even:,}"
    )
    return Uneven(with_cycles(results[0], found.cycles), with_cycles(results[1], dense), (assumed,))


def waiting_rows(encoded: Encoded, mapping: LoopMapping, result: Result) -> int:
    """Cycles that block rows of different lengths add to those of as many of their mean length.

    MACs take the longest of the rows that run side by side; what a level moves is that of all rows, longest or not.
    """
    if not encoded.row_columns or result.compute is None:
        return 0
    across, at_once = (_spatial(mapping, dim) for dim in "KG")
    even = encoded.design.problem.bound("K") * -(-encoded.design.problem.bound("G") // at_once)
    needed = -(-result.compute.cycles * steps_of(encoded.row_columns, at_once, across) // even)
    slowest = max(needed, *(level.cycles for level in result.levels))
    return max(0, slowest + result.network_cycles - result.cycles)


def _spatial(mapping: LoopMapping, dim: str) -> int:
    """Iterations of a dimension that run at the same time."""
    loops = zip(mapping.nest.loops, mapping.bounds, strict=True)
    return prod(bound for loop, bound in loops if loop.dim == dim and loop.kind != "temporal")


def with_cycles(result: Result, cycles: int) -> Result:
    """A result that takes so many cycles, of which the model does not know the difference.

    >>> with_cycles(Result(True, (), 10, 1.0, 0.8, None, ()), 16).utilization
    0.5
    """
    if cycles == result.cycles:
        return result
    utilization = result.utilization * result.cycles / cycles if cycles else 0.0
    return replace(result, cycles=cycles, utilization=utilization, uneven_cycles=cycles - result.cycles)
