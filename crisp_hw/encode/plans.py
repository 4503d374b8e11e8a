"""How each scheme runs a layer: the GEMM it sees, the densities, the sparse features, and what that assumes."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import ceil
from typing import assert_never

from crisp_hw.encode.shape import Fabric, Gemm, Steps
from crisp_hw.encode.sparsity import dual_sparsity, fits, lanes_for, nm_sparsity, packed_sparsity
from crisp_hw.errors import InputError
from crisp_hw.spec.accelerator import CrispStc, DenseScheme, Dstc, Scheme, Stc
from crisp_hw.spec.descriptors import Descriptor
from crisp_hw.spec.encoded import BlockIndex
from crisp_hw.spec.layer import Layer
from crisp_hw.spec.options import EvaluateOptions
from crisp_hw.spec.patterns import NM, Density, FixedStructured, Hypergeometric
from crisp_hw.spec.sparse import SparseSpec

DensityOf = Callable[[Gemm, Gemm], Density]
"""(real, padded) -> density of a tensor of the padded GEMM."""


def _full(real: Gemm, padded: Gemm) -> Density:
    return FixedStructured(1.0)


@dataclass(frozen=True)
class LayerEncoding:
    """A layer on a scheme, in real sizes."""

    gemm: Gemm
    steps: Steps
    weights: DensityOf = _full
    activations: DensityOf = _full
    sparse: SparseSpec = field(default_factory=SparseSpec)
    assumptions: tuple[str, ...] = ()
    block_index: BlockIndex | None = None
    selects: NM | None = None


def plans(
    descriptor: Descriptor, scheme: Scheme, fabric: Fabric, options: EvaluateOptions
) -> tuple[LayerEncoding, ...]:
    """Every way in which a scheme can run one layer, its own first (sizes in elements, not yet padded); pure.

    Beside its own form, hardware for N:M can take the weights as a denser N:M or dense, and hardware for blocks can
    leave them ungathered: each may need less padding or bandwidth, so that only a search tells which is best.
    """
    match scheme:
        case DenseScheme():
            return (_dense(descriptor, fabric),)
        case Stc(limit):
            return _stc(descriptor, fabric, limit, options)
        case Dstc():
            return (_dstc(descriptor, fabric, options),)
        case CrispStc():
            return _crisp(descriptor, fabric, options)
    assert_never(scheme)


def whole_gemm(descriptor: Descriptor) -> Gemm:
    """The layer as one matrix product per convolution group."""
    layer = descriptor.layer
    rows = layer.rows // layer.groups
    return Gemm(layer.groups, rows, layer.positions, layer.columns, own_b=layer.groups > 1)


def _dense(descriptor: Descriptor, fabric: Fabric, *why: str) -> LayerEncoding:
    return LayerEncoding(whole_gemm(descriptor), Steps(columns=fabric.lanes), assumptions=why)


def _with_nm(gemm: Gemm, nm: NM, fabric: Fabric, options: EvaluateOptions) -> LayerEncoding:
    """N:M of the weights of `gemm` exploited by the lanes; its groups must fit (`lanes_for`)."""
    columns = lanes_for(nm, fabric.lanes) or fabric.lanes
    busy = columns * nm.n // nm.m
    idle = (f"{nm.n}:{nm.m} weights keep only {busy} of {fabric.lanes} lanes busy",) if busy < fabric.lanes else ()
    return LayerEncoding(
        gemm,
        Steps(columns=columns),
        weights=lambda real, padded: FixedStructured(nm.n / nm.m),
        sparse=nm_sparsity(nm, options),
        selects=nm,
        assumptions=(
            f"every N:M group of {nm.m} weights is taken to hold exactly {nm.n} nonzeros; also in the padding",
            *idle,
        ),
    )


def _stc(descriptor: Descriptor, fabric: Fabric, limit: NM, options: EvaluateOptions) -> tuple[LayerEncoding, ...]:
    most = f"{limit.n}:{limit.m}"
    found = descriptor.nm
    if found is None or not fits(found, limit):
        what = f"{found.n}:{found.m} weights" if found else "weights without an N:M pattern"
        return (_dense(descriptor, fabric, f"STC exploits at most {most}, so {what} run dense"),)
    run = _with_nm(whole_gemm(descriptor), limit, fabric, options)
    notes = [] if found == limit else [f"STC runs {found.n}:{found.m} weights as {most}"]
    if descriptor.block_density is not None and descriptor.block_density < 1:
        notes.append("STC computes pruned blocks as it does kept ones")
    dense = _dense(
        descriptor, fabric, f"{found.n}:{found.m} weights run dense, because that is better here than {most}"
    )
    return replace(run, assumptions=(*notes, *run.assumptions)), dense


def _scattered(density: float) -> Density:
    """Nonzeros anywhere; a full tensor is stated as such, because no tile of it can be empty."""
    return FixedStructured(1.0) if density >= 1.0 else Hypergeometric(density)


PERFECT_PACKING = (
    "DSTC packs nonzeros perfectly, so its cycles are a lower bound; public Timeloop does not model how it "
    "packs them into its lanes (position-skipping), and skipping conditioned on both operands stands in for it"
)


def _packing(tiles: int) -> str:
    return (
        f"DSTC packs the nonzeros of a column of up to {tiles} row tiles, and those of a tile of positions, into the "
        "lanes of the array (position-skipping); lanes of the last pass stay idle"
    )


def _dstc(descriptor: Descriptor, fabric: Fabric, options: EvaluateOptions) -> LayerEncoding:
    gemm, packs = whole_gemm(descriptor), options.dstc == "position-skipping"
    # row tiles share their activations, so their nonzeros can be packed together; groups of a convolution do not
    tiles = max(1, fabric.latches // fabric.rows) if packs and not gemm.own_b else 1
    return LayerEncoding(
        gemm,
        Steps(positions=fabric.lanes, packed=tiles),
        # nonzeros are conserved: padding thins the weights by rows and columns, the activations by positions
        weights=lambda real, padded: _scattered(descriptor.nnz * padded.positions / padded.macs),
        activations=lambda real, padded: _scattered(options.activation_density * real.positions / padded.positions),
        sparse=packed_sparsity() if packs else dual_sparsity(),
        assumptions=(
            f"DSTC's nonzeros are scattered uniformly, {options.activation_density:g} of the activations; "
            f"{descriptor.density:.6g} of the weights",
            _packing(tiles) if packs else PERFECT_PACKING,
        ),
    )


def _crisp(descriptor: Descriptor, fabric: Fabric, options: EvaluateOptions) -> tuple[LayerEncoding, ...]:
    """Gathered blocks before the plain product, and each with the weights' own N:M before denser ones and dense."""
    forms = [_Form(*_crisp_gemm(descriptor))]
    if forms[0].index is not None:
        plain = "the kept blocks are not gathered, because that is better here; pruned blocks are computed like them"
        forms.append(_Form(whole_gemm(descriptor), None, (plain,)))
    return tuple(_crisp_run(descriptor, form, nm, fabric, options) for form in forms for nm in _denser(descriptor.nm))


