"""One layer on one accelerator: problem, sparse features, constraints, assumptions."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil, inf

from crisp_hw.encode.plans import LayerEncoding, plans
from crisp_hw.encode.residence import column_splits
from crisp_hw.encode.shape import Fabric, Gemm, Steps, chunked, fabric_of, fills_array, padded, smaller
from crisp_hw.errors import InputError
from crisp_hw.spec.accelerator import Accelerator
from crisp_hw.spec.constraints import Constraints, Factor, LevelConstraint
from crisp_hw.spec.descriptors import Descriptor
from crisp_hw.spec.design import Design
from crisp_hw.spec.encoded import Encoded
from crisp_hw.spec.options import EvaluateOptions
from crisp_hw.spec.problem import Problem, Tensor, Term

DIMS = ("G", "M", "N", "K")


def encode(descriptor: Descriptor, accelerator: Accelerator, options: EvaluateOptions | None = None) -> Encoded:
    """A pruned layer as the accelerator's scheme runs it: Z[g,m,n] += A[g,m,k] * B[(g),k,n].

    Sizes are padded to what the fabric divides evenly; every number that is not the layer's own stands in
    `assumptions`. Raises InputError when the layer has no nonzero weight or an option is out of range.

    >>> from crisp_hw.accelerators import load_arch
    >>> from crisp_hw.spec.layer import Layer
    >>> from crisp_hw.spec.patterns import NM
    >>> layer = Layer("layer1.1.conv1", "conv2d", 64, 256, input_size=(56, 56))
    >>> kept = Descriptor(layer, "hybrid", 1024, NM(1, 4), block=64, kept_blocks=1, total_blocks=4, kept_columns=64)
    >>> encode(kept, load_arch("crisp-stc")).design.problem.bounds
    (1, 64, 3136, 64)
    """
    return next(encodings(descriptor, accelerator, options))


def encodings(
    descriptor: Descriptor, accelerator: Accelerator, options: EvaluateOptions | None = None
) -> Iterator[Encoded]:
    """Every way to run a layer on an accelerator, that of `encode` first; which one is best, only searches tell.

    Rows are padded for all cores and for every smaller number of them (with which they may need less padding), tiles of
    positions for the accumulators and for fewer of them, and the weights are run in each form that the scheme offers.
    So what is best on a smaller accelerator, or for a denser mask, is among the ways of a larger one or a sparser mask.
    With weights described by masks or blocks (`options.density`) only the scheme's own form and the dense one are run:
    zeros that a denser N:M would carry take no energy there, which would make it look better than it is. Raises
    InputError as `encode` does.
    """
    options = options or EvaluateOptions()
    _check(descriptor, options)
    fabric = fabric_of(accelerator)
    forms = plans(descriptor, accelerator.scheme, fabric, options)
    for chosen in forms:
        if options.density != "model" and chosen is not forms[0] and chosen.sparse.active:
            continue
        fewest = inf
        for used in smaller(fabric, chosen.gemm, chosen.steps):
            gemm, grown = padded(chosen.gemm, used, chosen.steps)
            if gemm.macs < fewest:  # without less padding, less of the fabric is never better
                fewest = gemm.macs
                notes = (*chosen.assumptions, *_left_idle(used, fabric), *grown)
                yield _encoded(descriptor, accelerator, _Fitted(chosen, gemm, used), notes)


def _left_idle(used: Fabric, fabric: Fabric) -> tuple[str, ...]:
    """What is left idle of the fabric, because that is better."""
    cores = (f"the layer runs on {used.cores} of {fabric.cores} cores, because that is better here",)
    tiles = (f"tiles have at most {used.positions} of {fabric.positions} positions, because that is better here",)
    return (*(cores if used.cores < fabric.cores else ()), *(tiles if used.positions < fabric.positions else ()))


@dataclass(frozen=True)
class _Fitted:
    """A form of a layer in sizes that a part of the fabric divides evenly."""

    form: LayerEncoding
    gemm: Gemm
    fabric: Fabric


def _encoded(descriptor: Descriptor, accelerator: Accelerator, fitted: _Fitted, notes: tuple[str, ...]) -> Encoded:
    """One way to run a layer, on as much of the fabric as it uses."""
    form, gemm, fabric = fitted.form, fitted.gemm, fitted.fabric
    problem = _problem(form, gemm)
    return Encoded(
        design=Design(accelerator.architecture, problem, form.sparse, accelerator.energy),
        constraints=_constraints(accelerator, fabric, form.steps, problem),
        real_macs=descriptor.layer.macs,
        assumptions=(*accelerator.notes, *(f"{descriptor.layer.name}: {note}" for note in notes)),
        block_index=form.block_index,
        selects=form.selects,
        macs_at_once=min(gemm.rows, fabric.rows) * fabric.lanes * fabric.cores,
    )


def _check(descriptor: Descriptor, options: EvaluateOptions) -> None:
    if descriptor.nnz < 1:
        raise InputError(f"{descriptor.layer.name}: has no nonzero weight", hint="leave the layer out or keep some")
    if not 0 < options.activation_density <= 1:
        raise InputError(f"activation density must lie in (0, 1], not {options.activation_density}")


def _problem(chosen: LayerEncoding, gemm: Gemm) -> Problem:
    a_ranks, z_ranks = _ranks("GMK"), _ranks("GMN")
    b_ranks = _ranks("GKN" if gemm.own_b else "KN")
    tensors = (
        Tensor("A", a_ranks, density=chosen.weights(chosen.gemm, gemm)),
        Tensor("B", b_ranks, density=chosen.activations(chosen.gemm, gemm)),
        Tensor("Z", z_ranks, is_output=True),
    )
    bounds = (gemm.groups, gemm.rows, gemm.positions, gemm.columns)
    return Problem("grouped_gemm" if gemm.own_b else "gemm", DIMS, bounds, tensors)


def _ranks(dims: str) -> tuple[tuple[Term, ...], ...]:
    return tuple((Term(dim),) for dim in dims)


def _constraints(accelerator: Accelerator, fabric: Fabric, steps: Steps, problem: Problem) -> Constraints:
    """The fabric's constraints with this layer's lanes, rows, accumulator tile and splits of K in them.

    A level that feeds one child (one core, say) has no spatial block to constrain.
    """
    arch, given = accelerator.architecture, accelerator.constraints
    alone = {level.name for level, fanout in zip(arch.levels, arch.fanouts, strict=True) if fanout == (1, 1)}
    blocks = [block for block in given.levels if block.kind == "temporal" or block.level not in alone]
    across = {
        "K": Factor("=", steps.columns),
        "N": Factor("=", steps.positions),
        "M": Factor("=", min(problem.bound("M"), fabric.rows)),
    }
    splits = Factor("<=", column_splits(problem, fabric, steps, arch.level("SMEM").size_words))
    tile = Factor("<=", min(problem.bound("N"), fabric.positions) // steps.positions)
    # rows of one group share their activations, so they take the cores first and groups the rest
    strips = chunked(ceil(problem.bound("M") / fabric.rows), fabric.cores)[1]
    cores = {"M": Factor("=", strips), "G": Factor("<=", fabric.cores // strips)}

    def adapted(block: LevelConstraint) -> LevelConstraint:
        if fills_array(block):
            return replace(block, factors={**block.factors, **across})
        if (block.level, block.kind) == ("LRF", "temporal"):
            packed = {"G": Factor("<=", steps.packed)} if steps.packed > 1 else {}
            return replace(block, factors={**block.factors, "N": tile, **packed})
        if (block.level in ("SMEM", "DRAM")) and block.kind == "temporal" and "K" not in block.factors:
            return replace(block, factors={**block.factors, "K": splits})
        if block.kind == "spatial":
            return replace(block, factors={**block.factors, **cores})
        return block

    return replace(given, levels=tuple(adapted(block) for block in blocks))
