"""One layer on one accelerator: problem, sparse features, constraints, assumptions."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import inf

from crisp_hw.encode.cases import LayerEncoding, fitting, layer_encoding
from crisp_hw.encode.convolution import filled_by, window_problem, windows
from crisp_hw.encode.fitted import constraints_of, limited
from crisp_hw.encode.scope import scope_of
from crisp_hw.encode.shape import Fabric, Gemm, fabric_of, multiples, padded, smaller
from crisp_hw.errors import InputError
from crisp_hw.spec.accelerator import Accelerator
from crisp_hw.spec.constraints import Constraints
from crisp_hw.spec.descriptors import Descriptor
from crisp_hw.spec.design import Design
from crisp_hw.spec.encoded import Encoded
from crisp_hw.spec.options import EvaluateOptions
from crisp_hw.spec.problem import Problem, Tensor, Term
from crisp_hw.spec.runs import dims_of

BORDERS = "the zeros around the input are stored and moved like it, as Timeloop has them"


def encode(descriptor: Descriptor, accelerator: Accelerator, options: EvaluateOptions | None = None) -> Encoded:
    """A pruned layer as the first case that fits it runs it: Z[g,m,n] += A[g,m,k] * B[(g),k,n].

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
    positions for the accumulators and for fewer of them, and the layer is run in each case of the file that fits. So
    what is best on a smaller accelerator, or for a denser mask, is among the ways of a larger one or a sparser mask.
    With weights described by masks or blocks (`options.density`) only the first case and those that exploit no zeros
    are run: zeros that a denser N:M would carry take no energy there, which would make it look better than it is.
    Raises InputError as `encode` does.
    """
    options = options or EvaluateOptions()
    _check(descriptor, options)
    descriptor = _on_average(descriptor, options)
    scope = scope_of(descriptor, fabric_of(accelerator), options, accelerator.runs.parameters)
    first: LayerEncoding | None = None
    for case, inner in fitting(accelerator.runs, scope):
        fabric = fabric_of(accelerator, case.constraints)
        chosen = layer_encoding(case, inner, descriptor, fabric, options)
        first = first or chosen
        if options.density != "model" and chosen is not first and chosen.sparse.active:
            continue
        given = _Given(descriptor, accelerator, chosen, fabric, frozenset(inner.read))
        yield from _ways(given)
    if first is None:
        said = f"no case of {accelerator.name} fits {descriptor.layer.name}"
        names = ", ".join(case.name for case in accelerator.runs.cases)
        raise InputError(said, hint=f"its cases are {names}; add one without `when`")


def runs_layer(descriptor: Descriptor, accelerator: Accelerator, options: EvaluateOptions) -> bool:
    """Does a case fit a layer? Where the file does not say why one is skipped, there must be."""
    if not accelerator.runs.skips:
        return True
    scope = scope_of(descriptor, fabric_of(accelerator), options, accelerator.runs.parameters)
    return any(True for _ in fitting(accelerator.runs, scope))


def _on_average(descriptor: Descriptor, options: EvaluateOptions) -> Descriptor:
    """With block rows that differ, the mean of which stands for each; masks as they are need room for the longest."""
    if not descriptor.row_blocks:
        return descriptor
    if options.density != "model":
        return replace(descriptor, row_blocks=())
    rows = descriptor.row_blocks
    return replace(descriptor, most_blocks=-(-sum(rows) // len(rows)))


@dataclass(frozen=True)
class _Given:
    """A layer in one case of an accelerator; `read` are the options that the case asked for."""

    descriptor: Descriptor
    accelerator: Accelerator
    form: LayerEncoding
    fabric: Fabric
    read: frozenset[str]


def _ways(given: _Given) -> Iterator[Encoded]:
    """A case on all of the fabric, and on every part of it that needs less padding."""
    form, fabric = given.form, given.fabric
    if form.case.problem == "convolution":
        yield from _window_ways(given)
        return
    if not fabric.filled:
        gemm, grown = multiples(form.gemm, form.pads)
        yield _product(given, gemm, fabric, (*form.assumptions, *grown))
        return
    fewest = inf
    for used in smaller(fabric, form.gemm, form.steps):
        gemm, grown = padded(form.gemm, used, form.steps)
        gemm, more = multiples(gemm, form.pads)
        if gemm.macs < fewest:  # without less padding, less of the fabric is never better
            fewest = gemm.macs
            yield _product(given, gemm, used, (*form.assumptions, *_left_idle(used, fabric), *grown, *more))


def _left_idle(used: Fabric, fabric: Fabric) -> tuple[str, ...]:
    """What is left idle of the fabric, because that is better."""
    cores = (f"the layer runs on {used.cores} of {fabric.cores} cores, because that is better here",)
    tiles = (f"tiles have at most {used.positions} of {fabric.positions} positions, because that is better here",)
    return (*(cores if used.cores < fabric.cores else ()), *(tiles if used.positions < fabric.positions else ()))


def _product(given: _Given, gemm: Gemm, fabric: Fabric, notes: tuple[str, ...]) -> Encoded:
    """One way to run a layer as matrix products, on as much of the fabric as it uses."""
    problem = _problem(given.form, gemm)
    at_once = min(gemm.rows, fabric.rows) * fabric.lanes * fabric.cores
    whole = given.accelerator.architecture.compute.instances
    chosen = constraints_of(given.accelerator, fabric, given.form, problem)
    return _encoded(given, problem, chosen, notes, at_once if fabric.filled else whole)


def _window_ways(given: _Given) -> Iterator[Encoded]:
    """A convolution as it is, on all of the array and on every part of it that needs less padding."""
    form, layer = given.form, given.descriptor.layer
    chosen = limited(given.accelerator, form)
    for found in windows(layer, form, chosen):
        notes = (*form.assumptions, *found.notes, *((BORDERS,) if any(layer.padding) else ()))
        problem, filled = window_problem(layer, form, found), filled_by(chosen, found.filled)
        yield _encoded(given, problem, filled, notes, given.accelerator.architecture.compute.instances)


def _encoded(
    given: _Given, problem: Problem, constraints: Constraints, notes: tuple[str, ...], macs_at_once: int
) -> Encoded:
    form, accelerator, descriptor = given.form, given.accelerator, given.descriptor
    return Encoded(
        design=Design(accelerator.architecture, problem, form.sparse, accelerator.energy),
        constraints=constraints,
        real_macs=descriptor.layer.macs,
        assumptions=(*accelerator.notes, *(f"{descriptor.layer.name}: {note}" for note in notes)),
        block_index=form.block_index,
        charges=form.charges,
        macs_at_once=macs_at_once,
        options=given.read,
        carriers=accelerator.levels_of("backing", "buffer"),
        row_columns=form.row_columns,
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
    return Problem("grouped_gemm" if gemm.own_b else "gemm", dims_of("gemm"), bounds, tensors)


def _ranks(dims: str) -> tuple[tuple[Term, ...], ...]:
    return tuple((Term(dim),) for dim in dims)


def baseline(accelerator: Accelerator) -> Accelerator:
    """The same fabric with nothing but its dense case: what speedups are relative to.

    >>> from crisp_hw.accelerators import load_arch
    >>> baseline(load_arch("crisp-stc")).runs.cases[0].name
    'dense'
    """
    runs = accelerator.runs
    return replace(accelerator, runs=replace(runs, cases=(runs.baseline,)))
