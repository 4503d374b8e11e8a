"""A whole network at a target sparsity: which pattern each layer gets."""

from collections.abc import Sequence
from fractions import Fraction
from math import ceil, floor

from crisp_hw.descriptors.pattern import pattern_nnz
from crisp_hw.errors import InputError
from crisp_hw.spec.descriptors import Role
from crisp_hw.spec.layer import Layer
from crisp_hw.spec.patterns import NM, Dense, Hybrid, Pattern

# A target typed in decimals may miss 1 - n/m by the rounding of a float.
TOLERANCE = 1e-9


def layer_roles(layers: Sequence[Layer]) -> tuple[Role, ...]:
    """Which layers take n:m and blocks, n:m only, or nothing (arXiv 2311.14272 and this project's reading of it).

    Dense: the first convolution, every grouped (depthwise) one, and products of activations. N:M only: the last
    layer, the classifier. Hybrid: all others. Layers stand in execution order.

    >>> stem = Layer("stem", "conv2d", 8, 3, (3, 3), input_size=(8, 8))
    >>> layer_roles([stem, Layer("fc1", "linear", 8, 8), Layer("fc2", "linear", 8, 8)])
    ('dense', 'hybrid', 'nm')
    """
    first = next((i for i, layer in enumerate(layers) if layer.kind == "conv2d"), None)
    able = [i for i, layer in enumerate(layers) if i != first and layer.groups == 1 and layer.kind != "matmul"]
    return tuple("dense" if i not in able else "nm" if i == able[-1] else "hybrid" for i in range(len(layers)))


def network_sparsity(layers: Sequence[Layer], patterns: Sequence[Pattern]) -> float:
    """Zeros over all weights of the prunable layers, those whose pattern is not `Dense` (0.0 when there is none).

    >>> network_sparsity([Layer("a", "linear", 4, 8), Layer("b", "linear", 4, 8)], [NM(2, 4), Dense()])
    0.5
    """
    pruned = [(layer, pattern) for layer, pattern in zip(layers, patterns, strict=True) if pattern != Dense()]
    kept = sum(pattern_nnz(layer, pattern) for layer, pattern in pruned)
    weights = sum(layer.weights for layer, _ in pruned)
    return float(1 - Fraction(kept) / weights) if weights else 0.0


def network_pattern(
    layers: Sequence[Layer],
    nm: NM,
    block: int | None = None,
    sparsity: float | None = None,
    roles: Sequence[Role] | None = None,
) -> tuple[Pattern, ...]:
    """The pattern of every layer so that the network comes as near to `sparsity` as whole blocks allow.

    Every hybrid layer keeps the same share K'/K of its columns, rounded to whole blocks (halves up), at least one.
    `sparsity` is over the prunable weights (`network_sparsity` tells what is reached); of two shares that are equally
    near, the sparser. Without `block` every prunable layer is n:m alone and `sparsity` can be left out. `roles`
    default to `layer_roles`. Raises InputError for a target out of reach, naming the highest and what holds it back.

    >>> layers = [Layer("a", "linear", 64, 640), Layer("b", "linear", 64, 640), Layer("fc", "linear", 10, 64)]
    >>> patterns = network_pattern(layers, NM(2, 4), block=64, sparsity=0.9)
    >>> patterns[0], round(network_sparsity(layers, patterns), 3)
    (Hybrid(nm=NM(n=2, m=4), block=64, kept=2, total=10), 0.897)
    """
    roles = layer_roles(layers) if roles is None else tuple(roles)
    _check(layers, roles, nm, block)
    if block is None:
        patterns = tuple(_pattern(role, nm) for role in roles)
        _check_nm_alone(network_sparsity(layers, patterns), nm, sparsity)
        return patterns
    return _nearest(layers, roles, Hybrid(nm, block, 1, 1), _target(nm, sparsity))


def _nearest(layers: Sequence[Layer], roles: Sequence[Role], one: Hybrid, target: float) -> tuple[Pattern, ...]:
    """The uniform share whose sparsity is nearest to `target`; `one` gives n:m and block."""
    candidates = _shares(
        [ceil(layer.columns / one.block) for layer, r in zip(layers, roles, strict=True) if r == "hybrid"]
    )

    def at(share: Fraction) -> tuple[Pattern, ...]:
        return tuple(_with_share(layer, r, one, share) for layer, r in zip(layers, roles, strict=True))

    def reached(share: Fraction) -> float:
        return network_sparsity(layers, at(share))

    if target > reached(candidates[0]) + TOLERANCE:
        raise _out_of_reach(layers, at(candidates[0]), target)
    low, high = 0, len(candidates) - 1
    while low < high:  # sparsity never rises with the share: the last candidate that is sparse enough
        middle = (low + high + 1) // 2
        low, high = (middle, high) if reached(candidates[middle]) >= target - TOLERANCE else (low, middle - 1)
    beside = candidates[low : low + 2]
    return at(min(beside, key=lambda share: abs(reached(share) - target)))


