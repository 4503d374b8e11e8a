"""The pruner's state as plain values and packed masks, and back."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from crisp_hw.errors import InputError
from crisp_prune import rng
from crisp_prune.config import CrispConfig
from crisp_prune.geometry import Call, Geometry
from crisp_prune.iterate import Iteration, MatrixMasks
from crisp_prune.packing import pack, unpack

if TYPE_CHECKING:
    from crisp_prune.prune import Crisp

VERSION = 1
"""Version of the layout below."""


def to_dict(pruner: "Crisp") -> dict[str, Any]:
    """Everything that `Crisp.state_dict` promises, in types that `torch.load(weights_only=True)` accepts."""
    return {
        "version": VERSION,
        "config": pruner.config.as_dict(),
        "classes": list(pruner.config.classes),
        "iteration": pruner.iteration,
        "history": [_iteration_to_dict(done) for done in pruner.history],
        "geometry": _geometry_to_dict(pruner.geometry),
        "masks": {name: _masks_to_dict(masks) for name, masks in pruner.masks.items()},
        "sums": {name: total.cpu() for name, total in pruner.gradients.sums.items()},
        "batches": pruner.gradients.batches,
        "rng": rng.capture(),
    }


def from_dict(pruner: "Crisp", saved: Mapping[str, Any]) -> None:
    """Put a saved state into a pruner of the same model and config; nothing is changed when it does not fit."""
    if saved.get("version") != VERSION:
        raise InputError(f"the pruner state has version {saved.get('version')}, this release reads {VERSION}")
    require_config(pruner.config, saved["config"])
    geometry = _geometry_from_dict(saved["geometry"])
    shapes = {layer.name: layer.grid for layer in pruner.plan_with(geometry).layers if layer.role != "dense"}
    if saved["masks"].keys() != shapes.keys():
        different = sorted(saved["masks"].keys() ^ shapes.keys())
        raise InputError(f"the saved state prunes other layers than this model has: {', '.join(different)}")
    masks = {}
    for name, grid in shapes.items():
        packed = saved["masks"][name]
        if tuple(packed["shape"]) != (grid.rows, grid.columns):
            raise InputError(f"{name}: saved masks are {packed['shape']}, the weight is {[grid.rows, grid.columns]}")
        masks[name] = MatrixMasks(
            unpack(packed["nm"], (grid.rows, grid.columns)), unpack(packed["blocks"], grid.shape), grid
        )
    pruner.set_state(geometry, [_iteration_from_dict(done) for done in saved["history"]], masks)
    weights = pruner.weights
    pruner.gradients.sums = {name: total.to(weights[name].device) for name, total in saved["sums"].items()}
    pruner.gradients.batches = saved["batches"]
    rng.restore(saved["rng"])


def require_config(config: CrispConfig, saved: Mapping[str, Any]) -> None:
    """InputError that names the fields in which a saved config differs.

    >>> require_config(CrispConfig(), CrispConfig().as_dict())
    """
    mine = config.as_dict()
    different = [name for name in sorted(mine.keys() | saved.keys()) if mine.get(name) != saved.get(name)]
    if different:
        pairs = ", ".join(f"{name} {saved.get(name)!r} (now {mine.get(name)!r})" for name in different)
        raise InputError(f"the saved run has another config: {pairs}; resume with the saved values")


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
    return Iteration(saved["index"], saved["target"], saved["sparsity"], dict(saved["live_blocks"]))


def _geometry_to_dict(geometry: Geometry | None) -> dict[str, Any] | None:
    """Plain values."""
    if geometry is None:
        return None
    return {"batch": geometry.batch, "calls": [[call.use, list(call.shape)] for call in geometry.calls]}


def _geometry_from_dict(saved: Mapping[str, Any] | None) -> Geometry | None:
    """The inverse of `_geometry_to_dict`."""
    if saved is None:
        return None
    return Geometry(tuple(Call(use, tuple(shape)) for use, shape in saved["calls"]), saved["batch"])
