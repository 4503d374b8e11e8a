"""The masks of a pruned-model file, as a pruner of the same network has them."""

from collections.abc import Container, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from crisp_hw.errors import InputError, Where
from crisp_hw.spec.descriptors import PrunedModel, Role
from crisp_hw.spec.kinds import wrong_kind
from crisp_hw.spec.shown import listed
from crisp_hw.spec.wrapped import by_plain_name, plain_name
from crisp_prune.attach import detach
from crisp_prune.blocks import block_sums
from crisp_prune.choices import BALANCED, WITH_NM
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


def revived(
    model: nn.Module, pruned: PrunedModel, plan: Plan, geometry: Geometry, config: CrispConfig
) -> dict[str, MatrixMasks]:
    """The masks by layer; InputError where a layer of the plan has none in the file, or one that the config forbids.

    Blocks live where the mask keeps a weight of them; what N:M would keep in the others is nobody's concern any more.
    A model whose masks are refused is plain again.
    """
    try:
        return _found(_keep(model, pruned, geometry), pruned, plan, config)
    except InputError:
        detach(model)
        raise


def _found(keep: Mapping[str, Tensor], pruned: PrunedModel, plan: Plan, config: CrispConfig) -> dict[str, MatrixMasks]:
    """The masks of every layer that the plan prunes."""
    wanted = {layer.name: layer for layer in plan.layers if layer.role != "dense"}
    _require(wanted, keep, pruned)
    found: dict[str, MatrixMasks] = {}
    for name, layer in wanted.items():
        grid = layer.grid
        if tuple(keep[name].shape) != (grid.rows, grid.columns):
            said = f"the mask is {list(keep[name].shape)}, the weight is {[grid.rows, grid.columns]}"
            raise InputError(said, Where(key=name), "is it a file of this network?")
        blocks = block_sums(keep[name].float(), grid) > 0
        masks = MatrixMasks(torch.ones_like(keep[name]), blocks, grid)
        found[name] = MatrixMasks(keep[name] | ~masks.live, blocks, grid)
        if said := _forbidden(found[name], layer.role, config):
            raise InputError(said, Where(key=name), "give the config that describes the masks: config=CrispConfig(...)")
    return found


def _require(wanted: Iterable[str], keep: Container[str], pruned: PrunedModel) -> None:
    """InputError where a layer has no mask in the file."""
    missing = [name for name in wanted if name not in keep]
    here = {plain_name(layer.layer.name) for layer in pruned.layers if layer.role == "dense"}
    dense = [name for name in missing if name in here]
    hint = "is it a file of this network?"
    if dense:
        roles = f"config=CrispConfig(..., roles={{'{dense[0]}': 'dense'}})"
        hint = f"in the file {listed(dense, 3)} is dense: say so by {roles}"
    if missing:
        raise InputError(f"{pruned.name} has no mask of {listed(missing, 3)}", hint=hint)


def _forbidden(masks: MatrixMasks, role: Role, config: CrispConfig) -> str:
    """What masks do that the pattern of a config does not; empty where there is nothing."""
    if config.pattern in WITH_NM:
        groups = pad(masks.keep, (0, -masks.grid.columns % config.m)).reshape(masks.grid.rows, -1, config.m).sum(2)
        if (most := int(groups.max())) > config.n:
            return f"its mask keeps {most} weights in a group of {config.m}, and N:M is {config.n}:{config.m}"
    elif not config.keep_zeros and not torch.equal(masks.keep, masks.live):
        return f"its mask keeps parts of units, and the pattern {config.pattern} keeps whole ones"
    if role == "hybrid" and config.pattern in BALANCED and not config.keep_zeros:
        rows = masks.blocks.sum(1)
        if int(rows.min()) != int(rows.max()):
            said = f"rows of blocks keep {int(rows.min())} to {int(rows.max())} blocks in its mask"
            return f"{said}, and the pattern {config.pattern} keeps the same number in each"
    return ""


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
