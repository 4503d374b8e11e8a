"""The pruner: attach to a model, then score, mask and fine-tune, iteration by iteration."""

import copy
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Unpack

import torch
from torch import nn

from crisp_hw.errors import InputError
from crisp_hw.pruned_file import save_pruned
from crisp_hw.spec.descriptors import PrunedModel
from crisp_hw.spec.keywords import options_from, with_fields
from crisp_hw.spec.kinds import check_path
from crisp_hw.spec.patterns import NM
from crisp_prune.agreement import agree
from crisp_prune.attach import (
    LastCall,
    Masks,
    attach,
    detach,
    mask_hooks,
    paused,
    share_nothing,
    strip,
    unwrapped,
)
from crisp_prune.batches import LossFn, classification_loss, count_of, first_batch, only_classes, to_device
from crisp_prune.choices import BALANCED, OF_OUTPUTS, WITHOUT_GRADIENTS, Layout
from crisp_prune.config import CrispConfig, CrispFields, config_from
from crisp_prune.dense_state import say_dense
from crisp_prune.geometry import Geometry, evaluation, record, samples_of
from crisp_prune.given import checked_batch_size, checked_batches, checked_module, checked_state
from crisp_prune.gradients import GradientSums, thawed
from crisp_prune.handover import pruned_model
from crisp_prune.iterate import Iteration, MatrixMasks, dense_masks, next_masks, sparsity_of
from crisp_prune.matrix import from_matrix
from crisp_prune.outputs import complete, of_outputs
from crisp_prune.plan import Plan, budget_of, make_plan, require_reachable, require_the_same
from crisp_prune.revive import config_of, revived
from crisp_prune.rng import preserved, restore, seed_all
from crisp_prune.sites import Site, find_sites, weight_of
from crisp_prune.state import PrunerState, from_dict, to_dict
from crisp_prune.train import run
from crisp_prune.training import FitFields, FitOptions, Training
from crisp_prune.zeros import dropped, nonzero_of, ranked_last


