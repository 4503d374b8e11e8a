"""The masks of a pruned-model file, as a pruner of the same network has them."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from crisp_hw.errors import InputError, Where
from crisp_hw.spec.descriptors import PrunedModel
from crisp_hw.spec.kinds import wrong_kind
from crisp_hw.spec.shown import listed
from crisp_hw.spec.wrapped import by_plain_name
from crisp_prune.blocks import block_sums
from crisp_prune.config import CrispConfig
from crisp_prune.geometry import Geometry, layers_of
from crisp_prune.iterate import Iteration, MatrixMasks
from crisp_prune.plan import Plan
from crisp_prune.sites import find_sites


def config_of(pruned: Any) -> CrispConfig:
    """The config that a file says it was pruned with; InputError where no config of crisp_prune stands in it."""
    if not isinstance(pruned, PrunedModel):
        raise wrong_kind("the pruned model", pruned, 'crisp_hw.load_pruned("run.pt"), or what `export` returns')
    saved = pruned.provenance.get("config")
    if pruned.provenance.get("pruner") != "crisp_prune" or not isinstance(saved, Mapping):
        said = f"{pruned.name} does not say how it was pruned"
        raise InputError(said, hint="give the config that describes its masks: from_pruned(model, pruned, config=...)")
    return CrispConfig(**saved)


def all_done(config: CrispConfig, sparsity: float) -> tuple[Iteration, ...]:
    """The history of a pruner whose masks come from a file: every iteration is done, and only the end is known.

    >>> len(all_done(CrispConfig(sparsity=0.9), 0.9))
    9
    """
    return tuple(Iteration(index, target, sparsity) for index, target in enumerate(config.targets))


def revived(model: nn.Module, pruned: PrunedModel, plan: Plan, geometry: Geometry) -> dict[str, MatrixMasks]:
    """The masks by layer; InputError where a layer of the plan is missing in the file, or has another shape there.

    Blocks live where the mask keeps a weight of them; what N:M would keep in the others is nobody's concern any more.
    """
    keep = _keep(model, pruned, geometry)
    wanted = {layer.name: layer.grid for layer in plan.layers if layer.role != "dense"}
    missing = [name for name in wanted if name not in keep]
    if missing:
        raise InputError(f"{pruned.name} has no mask of {listed(missing, 3)}", hint="is it a file of this network?")
    found: dict[str, MatrixMasks] = {}
    for name, grid in wanted.items():
        if tuple(keep[name].shape) != (grid.rows, grid.columns):
            said = f"the mask is {list(keep[name].shape)}, the weight is {[grid.rows, grid.columns]}"
            raise InputError(said, Where(key=name), "is it a file of this network?")
        blocks = block_sums(keep[name].float(), grid) > 0
        masks = MatrixMasks(torch.ones_like(keep[name]), blocks, grid)
        found[name] = MatrixMasks(keep[name] | ~masks.live, blocks, grid)
    return found


def _keep(model: nn.Module, pruned: PrunedModel, geometry: Geometry) -> dict[str, Tensor]:
    """The masks of a file by the name of their layer; parts of a packed projection are put together."""
    masks = by_plain_name({layer.layer.name: layer.mask for layer in pruned.layers})
    sites = {use.name: site for site in find_sites(model) for use in site.uses}
    found: dict[str, Tensor] = {}
    for call in geometry.calls:
        parts = [masks.get(part.layer.name) for part in layers_of(model, sites[call.use], call, geometry.batch)]
        whole = [torch.from_numpy(mask.copy()) for mask in parts if mask is not None]
        if len(whole) == len(parts):
            found.setdefault(sites[call.use].name, torch.cat(whole))
    return found
