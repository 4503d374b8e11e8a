"""The steps of fabrics on real data, beside the matrix product and the model's counts."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from crisp_hw.descriptors import describe
from crisp_hw.imbalance import queues
from crisp_hw.pipeline import evaluate_layers
from crisp_hw.spec.accelerator import Accelerator
from crisp_hw.spec.descriptors import PrunedLayer
from crisp_hw.spec.evaluation import LayerEvaluation
from crisp_hw.spec.imbalance import QueuedPes
from crisp_hw.spec.layer import Layer
from crisp_hw.spec.options import EvaluateOptions, PackingModel
from crisp_hw.spec.patterns import NM
from crisp_hw.spec.runs import CONVOLUTION_DIMS
from crisp_hw.verification.counts import Count
from crisp_hw.verification.level_counts import Beside
from crisp_hw.verification.levels import fabric_of, packs, place, refusal
from crisp_hw.walk import nested, queued
from crisp_hw.walk import pruned as walk
from crisp_hw.walk.packed import pass_by_pass

Integers = NDArray[np.int64]
PACKING: PackingModel = "position-skipping"  # how nonzeros get into lanes, where nothing else is asked


@dataclass(frozen=True)
class Operands:
    """A layer as a matrix of integers under its mask, and the activations that it is multiplied by."""

    pruned: PrunedLayer
    weights: Integers
    activations: Integers

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Which weights are kept; all where there is no mask."""
        given = self.pruned.mask
        return np.ones(self.weights.shape, bool) if given is None else given

    @property
    def product(self) -> Integers:
        """The masked matrix product, by NumPy."""
        return np.where(self.mask, self.weights, 0) @ self.activations


@dataclass(frozen=True)
class Checked:
    """One layer on one fabric: the steps that were walked, is the product right, and the counts; `levels` by level."""

    layer: str
    fabric: str
    steps: str
    exact: bool
    counts: tuple[Count, ...]
    levels: tuple[Count, ...] = ()

    @property
    def agrees(self) -> bool:
        """Are the product and all counts that are compared equal?"""
        return self.exact and all(each.agrees for each in (*self.counts, *self.levels))


def operands(pruned: PrunedLayer, positions: int, weights: Integers | None, seed: int) -> Operands:
    """A layer's matrix for so many positions: its own weights, or integers that are not zero, drawn with the seed."""
    layer = pruned.layer
    drawn = np.random.default_rng(seed)
    if weights is None:
        weights = drawn.integers(1, 128, (layer.rows, layer.columns)) * drawn.choice(
            [-1, 1], (layer.rows, layer.columns)
        )
    activations = drawn.integers(-128, 128, (layer.columns, positions))
    activations[drawn.random(activations.shape) < ZEROS] = 0
    matrix = Layer(layer.name, "linear", layer.rows, layer.columns, tokens=positions)
    return Operands(
        PrunedLayer(matrix, pruned.role, pruned.mask, pruned.nm, pruned.block), weights.astype(np.int64), activations
    )


ZEROS = 0.4  # share of activations that are zero: CRISP paper, section on DSTC


def evaluated(
    pruned: PrunedLayer, accelerator: Accelerator, cache: bool = True, packing: PackingModel = PACKING
) -> LayerEvaluation:
    """What the model says of a layer that is walked: with its own mask where it has one.

    >>> from crisp_hw.accelerators import load_arch
    >>> evaluated(PrunedLayer(Layer("fc", "linear", 16, 8), "dense"), load_arch("dense"), cache=False).layer
    'fc'
    """
    masks = {} if pruned.mask is None else {pruned.layer.name: pruned}
    options = EvaluateOptions(density="actual" if masks else "model", packing=packing, cache=cache)
    (row,) = evaluate_layers([describe(pruned)], [accelerator], options, masks=masks)
    return row


