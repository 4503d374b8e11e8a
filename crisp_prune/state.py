"""Where a pruner stands, as one frozen value; the same as plain values and packed masks, and back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from crisp_hw.errors import InputError, Where
from crisp_hw.products.product import Product
from crisp_hw.spec.wrapped import by_plain_name, plain_name
from crisp_prune import rng
from crisp_prune.config import CrispConfig
from crisp_prune.geometry import Call, Geometry
from crisp_prune.iterate import Iteration, MatrixMasks, sparsity_of
from crisp_prune.packing import pack, unpack
from crisp_prune.plan import make_plan, reaching

VERSION = 1
"""Version of the layout below."""
PRODUCT = ("module", "after", "rows", "columns", "tokens", "groups", "role", "masked")
"""What is kept of a product of activations."""


@dataclass(frozen=True)
class PrunerState:
    """All that a pruner knows beside the weights: what was asked, seen and decided so far.

    `masks` has the prunable layers by name; `sums` and `batches` are the gradients collected for the next iteration
    (`gradients.GradientSums`); `geometry` is None until a forward pass was recorded.
    """

    config: CrispConfig
    geometry: Geometry | None = None
    history: tuple[Iteration, ...] = ()
    masks: Mapping[str, MatrixMasks] = field(default_factory=dict)
    sums: Mapping[str, Tensor] = field(default_factory=dict)
    batches: int = 0

    def __repr__(self) -> str:
        return (
            f"<PrunerState after {self.iteration} of {self.config.iterations + 1} iterations: {len(self.masks)} masks>"
        )

    @property
    def iteration(self) -> int:
        """Index of the next iteration, 0 before the first."""
        return len(self.history)

    @property
    def done(self) -> bool:
        """True when the last iteration has been made."""
        return self.iteration > self.config.iterations

    @property
    def sparsity(self) -> float:
        """Sparsity of the masks over all prunable weights, N:M counted."""
        return sparsity_of(self.masks)


def to_dict(state: PrunerState) -> dict[str, Any]:
    """The state and the random generators, in types that `torch.load(weights_only=True)` accepts."""
    return {
        "version": VERSION,
        "config": state.config.as_dict(),
        "classes": list(state.config.classes),
        "iteration": state.iteration,
        "history": [_iteration_to_dict(done) for done in state.history],
        "geometry": _geometry_to_dict(state.geometry),
        "masks": {name: _masks_to_dict(masks) for name, masks in state.masks.items()},
        "sums": {name: total.cpu() for name, total in state.sums.items()},
        "batches": state.batches,
        "rng": rng.capture(),
    }


def from_dict(saved: Mapping[str, Any], model: nn.Module, config: CrispConfig) -> PrunerState:
    """The state that `to_dict` saved, for a pruner of the same model and config.

    InputError when version, config or layers differ; nothing is changed.
    """
    if saved.get("version") != VERSION:
        raise InputError(f"the pruner state has version {saved.get('version')}, this release reads {VERSION}")
    geometry = _geometry_from_dict(saved["geometry"])
    packed_masks = by_plain_name(saved["masks"])
    plan = make_plan(model, config, geometry)
    config = reaching(config, plan)
    require_config(config, saved["config"])
    shapes = {layer.name: layer.grid for layer in plan.layers if layer.role != "dense"}
    if packed_masks.keys() != shapes.keys():
        different = sorted(packed_masks.keys() ^ shapes.keys())
        raise InputError(f"the saved state prunes other layers than this model has: {', '.join(different)}")
    masks = {}
    for name, grid in shapes.items():
        packed = packed_masks[name]
        if tuple(packed["shape"]) != (grid.rows, grid.columns):
            raise InputError(
                f"saved masks are {packed['shape']}, the weight is {[grid.rows, grid.columns]}", Where(key=name)
            )
        masks[name] = MatrixMasks(
            unpack(packed["nm"], (grid.rows, grid.columns)), unpack(packed["blocks"], grid.shape), grid
        )
    history = tuple(_iteration_from_dict(done) for done in saved["history"])
    return PrunerState(config, geometry, history, masks, by_plain_name(saved["sums"]), saved["batches"])


def require_config(config: CrispConfig, saved: Mapping[str, Any]) -> None:
    """InputError that names the fields in which a saved config differs.

    >>> require_config(CrispConfig(), CrispConfig().as_dict())
    """
    mine = config.as_dict()
    different = [name for name in sorted(mine.keys() | saved.keys()) if mine.get(name) != saved.get(name)]
    if different:
        pairs = ", ".join(f"{name} {saved.get(name)!r} (now {mine.get(name)!r})" for name in different)
        raise InputError(f"the saved run has another config: {pairs}", hint="resume with the saved values")


def _masks_to_dict(masks: MatrixMasks) -> dict[str, Any]:
    """Packed N:M and block masks with the matrix's shape."""
    return {"shape": [masks.grid.rows, masks.grid.columns], "nm": pack(masks.nm), "blocks": pack(masks.blocks)}


def _iteration_to_dict(done: Iteration) -> dict[str, Any]:
    """Plain values."""
    return {
        "index": done.index,
        "target": done.target,
        "sparsity": done.sparsity,
        "live_blocks": dict(done.live_blocks),
    }


def _iteration_from_dict(saved: Mapping[str, Any]) -> Iteration:
    """The inverse of `_iteration_to_dict`."""
    return Iteration(saved["index"], saved["target"], saved["sparsity"], by_plain_name(saved["live_blocks"]))


def _geometry_to_dict(geometry: Geometry | None) -> dict[str, Any] | None:
    """Plain values."""
    if geometry is None:
        return None
    calls = [
        [call.use, list(call.shape), [list(shape) for shape in call.others], list(call.output)]
        for call in geometry.calls
    ]
    products = None if geometry.products is None else [_product_to_dict(each) for each in geometry.products]
    return {
        "batch": geometry.batch,
        "calls": calls,
        "obstacles": dict(geometry.obstacles),
        "products": products,
        "headless": geometry.headless,
        "norms": dict(geometry.norms),
        "outside": dict(geometry.outside),
    }


def _product_to_dict(product: Product) -> dict[str, Any]:
    """Its plain values; one of activations has no others."""
    return {name: getattr(product, name) for name in PRODUCT}


def _geometry_from_dict(saved: Mapping[str, Any] | None) -> Geometry | None:
    """The inverse of `_geometry_to_dict`."""
    if saved is None:
        return None
    products = saved.get("products")  # earlier releases looked for none
    return Geometry(
        tuple(_call(*call) for call in saved["calls"]),
        saved["batch"],
        by_plain_name(saved.get("obstacles", {})),
        None if products is None else tuple(_product(each) for each in products),
        saved.get("headless", False),
        {layer: plain_name(norm) for layer, norm in by_plain_name(saved.get("norms", {})).items()},
        saved.get("outside", {}),
    )


def _product(saved: Mapping[str, Any]) -> Product:
    """The inverse of `_product_to_dict`."""
    return Product(**{**saved, "module": plain_name(saved["module"])})


def _call(use: str, shape: list[int], others: Sequence[list[int]] = (), output: Sequence[int] = ()) -> Call:
    """A saved call; files of earlier releases have its input's shape alone, and wrappers' words in names."""
    return Call(plain_name(use), tuple(shape), tuple(tuple(other) for other in others), tuple(output))