@dataclass(frozen=True)
class _Form:
    """The product that a layer's blocks make, with their index where they are gathered, and what that assumes."""

    gemm: Gemm
    index: BlockIndex | None
    notes: tuple[str, ...]


def _denser(nm: NM | None) -> tuple[NM | None, ...]:
    """The pattern itself and every denser one of its group size, at last dense; N:M weights obey them all.

    >>> _denser(NM(2, 4))
    (NM(n=2, m=4), NM(n=3, m=4), NM(n=4, m=4))
    """
    return (None,) if nm is None else tuple(NM(n, nm.m) for n in range(nm.n, nm.m + 1))


def _crisp_run(
    descriptor: Descriptor, form: _Form, nm: NM | None, fabric: Fabric, options: EvaluateOptions
) -> LayerEncoding:
    """One form with its weights run as `nm`."""
    own = descriptor.nm
    if nm is None or nm.n == nm.m or lanes_for(nm, fabric.lanes) is None:
        what = f"{own.n}:{own.m}" if own else "no N:M pattern"
        reason = f"the lanes run dense (weights have {what}), so zeros inside kept blocks are computed, too"
        said = (reason,) if descriptor.density < 1 else ()
        base = LayerEncoding(form.gemm, Steps(columns=fabric.lanes), assumptions=said)
    else:
        base = _with_nm(form.gemm, nm, fabric, options)
        if own is not None and nm != own:
            denser = f"{own.n}:{own.m} weights run as {nm.n}:{nm.m}, because that is better here"
            base = replace(base, assumptions=(denser, *base.assumptions))
    notes, index = form.notes, form.index
    if index and options.block_index:
        notes = (
            *notes,
            f"the block index has {index.blocks} entries of {index.bits} bits; the energy of moving them with the "
            "weights of their blocks is added to the model's, their share of SMEM bandwidth is not modelled",
        )
    elif index:
        notes = (*notes, "the energy of moving the block index is not counted")
    return replace(base, assumptions=(*notes, *base.assumptions), block_index=index if options.block_index else None)


