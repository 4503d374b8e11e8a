"""The cases of an accelerator that fit a layer: the product that each sees, its densities, sparse features, remarks."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from math import ceil

from crisp_hw.encode.scope import Scope, fullest_row, pieces
from crisp_hw.encode.shape import Fabric, Gemm, Steps
from crisp_hw.encode.sparsity import share_of, sparse_spec
from crisp_hw.errors import InputError
from crisp_hw.machine.expressions import names_in
from crisp_hw.spec.descriptors import Descriptor
from crisp_hw.spec.encoded import BlockIndex, CircuitUse
from crisp_hw.spec.layer import Layer
from crisp_hw.spec.limits import MOST_SWEPT
from crisp_hw.spec.options import EvaluateOptions
from crisp_hw.spec.patterns import Density, FixedStructured, Hypergeometric
from crisp_hw.spec.runs import Case, Formula, Nonzeros, Remark, Runs
from crisp_hw.spec.sparse import SparseSpec

ROUNDING = 1e-6  # relative: what shares and counts of nonzeros may differ by that are the same
DensityOf = Callable[[Gemm, Gemm], Density]
"""(real, padded) -> density of a tensor of the padded GEMM."""


def _full(real: Gemm, padded: Gemm) -> Density:
    return FixedStructured(1.0)


@dataclass(frozen=True)
class LayerEncoding:
    """A layer as one case runs it, in real sizes; `limits` are bounds of loops by level and dimension."""

    case: Case
    gemm: Gemm
    steps: Steps
    weights: DensityOf = _full
    activations: DensityOf = _full
    sparse: SparseSpec = field(default_factory=SparseSpec)
    assumptions: tuple[str, ...] = ()
    block_index: BlockIndex | None = None
    charges: tuple[CircuitUse, ...] = ()
    limits: Mapping[tuple[str, str], int] = field(default_factory=dict)
    pads: Mapping[str, int] = field(default_factory=dict)
    row_columns: tuple[int, ...] = ()


def fitting(runs: Runs, scope: Scope) -> Iterator[tuple[Case, Scope]]:
    """The cases that fit, in the order of the file, each with what its formulas may name.

    A product of activations has no pruned weights: it runs as the dense run does, unless a condition asks for its kind.
    """
    fits = False
    product = scope["kind"] == "matmul"
    for case in runs.cases:
        if product and (case.when is None or "kind" not in names_in(case.when.text)):
            continue
        for inner in _swept(case, scope):
            if inner.holds(case.when):
                fits = True
                yield case, inner
                if runs.take == "first":
                    return
    if product and not fits and not runs.skips:
        yield runs.baseline, scope


def _swept(case: Case, scope: Scope) -> Iterator[Scope]:
    if case.each is None:
        yield scope
        return
    name, first, last = case.each.name, scope.whole(case.each.first, -1), scope.whole(case.each.last, -1)
    if last - first >= MOST_SWEPT:
        said = f"{name} would take {last - first + 1:,} values here"
        raise InputError(said, case.each.last.at, f"let it take at most {MOST_SWEPT:,}")
    yield from (scope.within({name: value}) for value in range(first, last + 1))


def layer_encoding(
    case: Case, scope: Scope, descriptor: Descriptor, fabric: Fabric, options: EvaluateOptions
) -> LayerEncoding:
    """One case of a layer, with every formula computed; pure."""
    product = _gathered(descriptor) if case.problem == "gathered" else _Product(whole_gemm(descriptor))
    index = _index(case, scope)
    return LayerEncoding(
        case=case,
        gemm=product.gemm,
        steps=_steps(case, scope, fabric),
        weights=_weights(case.weights, scope),
        activations=_activations(case.activations, scope),
        sparse=sparse_spec(case, scope),
        assumptions=(*product.notes, *_index_notes(index, options), *_remarks(case.remarks, scope)),
        block_index=index if options.block_index else None,
        charges=tuple(CircuitUse(c.circuit, c.per, _size(c.size, scope)) for c in case.charges),
        limits={(limit.level, limit.dim): scope.whole(limit.most, 1) for limit in case.limits},
        pads={dim: scope.whole(formula, 1) for dim, formula in case.pads.items()},
        row_columns=product.row_columns,
    )


def _size(formula: Formula, scope: Scope) -> float:
    """How many times a circuit is as large as that of the energy table."""
    size = float(scope.number(formula))
    if size < 0:
        raise InputError(f"{formula.text} is {size:g} here", formula.at, "a circuit has a size of 0 or more")
    return size


def whole_gemm(descriptor: Descriptor) -> Gemm:
    """The layer as one matrix product per convolution group."""
    layer = descriptor.layer
    rows = layer.rows // layer.groups
    return Gemm(layer.groups, rows, layer.positions, layer.columns, own_b=layer.groups > 1)


def _steps(case: Case, scope: Scope, fabric: Fabric) -> Steps:
    at_once = {dim: scope.whole(formula, 1) for dim, formula in case.across.items()} or fabric.across
    return Steps(at_once.get("K", 1), at_once.get("N", 1))


def _weights(nonzeros: Nonzeros | None, scope: Scope) -> DensityOf:
    """Scattered ones are conserved: padding thins them out."""
    if nonzeros is None:
        return _full
    share = share_of(nonzeros, scope)
    count = _count(share, scope)

    def density(real: Gemm, padded: Gemm) -> Density:
        words = padded.macs // padded.positions
        held = share * words if nonzeros.kind == "structured" else count
        if held < scope["nonzeros"] * (1 - ROUNDING):
            said = f"{nonzeros.value.text} is {share:g} here, {held:,.0f} of {words:,} weights"
            hint = f"the layer has {scope['nonzeros']:,.0f} nonzeros: state no fewer" + (
                "" if nonzeros.kind == "structured" else "; density is the share that it has"
            )
            raise InputError(said, nonzeros.value.at, hint)
        return FixedStructured(share) if nonzeros.kind == "structured" else _scattered(count / words)

    return density


def _count(share: float, scope: Scope) -> float:
    """Nonzeros of the layer; the weights' own number where their own density is meant."""
    return scope["nonzeros"] if share == scope["density"] else share * scope["rows"] * scope["columns"]  # type: ignore[no-any-return]


