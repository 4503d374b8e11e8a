"""The names that the formulas of an accelerator may use, and what they are for one layer."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, get_args

from crisp_hw.encode.shape import Fabric
from crisp_hw.errors import InputError
from crisp_hw.machine.expressions import FUNCTIONS, evaluate
from crisp_hw.spec.descriptors import Descriptor, Role
from crisp_hw.spec.layer import Layer, LayerKind
from crisp_hw.spec.options import EvaluateOptions, Offsets, PackingModel
from crisp_hw.spec.patterns import NM
from crisp_hw.spec.runs import Formula

NAMES: Mapping[str, str] = {
    "kind": "conv2d, linear or matmul, a product of activations",
    "rows": "output channels of the layer",
    "columns": "kernel height x kernel width x input channels per group",
    "positions": "output positions of one sample, tokens included",
    "groups": "groups of a convolution",
    "tokens": "input vectors (images) of one sample",
    "in_channels": "input channels",
    "kernel_height": "kernel height",
    "kernel_width": "kernel width",
    "stride": "the larger of the two strides",
    "dilation": "the larger of the two dilations",
    "output_height": "height of the output",
    "output_width": "width of the output",
    "role": "what the layer is to the pruner: hybrid, nm or dense",
    "n": "nonzeros of a group of N:M weights; 0 without such a pattern",
    "m": "columns of a group of N:M weights; 0 without such a pattern",
    "outer_n": "groups of m columns that hold anything, of every outer_m; 0 where any may",
    "outer_m": "groups of m columns of which outer_n hold anything; 0 where any may",
    "row_counts": "a list: rows whose fullest group of m columns holds 0, 1, ... m nonzeros; empty without N:M",
    "block": "side of the blocks; 0 without blocks",
    "blocks": "blocks of a block row",
    "block_rows": "block rows",
    "kept": "kept blocks of the fullest block row, or of the mean one where a mask tells them apart",
    "block_density": "kept blocks over all blocks; 1 without blocks",
    "balanced": "does every block row keep as many blocks?",
    "fullest_known": "is the number of blocks of the fullest row known?",
    "gathers": "are there blocks, of which every block row has lost some?",
    "nonzeros": "weights that are not zero",
    "density": "nonzeros over all weights",
    "lanes": "MACs of an array along its other axis than that of the rows",
    "array_rows": "MACs of an array along the axis of the rows",
    "cores": "arrays of MACs",
    "accumulators": "positions whose sums fit beside one row of an array",
    "latches": "words of one array's latches",
    "activation_density": "the option: share of activations that are not zero",
    "activation_n": "the option: nonzeros of a group of N:M activations; 0 without such a pattern",
    "activation_m": "the option: input channels of a group of N:M activations; 0 without such a pattern",
    "offsets": "the option: coordinate or mask",
    "packing": "the option: skipping or position-skipping",
}
"""Of a layer, of its zeros, of the fabric, and of the options; what each means."""

TEXTS: Mapping[str, tuple[str, ...]] = {
    "kind": get_args(LayerKind),
    "role": get_args(Role),
    "offsets": get_args(Offsets),
    "packing": get_args(PackingModel),
}
"""The names that are text, and all that each can be."""

OF_ARRAY = frozenset({"lanes", "array_rows", "cores", "accumulators", "latches"})
"""The names of the array that `spatial: fill` makes; without one there are none."""

OPTIONS = {
    "activation_density": "activation_density",
    "activation_n": "activation_nm",
    "activation_m": "activation_nm",
    "offsets": "offsets",
    "packing": "packing",
}
"""The names that come from options, and from which."""


def ceil_log2(number: int) -> int:
    """Bits that tell `number` things apart.

    >>> [ceil_log2(number) for number in (1, 2, 3, 4, 5)]
    [0, 1, 2, 2, 3]
    """
    return (int(number) - 1).bit_length()


def fits(n: int, m: int, most_n: int, most_m: int) -> bool:
    """Does every matrix that obeys n:m obey most_n:most_m?

    >>> [fits(*nm, 2, 4) for nm in ((1, 4), (1, 2), (2, 8), (3, 4), (0, 0))]
    [True, True, True, False, False]
    """
    if n < 1 or m < 1:
        return False
    groups = -(-most_m // m) if most_m % m == 0 else 1 + -(-(most_m - 1) // m)
    if m % most_m == 0:
        groups = 1  # an aligned group of the limit lies inside one group
    return min(most_m, groups * n) <= most_n


def row_share(counts: Sequence[int], allowed: Sequence[int]) -> float:
    """Weights that are taken, over all, where every row runs as the sparsest n of `allowed` that holds it, else as m.

    `counts` are the rows whose fullest group holds 0, 1, ... m nonzeros.

    >>> row_share([0, 2, 1, 1, 0], [1, 2])
    0.5
    """
    m = len(counts) - 1
    every = sum(rows for rows in counts)
    taken = sum(rows * min([n for n in allowed if held <= n <= m] or [m]) for held, rows in enumerate(counts))
    return taken / (m * every) if m > 0 and every else 1.0


CALLS: Mapping[str, Callable[..., Any]] = {
    **FUNCTIONS,
    "ceil_log2": ceil_log2,
    "fits": fits,
    "row_share": row_share,
}
"""The functions that a formula may call."""


class Scope(Mapping[str, Any]):
    """Values by name; it remembers the `options` that were read, because those have an effect."""

    def __init__(self, values: Mapping[str, Any], read: set[str] | None = None) -> None:
        self._values = values
        self.read: set[str] = set() if read is None else read

    def __getitem__(self, name: str) -> Any:
        if name in OPTIONS:
            self.read.add(OPTIONS[name])
        return self._values[name]

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def within(self, values: Mapping[str, Any]) -> "Scope":
        """The same with more names."""
        return Scope({**self._values, **values}, self.read)

    def aside(self) -> "Scope":
        """The same, of which nothing is remembered: for words, which change no number."""
        return Scope(self._values)

    def number(self, formula: Formula) -> Any:
        """The value of a formula; InputError with its line where it has none."""
        try:
            return evaluate(formula.text, self, CALLS)
        except InputError as error:
            raise InputError(error.reason, formula.at, error.hint) from error

    def whole(self, formula: Formula, least: int = 0) -> int:
        """The value of a formula that counts something."""
        value = self.number(formula)
        if isinstance(value, bool) or value != int(value) or value < least:
            said = f"{formula.text} is {value} here"
            raise InputError(said, formula.at, f"it must be a whole number, {least} or more")
        return int(value)

    def holds(self, formula: Formula | None) -> bool:
        """Is a condition met? None always is."""
        return formula is None or bool(self.number(formula))


def scope_of(
    descriptor: Descriptor, fabric: Fabric, options: EvaluateOptions, parameters: Mapping[str, float]
) -> Scope:
    """Every name of NAMES for one layer, and the accelerator's own parameters."""
    values = {**_of_layer(descriptor.layer), **_of_zeros(descriptor), **_of_fabric(fabric)}
    activation_nm = options.activations or NM(0, 0)
    chosen = {
        "activation_density": options.activation_share,
        "activation_n": activation_nm.n,
        "activation_m": activation_nm.m,
        "offsets": options.offsets,
        "packing": options.packing,
    }
    return Scope({**values, **chosen, **parameters})