class Crisp:
    """CRISP pruning of the convolutions and Linear layers of `model`, which stays a plain module with its parameters.

    `sample` is one model input (a tensor, or a tuple of arguments) with the batch in front; it gives the layers'
    geometry and execution order. Without it, the first batch that `fit` or `step` sees does. Raises InputError when
    nothing can be pruned, when the target is out of reach, or when a pruner is attached already. `batch_size` says how
    many samples the sample or the first batch holds, for inputs whose first axis is not the batch. The fields of
    CrispConfig can be given as keywords instead of `config`, with `nm="2:4"` for n and m.

    Copies of the model made while the pruner is attached follow its masks. Call `crisp_prune.attach.strip` on a copy
    to give it its zeros. Graphs that torch.compile made of the model are dropped when masks are attached or removed.

    Examples
    --------
    >>> from torch.utils.data import DataLoader, TensorDataset
    >>> model = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 4))
    >>> loader = DataLoader(TensorDataset(torch.randn(8, 16), torch.arange(8) % 4), batch_size=4)
    >>> pruner = Crisp(model, CrispConfig(sparsity=0.6, n=2, m=4, block=4, epochs=1))
    >>> [round(iteration.target, 2) for iteration in pruner.fit(loader)]
    [0.5, 0.55, 0.6]
    >>> bool((pruner.finalize()[0].weight == 0).any())
    True
    """

    @with_fields(CrispConfig)
    def __init__(
        self,
        model: nn.Module,
        config: CrispConfig | None = None,
        sample: Any = None,
        batch_size: int | None = None,
        *,
        nm: NM | str | None = None,
        **fields: Unpack[CrispFields],
    ) -> None:
        """Find the layers, give them roles, and attach masks that keep everything."""
        self.config = config_from(config, nm, fields)
        self.model: nn.Module = unwrapped(checked_module(model))
        self.batch_size = checked_batch_size(batch_size)
        if mask_hooks(self.model):
            raise InputError("the model has a pruner attached already", hint="call its finalize() first")
        self.history: tuple[Iteration, ...] = ()
        self.gradients = GradientSums()
        self.geometry: Geometry | None = None
        self._sites: dict[str, Site] = {}
        self._masks: dict[str, MatrixMasks] = {}
        self._attached: dict[str, Masks] = {}
        self._nonzero: dict[str, torch.Tensor] = {}
        self._last = LastCall()
        if sample is not None:
            inputs = sample if isinstance(sample, tuple) else (sample,)
            self._record(lambda: self.model(*inputs), batch_size or samples_of(inputs))
        require_reachable(self.plan(), self.config.sparsity)
        self._attach(self.plan())

    @classmethod
    def from_pruned(
        cls, model: nn.Module, pruned: PrunedModel, sample: Any, config: CrispConfig | None = None
    ) -> "Crisp":
        """A pruner with the masks of a pruned model, all iterations done: `fit` then trains what is left.

        `pruned` is what `crisp_hw.load_pruned("run.pt")` returns; its config is used, but for a `config` given here.

        Examples
        --------
        >>> model, sample = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 4)), torch.zeros(1, 16)
        >>> pruner = Crisp(model, sparsity=0.5, block=4, criterion="magnitude", sample=sample)
        >>> _ = pruner.step()
        >>> pruned = pruner.export()
        >>> again = Crisp.from_pruned(pruner.finalize(), pruned, sample)
        >>> again.sparsity, again.done
        (0.5, True)
        """
        pruner = cls(model, config_of(pruned) if config is None else config, sample)
        assert pruner.geometry is not None  # it has seen the sample
        masks = revived(pruner.model, pruned, pruner.plan(), pruner.geometry)
        pruner._set(masks)
        targets = enumerate(pruner.config.targets)
        pruner.history = tuple(Iteration(index, target, pruner.sparsity) for index, target in targets)
        return pruner

    def __repr__(self) -> str:
        done = f"iteration {self.iteration} of {self.config.iterations + 1}"
        return f"<Crisp of {type(self.model).__name__}: {done}, sparsity {self.sparsity:.4f} of {self.config.sparsity}>"

    def plan(self) -> Plan:
        """The dry run: which layers get what and why, and the highest reachable sparsity."""
        return make_plan(self.model, self.config, self.geometry)

    @property
    def state(self) -> PrunerState:
        """Where the pruner stands, as one frozen value."""
        sums, batches = dict(self.gradients.sums), self.gradients.batches
        return PrunerState(self.config, self.geometry, self.history, dict(self._masks), sums, batches)

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
        return sparsity_of(self._masks)

    @property
    def masks(self) -> dict[str, MatrixMasks]:
        """The masks of every prunable layer in the matrix view."""
        return dict(self._masks)

    @property
    def weights(self) -> dict[str, nn.Parameter]:
        """The dense weights of the prunable layers."""
        return {name: weight_of(self.model, site.uses[0]) for name, site in self._sites.items()}

    @property
    def layouts(self) -> dict[str, Layout]:
        """How the axes of the prunable weights lie."""
        return {name: site.layout for name, site in self._sites.items()}

    def record(self, batch: Any, loss_fn: LossFn = classification_loss) -> None:
        """Take geometry and execution order from one batch; before the first iteration, roles follow the order."""
        batch = first_batch([batch], self.config.classes)
        picked = self.config.classes and self.batch_size is not None  # then fewer than the user counted are left
        samples = count_of(batch) if picked else self.batch_size
        batch = to_device(batch, self.device)
        self._record(lambda: loss_fn(self.model, batch), samples or samples_of(batch, listed=True))

    def measure(self, batches: Iterable[Any], loss_fn: LossFn = classification_loss) -> None:
        """Collect the gradients of a pass over `batches` without an optimizer step, for the next `step`.

        The pass runs in evaluation mode, seeded by the iteration, on the samples of the user's classes; random
        generators, modes and every `.grad` are left as they were. Loss scaling has no part in it.
        """
        self.gradients.clear()
        weights = self.weights
        with preserved(batches), evaluation(self.model), torch.enable_grad(), thawed(weights):
            seed_all(self.config.seed * 1000 + self.iteration, batches)
            mine = (only_classes(to_device(each, self.device), self.config.classes) for each in batches)
            for batch in (each for each in mine if each is not None):
                if self.config.criterion in OF_OUTPUTS:
                    self._listen(lambda batch=batch: loss_fn(self.model, batch))  # type: ignore[misc]
                    continue
                found = torch.autograd.grad(loss_fn(self.model, batch), list(weights.values()), allow_unused=True)
                self.gradients.add(dict(zip(weights, found, strict=True)), self.config.criterion)

    def observe(self, scale: float = 1.0) -> None:
        """Add the gradients that stand in `.grad` after backward(), divided by the AMP loss `scale`.

        For `online` scoring in your own loop; call it before `optimizer.step()`. A batch whose gradients overflowed
        is left out, as GradScaler leaves out its step. Under DDP `.grad` is already the mean over processes.
        """
        found = {name: None if w.grad is None else w.grad.float() / scale for name, w in self.weights.items()}
        self.gradients.add_finite(found, self.config.criterion)

    def step(self, batches: Iterable[Any] | None = None, loss_fn: LossFn = classification_loss) -> Iteration:
        """Make the next iteration: score, choose N:M and blocks, set the masks until the next call.

        With `batches` (something that can be iterated again, such as a DataLoader) the gradients are measured first;
        without, those of `observe` or `measure` since the last iteration count. InputError when there are none.

        Examples
        --------
        >>> model = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 4))
        >>> batches = [(torch.randn(8, 16), torch.arange(8) % 4)]
        >>> pruner = Crisp(model, CrispConfig(sparsity=0.55, n=2, m=4, block=4))
        >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        >>> while not pruner.done:  # your own loop: prune, then fine-tune as long as you like
        ...     iteration = pruner.step(batches)
        ...     for inputs, labels in batches:
        ...         optimizer.zero_grad()
        ...         nn.functional.cross_entropy(model(inputs), labels).backward()
        ...         optimizer.step()
        >>> iteration.index
        1
        """
        batches = checked_batches(batches)
        if self.done:
            raise InputError(f"all {self.config.iterations + 1} iterations are done", hint="call finalize()")
        if batches is not None and self.geometry is None:
            self.record(first_batch(batches, self.config.classes), loss_fn)
        if batches is not None and self.config.criterion not in WITHOUT_GRADIENTS:
            self.measure(batches, loss_fn)
        scores = self.gradients.scores(self.weights, self.config.criterion, self.config.classes, self.layouts)
        target = self.config.targets[self.iteration]
        budget = budget_of(self.plan(), self.config)
        scores = ranked_last(scores, self._nonzero)
        found = next_masks(scores, self._masks, self.config, budget, target if self.iteration else None)
        after = dropped(found, self._nonzero)
        self._set(after)
        self.gradients.clear()
        if not self.history:
            agree(self.model, self._last)
        live = {name: _live(after[name], self.config) for name in budget.hybrid}
        self.history += (Iteration(self.iteration, target, self.sparsity, live),)
        return self.history[-1]

    def decay(self, lr: float) -> None:
        """The SR-STE pull after `optimizer.step()`: W -= lr * sr_ste * W where N:M dropped W (decoupled decay)."""
        if self.config.sr_ste:
            for name, weight in self.weights.items():
                self._attached[name].pull(weight, lr * self.config.sr_ste)

    @with_fields(FitOptions)
    def fit(
        self, loader: Iterable[Any], options: FitOptions | None = None, **fields: Unpack[FitFields]
    ) -> list[Iteration]:
        """All iterations with fine-tuning between and after them, on the samples of the user's classes.

        One SGD optimizer and one learning-rate schedule run through; `options`, or its fields as keywords, name the
        checkpoint to write and to resume from. Global random generators are left as they were found.
        """
        training = Training(self, loader, options_from(FitOptions, options, fields))
        with preserved(loader):
            run(training)
        return list(self.history)

    def finalize(self, check: bool = True) -> nn.Module:
        """Write exact zeros into the weights, remove every hook, and return the plain module.

        With `check`, InputError when the plain module would give another output for the last batch than the masked
        one does, or when the masked one gives two outputs for it, so that nothing can be compared.
        """
        if check and not agree(self.model, self._last):
            said = "the model gives two outputs for one batch in evaluation mode, so its masks cannot be checked"
            raise InputError(said, hint="make it repeatable, or call finalize(check=False)")
        self._last.arguments = None
        return strip(self.model)

    def export(self, name: str = "", provenance: Mapping[str, Any] | None = None) -> PrunedModel:
        """Masks and geometry as the value that a pruned-model file holds; InputError before any batch was seen."""
        return pruned_model(self.model, self.state, name or type(self.model).__name__, dict(provenance or {}))

    def save(self, path: str | Path, name: str = "", provenance: Mapping[str, Any] | None = None) -> None:
        """Write the pruned-model file (.pt or .safetensors)."""
        check_path("the pruned-model file", path)
        save_pruned(Path(path), self.export(name, provenance))

    def state_dict(self) -> dict[str, Any]:
        """Packed masks, iteration, gradient sums, random generators, classes and config; loads with weights_only."""
        return to_dict(self.state)

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Continue from `state_dict()`; the random generators go back to where they stood.

        Raises InputError when version, config or layers differ from this pruner's.
        """
        found = from_dict(checked_state(saved), self.model, self.config)
        self.geometry = found.geometry
        self._attach(self.plan())
        self.history = found.history
        self._set(found.masks)
        self.gradients.restore(found.sums, found.batches, self.weights)
        restore(saved["rng"])

    @property
    def device(self) -> torch.device:
        """Where the first prunable weight lives, and so where batches go."""
        return next(iter(self.weights.values())).device if self._sites else torch.device("cpu")

    def __deepcopy__(self, memo: dict[int, Any]) -> "Crisp":
        """A pruner of a copy of the model, with masks of its own."""
        share_nothing(self._attached.values(), memo)
        memo[id(self)] = twin = type(self).__new__(type(self))
        vars(twin).update(copy.deepcopy(vars(self), memo))
        return twin

    def _listen(self, run: Callable[[], object]) -> None:
        """One batch of a criterion of outputs."""
        criterion, weights = self.config.criterion, self.weights
        with torch.no_grad():
            found = of_outputs(self.model, weights, self.layouts, run)[criterion]
        complete(found, weights, criterion)
        self.gradients.add(found, criterion)

    def _record(self, call: Callable[[], object], batch: int) -> None:
        """Geometry from one call; roles are decided anew while nothing is pruned yet."""
        with preserved(), paused(self.model):
            geometry = record(self.model, find_sites(self.model), call, batch)
        plan = make_plan(self.model, self.config, geometry)
        if self._sites and not self.history:
            require_reachable(plan, self.config.sparsity)
            self._attach(plan)
        elif self._sites:
            require_the_same(plan, self._sites)
        self.geometry = geometry

    def _attach(self, plan: Plan) -> None:
        """Fresh masks on the layers that the plan prunes; nothing is done when these are the layers attached."""
        pruned = [layer for layer in plan.layers if layer.role != "dense"]
        if list(self._sites) == [layer.name for layer in pruned]:
            return
        detach(self.model)
        self.gradients.clear()
        sites = {site.name: site for site in find_sites(self.model)}
        self._sites = {layer.name: sites[layer.name] for layer in pruned}
        self._masks = {layer.name: dense_masks(layer.grid) for layer in pruned}
        self._attached = {name: attach(self.model, site) for name, site in self._sites.items()}
        self._nonzero = nonzero_of(self.weights, self.layouts) if self.config.keep_zeros else {}
        self.model.register_forward_pre_hook(self._last.keep, with_kwargs=True)
        say_dense(self.model)

    def _set(self, masks: Mapping[str, MatrixMasks]) -> None:
        """Put new masks into effect."""
        self._masks = dict(masks)
        for name, weight in self.weights.items():
            layout = self._sites[name].layout
            both = (from_matrix(part, weight.shape, layout) for part in (masks[name].nm, masks[name].live))
            self._attached[name].set(*(part.to(weight.device) for part in both))


def _live(masks: MatrixMasks, config: CrispConfig) -> int:
    """Live blocks of a block row where all have the same number, else live units."""
    return int((masks.blocks[0] if config.pattern in BALANCED else masks.blocks).sum())