def _shares(totals: Sequence[int]) -> list[Fraction]:
    """Every share at which some layer's rounded count of blocks changes, ascending; 0 (the floor) comes first."""
    steps = {Fraction(2 * kept - 1, 2 * total) for total in set(totals) for kept in range(2, total + 1)}
    return [Fraction(0), *sorted(steps)]


def _with_share(layer: Layer, role: Role, one: Hybrid, share: Fraction) -> Pattern:
    """The layer's pattern when a hybrid one keeps `share` of its blocks, rounded half up, at least one."""
    if role != "hybrid":
        return _pattern(role, one.nm)
    total = ceil(layer.columns / one.block)
    return Hybrid(one.nm, one.block, min(total, max(1, floor(share * total + Fraction(1, 2)))), total)


def _pattern(role: Role, nm: NM) -> Pattern:
    """A layer's pattern without blocks."""
    return Dense() if role == "dense" else nm


def _check(layers: Sequence[Layer], roles: Sequence[Role], nm: NM, block: int | None) -> None:
    if not 1 <= nm.n <= nm.m:
        raise InputError(f"{nm.n}:{nm.m} is no N:M pattern", hint="n must be 1 to m")
    if block is not None and (block < 1 or block % nm.m):
        raise InputError(
            f"block {block} is no multiple of m = {nm.m}", hint=f"choose blocks that hold whole {nm.n}:{nm.m} groups"
        )
    if len(roles) != len(layers):
        raise InputError(f"{len(roles)} roles for {len(layers)} layers", hint="give one role per layer")
    if block is not None and "hybrid" not in roles:
        raise InputError(
            f"none of the {len(layers)} layers can take blocks", hint="leave out the block or give their roles"
        )


def _check_nm_alone(alone: float, nm: NM, sparsity: float | None) -> None:
    if sparsity is not None:
        _check_share(sparsity)
    # Half a percent: what people round 2:3 or 3:4 to when they type it.
    if sparsity is not None and not abs(sparsity - alone) <= 0.005:
        raise InputError(
            f"{nm.n}:{nm.m} alone gives sparsity {alone:.4f}, not {sparsity}",
            hint="give a block size, or leave out the sparsity",
        )


def _check_share(sparsity: float) -> None:
    if not 0 <= sparsity < 1:  # NaN is neither
        percent = f"write {sparsity / 100:g} for {sparsity:g} %" if 1 < sparsity < 100 else ""
        bounds = "from 0 to 1" if sparsity < 0 else "below 1"
        raise InputError(f"sparsity {sparsity} must be a fraction {bounds}, such as 0.9", hint=percent)


def _target(nm: NM, sparsity: float | None) -> float:
    """The target, when blocks can be asked for it."""
    alone = 1 - nm.n / nm.m
    if sparsity is None:
        raise InputError("blocks need a target sparsity", hint="give one, or leave out the block for N:M alone")
    _check_share(sparsity)
    if sparsity < alone - TOLERANCE:
        raise InputError(
            f"sparsity {sparsity} is below the {alone:.4f} that {nm.n}:{nm.m} gives before any block is pruned",
            hint=f"raise it, or choose a pattern that keeps more of every {nm.m}",
        )
    return sparsity


def _out_of_reach(layers: Sequence[Layer], sparsest: Sequence[Pattern], target: float) -> InputError:
    """The error that names the highest sparsity and the layers that keep more than their share."""
    highest = network_sparsity(layers, sparsest)
    kept = [(pattern_nnz(layer, pattern), layer, pattern) for layer, pattern in zip(layers, sparsest, strict=True)]
    holding = [entry for entry in kept if entry[2] != Dense() and entry[0] > (1 - target) * entry[1].weights]
    holding.sort(key=lambda entry: entry[0], reverse=True)
    blame = ", ".join(f"{layer.name} keeps {round(nnz)} of {layer.weights}" for nnz, layer, _ in holding[:5])
    more = f" and {len(holding) - 5} more" if len(holding) > 5 else ""
    return InputError(
        (
            f"sparsity {target} is out of reach: the highest is {floor(highest * 10000) / 10000:.4f}, "
            f"held back by {blame}{more}"
        ),
        hint="lower the sparsity or the block",
    )