def check_layer(
    given: Operands, accelerator: Accelerator, cache: bool = True, packing: PackingModel = PACKING
) -> Checked:
    """Walk what the accelerator does with the layer, and hold it against the product and `--density actual`.

    >>> from crisp_hw.accelerators import load_arch
    >>> layer = PrunedLayer(Layer("fc", "linear", 16, 8), "nm", np.tile([True, False], (16, 4)), NM(2, 4))
    >>> check_layer(operands(layer, 4, None, 0), load_arch("stc"), cache=False).agrees
    True
    """
    pruned = given.pruned
    row = evaluated(pruned, accelerator, cache, packing)
    nm, block = row.descriptor.nm or NM(1, 1), row.descriptor.block
    walked: walk.Walked
    match _steps(row):
        case "gather" if block:
            said = "kept blocks are gathered by index"
            packed = any(each.tensor == "A" and each.compressed for each in row.point.design.sparse.formats)
            held, nm = (given.mask, nm) if packed else (_whole_blocks(given.mask, block), NM(1, 1))
            walked = walk.gathered(np.where(given.mask, given.weights, 0), held, given.activations, block, nm)
            said += f", weights of {nm.n}:{nm.m} select by offset" if nm.m > 1 else ""
        case "bitmaps":
            said = "weights meet activations where neither is zero"
            if packs(row):
                said = "bitmaps of weights and activations meet in outer products, packed into lanes pass by pass"
            walked = walk.outer_products(given.weights, given.mask, given.activations)
        case "select":
            said = f"weights of {nm.n}:{nm.m} select among shared activations by offset"
            walked = walk.selected(given.weights, given.mask, given.activations, nm)
        case _:
            said = "every weight is multiplied, zeros included"
            everything = np.ones_like(given.mask)
            walked = walk.selected(np.where(given.mask, given.weights, 0), everything, given.activations, NM(1, 1))
    found, counts = _nest(row, given)
    exact = _same(walked.product, given) and _same(found, given)
    scattered = _steps(row) == "bitmaps"
    whole = _scattered(walked.steps) if scattered else _counts(row, walked.steps)
    return Checked(row.layer, row.arch, said, exact, tuple(whole), tuple(counts))


def _nest(row: LayerEvaluation, given: Operands) -> tuple[Integers, list[Count]]:
    """The loop nest that was found, walked: its product, and the counts of every level; why not, if it cannot be."""
    why = refusal(row)
    if why:
        return given.product, [Count("levels", 0, None, why)]
    fabric = fabric_of(row)
    placed = place(row, given.weights, given.mask, given.activations)
    walked = nested.walk(fabric, placed.data, placed.stored)
    groups, rows = walked.product.shape[:2]  # sizes that grew have zeros behind
    flat = walked.product.reshape(groups * rows, -1)[: given.weights.shape[0], : given.activations.shape[1]]
    packed = packs(row)
    passes = pass_by_pass(fabric, packed, placed.stored) if packed else None
    return flat, Beside(row, fabric, walked, passes).counts()


def check_queues(given: Operands, machine: QueuedPes) -> Checked:
    """Walk the first position on PEs with queues, and hold it against the recurrence of `imbalance`."""
    kept = np.where(given.mask, given.weights, 0)
    active = given.activations[:, 0]
    walked = queued.matrix_vector(kept, active, machine)
    found = queues.matrix_vector(kept != 0, active != 0, machine)
    counts = [Count(name, getattr(walked, name), getattr(found, name)) for name in QUEUED]
    counts += [
        Count(name, sum(getattr(pe, name) for pe in walked.pes), int(getattr(found, name).sum())) for name in OF_PES
    ]
    exact = bool((walked.product == given.product[:, 0]).all())
    return Checked(given.pruned.layer.name, f"{machine.pes} PEs", "columns through queues", exact, tuple(counts))


EXPECTED = "the model knows the expectation over activations that are scattered anywhere"
QUEUED = ("cycles", "cycles_drained", "macs_at_stop", "full_stalls")
OF_PES = ("busy", "macs", "line_reads")