def _crisp_gemm(descriptor: Descriptor) -> tuple[Gemm, BlockIndex | None, tuple[str, ...]]:
    """Block rows as groups over their own gathered columns; the plain GEMM when no block is pruned."""
    layer, block, total = descriptor.layer, descriptor.block, descriptor.total_blocks
    if descriptor.role != "hybrid" or block is None or total is None or layer.groups > 1:
        why = "the layer is pruned N:M only, so there are no blocks to skip" if descriptor.role == "nm" else ""
        return whole_gemm(descriptor), None, (why,) if why else ()
    kept, notes = _kept_blocks(descriptor, total)
    if kept == total:
        return (
            whole_gemm(descriptor),
            None,
            (*notes, "the fullest block row keeps every block, so the layer runs as a plain matrix product (GEMM)"),
        )
    columns = min(kept * block, layer.columns)
    groups = ceil(layer.rows / block)
    gemm = Gemm(groups, min(block, layer.rows), layer.positions, columns, own_b=True)
    gather = (
        "activations are gathered when they are loaded, so SMEM is filled with K' x N words per block row; to load "
        "them once and gather them at the SMEM read is an alternative that is not modelled"
    )
    return gemm, BlockIndex((total - 1).bit_length(), groups * kept), (*notes, *_ragged(gemm, layer, block), gather)


def _ragged(gemm: Gemm, layer: Layer, block: int) -> tuple[str, ...]:
    """What is counted as a whole block although the matrix ends inside it."""
    rows = f"the last block row has {layer.rows % block} of {block} rows and is counted as full"
    cut = layer.columns % block
    columns = f"the last block of a row has {cut} of {block} columns and is counted as full where it is kept"
    ends = (gemm.groups * gemm.rows > layer.rows, rows), (cut > 0, columns)
    return tuple(text for ends_inside, text in ends if ends_inside)


def _kept_blocks(descriptor: Descriptor, total: int) -> tuple[int, tuple[str, ...]]:
    """Blocks of every block row; of the fullest one, as far as it is known, when they differ."""
    if descriptor.kept_blocks is not None:
        if descriptor.kept_blocks < 1:
            raise InputError(
                f"{descriptor.layer.name}: keeps no block", hint="a layer needs at least one per block row"
            )
        return descriptor.kept_blocks, ()
    if descriptor.most_blocks is None:
        return total, (
            f"block rows keep different numbers of blocks, and the largest is unknown, so all {total} are counted",
        )
    kept = descriptor.most_blocks
    return kept, (
        f"block rows keep different numbers of blocks, so every one is padded to the largest: {kept} of {total}",
    )