def _activations(nonzeros: Nonzeros | None, scope: Scope) -> DensityOf:
    """Scattered ones are thinned by padded positions alone: padded columns have no weights, which counts already."""
    if nonzeros is None:
        return _full
    share = share_of(nonzeros, scope)
    if nonzeros.kind == "structured":
        return lambda real, padded: FixedStructured(share)
    return lambda real, padded: _scattered(share * real.positions / padded.positions)


def _scattered(density: float) -> Density:
    """Nonzeros anywhere; a full tensor is stated as such, because no tile of it can be empty."""
    return FixedStructured(1.0) if density >= 1.0 else Hypergeometric(density)


@dataclass(frozen=True)
class _Product:
    """A matrix product, and what had to be assumed to make it."""

    gemm: Gemm
    notes: tuple[str, ...] = ()
    row_columns: tuple[int, ...] = ()


def _gathered(descriptor: Descriptor) -> _Product:
    """Block rows as groups over their own gathered columns."""
    layer, block = descriptor.layer, descriptor.block
    if block is None or layer.groups > 1:
        raise InputError(f"{layer.name}: has no blocks to gather", hint="a gathered case needs `when: gathers`")
    kept = fullest_row(descriptor)
    if kept < 1:
        raise InputError(f"{layer.name}: keeps no block", hint="a layer needs at least one per block row")
    rows = descriptor.row_blocks
    uneven = (
        f"block rows keep {min(rows)} to {max(rows)} of {descriptor.total_blocks} blocks: the model moves and computes "
        f"{kept} for each, their mean rounded up, and cores that wait for a longer row are counted beside it"
        if rows
        else "block rows keep different numbers of blocks, so every one is padded to the largest: "
        f"{kept} of {descriptor.total_blocks}"
    )
    columns = min(kept * block, layer.columns)
    gemm = Gemm(ceil(layer.rows / block), min(block, layer.rows), layer.positions, columns, own_b=True)
    gather = (
        "activations are gathered when they are loaded, so the buffer is filled with K' x N words per block row; to "
        "load them once and gather them when the buffer is read is an alternative that is not modelled"
    )
    balanced = () if descriptor.kept_blocks is not None else (uneven,)
    row_columns = tuple(min(each * block, layer.columns) for each in rows)
    return _Product(gemm, (*balanced, *_ragged(gemm, layer, block), gather), row_columns)


def _ragged(gemm: Gemm, layer: Layer, block: int) -> tuple[str, ...]:
    """What is counted as a whole block although the matrix ends inside it."""
    rows = f"the last block row has {layer.rows % block} of {block} rows and is counted as full"
    cut = layer.columns % block
    columns = f"the last block of a row has {cut} of {block} columns and is counted as full where it is kept"
    ends = (gemm.groups * gemm.rows > layer.rows, rows), (cut > 0, columns)
    return tuple(text for ends_inside, text in ends if ends_inside)


def _index(case: Case, scope: Scope) -> BlockIndex | None:
    rule = case.index
    return None if rule is None else BlockIndex(scope.whole(rule.bits), scope.whole(rule.entries))


def _index_notes(index: BlockIndex | None, options: EvaluateOptions) -> tuple[str, ...]:
    if index is None:
        return ()
    if not options.block_index:
        return ("the energy of moving the block index is not counted",)
    return (
        f"the block index has {index.blocks} entries of {index.bits} bits; the energy of moving them with the weights "
        "of their blocks is added to the model's, their share of the buffer's bandwidth is not modelled",
    )


def _remarks(remarks: tuple[Remark, ...], scope: Scope) -> tuple[str, ...]:
    aside = scope.aside()
    return tuple(_said(each, aside) for each in remarks if aside.holds(each.when))


def _said(remark: Remark, scope: Scope) -> str:
    """The text of a remark, with what its formulas come to."""
    told: list[str] = []
    for place, piece in enumerate(pieces(remark.text)):
        value = scope.number(Formula(piece, remark.at)) if place % 2 else piece
        told.append(f"{value:.6g}" if isinstance(value, float) else str(value))
    return "".join(told)