def _whole_blocks(mask: NDArray[np.bool_], block: int) -> NDArray[np.bool_]:
    """All of every block that keeps something: lanes that run dense take its zeros, too."""
    held = np.zeros_like(mask)
    for top, left in product(range(0, mask.shape[0], block), range(0, mask.shape[1], block)):
        inside = slice(top, top + block), slice(left, left + block)
        held[inside] = mask[inside].any()
    return held


def _same(found: Integers, given: Operands) -> bool:
    return bool((found == given.product).all())


def _steps(row: LayerEvaluation) -> str:
    """What the case in which the layer runs does with zeros, by its own words."""
    sparse, problem = row.point.design.sparse, row.point.design.problem
    compressed = {each.tensor for each in sparse.formats if each.compressed}
    if {"A", "B"} <= compressed:
        return "bitmaps"
    if "G" in problem.tensor("B").dims and problem.dims != CONVOLUTION_DIMS:
        return "gather"
    return "select" if "A" in compressed else "dense"


def _scattered(steps: walk.Steps) -> Iterator[Count]:
    for name in ("weights", "activations", "products", "results"):
        yield Count(name, getattr(steps, name), None, EXPECTED)


def _counts(row: LayerEvaluation, steps: walk.Steps) -> Iterator[Count]:
    """Products and block indices, and words that cross from the outermost level where each crosses once."""
    compute, outermost = row.result.compute, row.result.levels[-1].tensors
    assert compute is not None
    problem, real = row.point.design.problem, row.descriptor.layer
    grown = problem.bound("G") * problem.bound("M") != real.rows or problem.bound("N") != real.positions
    grown = grown or ("G" not in problem.tensor("B").dims and problem.bound("K") != real.columns)
    packed = any(each.tensor == "A" and each.compressed for each in row.point.design.sparse.formats)
    padded = "the model counts padding, too"
    wider = problem.bound("N") != real.positions or (grown and not packed)
    scattered = any(each.tensor == "B" and each.compressed for each in row.point.design.sparse.formats)
    why = EXPECTED if scattered else padded if wider else ""
    yield _count("products", steps.products, compute.random + compute.gated, why)
    for name, tensor, walked in (("weights", "A", steps.weights), ("activations", "B", steps.activations)):
        why = "tiles of it are loaded more than once" if _again(row, tensor) else ""
        if grown and (tensor == "B" or not packed):
            why = padded
        if tensor == "B" and steps.block_indices and not row.descriptor.balanced:
            why = padded
        if tensor == "B" and scattered:
            why = EXPECTED
        yield _count(name, walked, outermost[tensor].accesses["random_reads"], why)
    if row.index is not None:
        bits = max(1, ((row.descriptor.total_blocks or 1) - 1).bit_length())
        why = "" if row.descriptor.balanced else "the model counts those of the fullest block row for all"
        yield _count("block indices", steps.block_indices, max(row.index.fill_bits.values()) // bits, why)
    why = padded if grown else "sums of it come more than once" if _again(row, "Z") else ""
    yield _count("results", steps.results, outermost["Z"].accesses["random_updates"], why)


def _count(name: str, walked: int, model: int, why: str) -> Count:
    return Count(name, walked, None if why else model, why)


def _again(row: LayerEvaluation, tensor: str) -> bool:
    """Do loops outside of the next level that keeps a tensor bring its tiles again, running around its own?"""
    nest, dims = row.point.mapping.nest, row.point.design.problem.tensor(tensor).dims
    inner = [level for level, kept in enumerate(nest.keeps[:-1]) if tensor in kept]
    outside = [
        loop.dim in dims
        for loop, bound in zip(nest.loops, row.point.mapping.bounds, strict=True)
        if bound > 1 and loop.kind == "temporal" and loop.level > max(inner, default=-1)
    ]
    return True in outside and not all(outside[outside.index(True) :])
