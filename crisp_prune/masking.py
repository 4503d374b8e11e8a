"""The masks in effect on a model: on which weights they lie, and how new ones take effect."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from crisp_hw.errors import InputError, Where
from crisp_hw.spec.shown import listed
from crisp_hw.spec.wrapped import module_of
from crisp_prune.attach import LastCall, attach, detach, mask_hooks, paused
from crisp_prune.budget import Budget
from crisp_prune.choices import BALANCED, Layout, Pattern
from crisp_prune.config import CrispConfig
from crisp_prune.dense_state import say_dense
from crisp_prune.geometry import Geometry, record
from crisp_prune.iterate import MatrixMasks, dense_masks, next_masks, sparsity_of
from crisp_prune.masks import Masks, share_nothing
from crisp_prune.matrix import from_matrix
from crisp_prune.plan import Plan
from crisp_prune.rng import preserved
from crisp_prune.sites import Site, Use, find_sites, weight_of
from crisp_prune.zeros import dropped, nonzero_of, ranked_last


class Masking:
    """The prunable weights of `model` with their masks, in the matrix view and attached to what reads them.

    `nonzero` says where weights may be kept at all, with `keep_zeros` where they are not zero at the start; `last` is
    the last call of the model; `followers` are the masks of what goes with a pruned filter, by layer.

    >>> from crisp_prune.config import CrispConfig
    >>> from crisp_prune.plan import make_plan
    >>> masking = Masking(nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 4)))
    >>> masking.attach(make_plan(masking.model, CrispConfig(sparsity=0.5, block=4)), keep_zeros=False)
    True
    >>> list(masking.masks), masking.sparsity
    (['0', '1'], 0.0)
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.sites: dict[str, Site] = {}
        self.masks: dict[str, MatrixMasks] = {}
        self.attached: dict[str, Masks] = {}
        self.followers: list[tuple[str, Masks]] = []
        self.nonzero: dict[str, torch.Tensor] = {}
        self.last = LastCall()

    @property
    def weights(self) -> dict[str, nn.Parameter]:
        """The dense weights of the prunable layers."""
        return {name: weight_of(self.model, site.uses[0]) for name, site in self.sites.items()}

    @property
    def layouts(self) -> dict[str, Layout]:
        """How the axes of the prunable weights lie."""
        return {name: site.layout for name, site in self.sites.items()}

    @property
    def sparsity(self) -> float:
        """Sparsity of the masks over all prunable weights, N:M counted."""
        return sparsity_of(self.masks)

    @property
    def device(self) -> torch.device:
        """Where the first prunable weight lives, and so where batches go."""
        return next(iter(self.weights.values())).device if self.sites else torch.device("cpu")

    def attach(self, plan: Plan, keep_zeros: bool) -> bool:
        """Fresh masks on the layers that the plan prunes; False, and nothing done, when these have masks already."""
        pruned = [layer for layer in plan.layers if layer.role != "dense"]
        if list(self.sites) == [layer.name for layer in pruned]:
            return False
        detach(self.model)
        sites = {site.name: site for site in find_sites(self.model)}
        self.sites = {layer.name: sites[layer.name] for layer in pruned}
        self.masks = {layer.name: dense_masks(layer.grid) for layer in pruned}
        if made := [name for name, weight in self.weights.items() if weight.is_inference()]:
            said = "its weight was made in torch.inference_mode(), so it cannot be changed"
            raise InputError(said, Where(key=made[0]), "make or load the model outside of it")
        self.attached = {name: attach(self.model, site) for name, site in self.sites.items()}
        self.followers = []
        self.nonzero = nonzero_of(self.weights, self.layouts) if keep_zeros else {}
        self.model.register_forward_pre_hook(self.last.keep, with_kwargs=True)
        say_dense(self.model)
        return True

    def set(self, masks: Mapping[str, MatrixMasks]) -> None:
        """Put new masks into effect."""
        self.masks = dict(masks)
        for name, weight in self.weights.items():
            layout = self.sites[name].layout
            both = (from_matrix(part, weight.shape, layout) for part in (masks[name].nm, masks[name].live))
            self.attached[name].set(*(part.to(weight.device) for part in both))
        for name, follower in self.followers:
            live = masks[name].live.any(1).to(follower.keep.device)
            rows = live.reshape(len(follower.keep), -1).any(1)  # of a transposed convolution the taps of a channel
            follower.set(torch.ones_like(rows), rows)

    def follow(self, geometry: Geometry | None, pattern: Pattern) -> None:
        """With whole filters go their bias, and scale and shift of the batch norm behind: nothing is left of them."""
        if geometry is None or pattern != "filter" or self.followers:
            return
        for name, site in self.sites.items():
            if len(site.uses) == 1 and site.uses[0].caller == site.uses[0].owner:
                self._follow(name, site.uses[0].owner, "bias")
                for attribute in ("weight", "bias") if name in geometry.norms else ():
                    self._follow(name, geometry.norms[name], attribute)
        self.set(self.masks)

    def _follow(self, layer: str, owner: str, attribute: str) -> None:
        """Masks on a parameter, where there is one."""
        if module_of(self.model, owner)._parameters.get(attribute) is not None:
            use = Use(f"{owner}.{attribute}", owner, attribute, owner)
            self.followers.append((layer, attach(self.model, Site("linear", (use,)))))

    def advance(
        self, scores: Mapping[str, torch.Tensor], config: CrispConfig, budget: Budget, target: float | None
    ) -> dict[str, int]:
        """Choose the masks of the next iteration and put them into effect; the blocks or units that live, by layer.

        Blocks of a row are counted where all rows have the same number. `target` None: N:M alone.
        """
        self.require_hooks()
        ranked = ranked_last(scores, self.nonzero)
        self.set(dropped(next_masks(ranked, self.masks, config, budget, target), self.nonzero))
        blocks = {name: self.masks[name].blocks for name in budget.hybrid}
        return {name: int((one[0] if config.pattern in BALANCED else one).sum()) for name, one in blocks.items()}

    def require_hooks(self, or_none: bool = False) -> None:
        """InputError where the masks of a layer do not act on the model any more; none may, where that is asked."""
        acting = {id(hook.masks) for _, hook in mask_hooks(self.model)}
        if or_none and not acting:
            return
        gone = [name for name, masks in self.attached.items() if id(masks) not in acting]
        if gone:
            said = f"the masks of {listed(gone, 3)} do not act any more: their hooks were removed, as finalize() does"
            raise InputError(said, hint="go on with Crisp.from_pruned(model, pruner.export(), sample)")

    def pull(self, share: float) -> None:
        """Take a share off the weights that N:M dropped."""
        if share:
            for name, weight in self.weights.items():
                self.attached[name].pull(weight, share)

    def recorded(self, call: Callable[[], object], batch: int) -> Geometry:
        """The geometry of one call of the model on `batch` samples, with dense weights."""
        with preserved(), paused(self.model):
            return record(self.model, find_sites(self.model), call, batch)

    def on_its_own(self, memo: dict[int, Any]) -> None:
        """Make a deep copy with this `memo` have masks of its own."""
        share_nothing([*self.attached.values(), *(masks for _, masks in self.followers)], memo)