def _of_layer(layer: Layer) -> dict[str, Any]:
    height, width = layer.output_size if layer.kind == "conv2d" else (1, 1)
    return {
        "kind": layer.kind,
        "rows": layer.rows,
        "columns": layer.columns,
        "positions": layer.positions,
        "groups": layer.groups,
        "tokens": layer.tokens,
        "in_channels": layer.in_channels,
        "kernel_height": layer.kernel[0],
        "kernel_width": layer.kernel[1],
        "stride": max(layer.stride),
        "dilation": max(layer.dilation),
        "output_height": height,
        "output_width": width,
    }


def _of_zeros(descriptor: Descriptor) -> dict[str, Any]:
    nm, layer = descriptor.nm or NM(0, 0), descriptor.layer
    outer = NM(0, 0) if descriptor.two_rank is None else descriptor.two_rank.outer
    total, kept = descriptor.total_blocks or 0, fullest_row(descriptor)
    there = descriptor.role == "hybrid" and descriptor.block is not None and total > 0 and layer.groups == 1
    return {
        "role": descriptor.role,
        "n": nm.n,
        "m": nm.m,
        "outer_n": outer.n,
        "outer_m": outer.m,
        "row_counts": _row_counts(descriptor),
        "block": descriptor.block or 0,
        "blocks": total,
        "block_rows": -(-layer.rows // descriptor.block) if descriptor.block else 0,
        "kept": kept,
        "block_density": 1.0 if descriptor.block_density is None else descriptor.block_density,
        "balanced": descriptor.kept_blocks is not None,
        "fullest_known": descriptor.kept_blocks is not None or descriptor.most_blocks is not None,
        "gathers": there and kept < total,
        "nonzeros": descriptor.nnz,
        "density": descriptor.density,
    }


def _row_counts(descriptor: Descriptor) -> list[int]:
    """Rows whose fullest group holds 0, 1, ... m nonzeros; all of them the same where nothing else is known."""
    found, nm = descriptor.row_patterns, descriptor.nm
    if not found and nm is None:
        return []
    held = {each.nm.n: each.rows for each in found} if found else {nm.n: descriptor.layer.rows} if nm else {}
    return [held.get(n, 0) for n in range((found[0].nm.m if found else nm.m if nm else 0) + 1)]


def fullest_row(descriptor: Descriptor) -> int:
    """Kept blocks of the fullest block row; all of a row where that is not known."""
    known = next((each for each in (descriptor.kept_blocks, descriptor.most_blocks) if each is not None), None)
    return (descriptor.total_blocks or 0) if known is None else known


def _of_fabric(fabric: Fabric) -> dict[str, Any]:
    return {
        "lanes": fabric.lanes,
        "array_rows": fabric.rows,
        "cores": fabric.cores,
        "accumulators": fabric.positions,
        "latches": fabric.latches,
    }


@lru_cache(maxsize=1024)
def pieces(text: str) -> tuple[str, ...]:
    """A remark cut at its braces: text and formulas in turn.

    >>> pieces("keeps {n}:{m} of it")
    ('keeps ', 'n', ':', 'm', ' of it')
    """
    found: list[str] = []
    for part in text.split("{"):
        before, brace, after = part.partition("}")
        found += [before, after] if brace else [part]
    return tuple(found)
