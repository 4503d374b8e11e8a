"""The pruner: attach to a model, then score, mask and fine-tune, iteration by iteration."""

import copy
from collections.abc import Callable, Iterable, Mapping
from functools import partial
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
from crisp_prune.agreement import agree, require_agreement
from crisp_prune.attach import free, strip, unwrapped
from crisp_prune.batches import device_of, first_batch, narrowed, to_device
from crisp_prune.calling import arguments, without_masks
from crisp_prune.choices import WITHOUT_GRADIENTS, Layout
from crisp_prune.config import CrispConfig, CrispFields, config_from
from crisp_prune.geometry import Geometry, evaluation, samples_left, samples_of
from crisp_prune.given import checked_batch_size, checked_batches, checked_module, checked_state
from crisp_prune.gradients import GradientSums, thawed
from crisp_prune.handover import pruned_model
from crisp_prune.iterate import Iteration, MatrixMasks
from crisp_prune.losses import LossFn, classification_loss
from crisp_prune.masking import Masking
from crisp_prune.plan import Plan, budget_of, make_plan, reaching, require_reachable, require_the_same
from crisp_prune.revive import all_done, config_of, revived
from crisp_prune.rng import preserved, restore, seed_all
from crisp_prune.scoring import Scored, collect, collect_together
from crisp_prune.state import PrunerState, from_dict, to_dict
from crisp_prune.train import run
from crisp_prune.training import FitFields, FitOptions, Training


class Crisp:
    """CRISP pruning of the convolutions and Linear layers of `model`, which stays a plain module with its parameters.

    `sample` is one model input (a tensor, a tuple of arguments, or a map of those by name) with the batch in front; it
    gives the layers' geometry and execution order. Without it, the first batch that `fit` or `step` sees does. Raises
    InputError when nothing can be pruned, when the target is out of reach, or when a pruner is attached already.
    `batch_size` says how many samples the sample or the first batch holds, for inputs whose first axis is not the
    batch. The fields of CrispConfig can be given as keywords instead of `config`, with `nm="2:4"` for n and m.

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
        self.asked = self.config = config_from(config, nm, fields)
        self.model: nn.Module = free(unwrapped(checked_module(model)))
        self.batch_size = checked_batch_size(batch_size)
        self.history: tuple[Iteration, ...] = ()
        self.geometry: Geometry | None = None
        self.gradients, self.masking = GradientSums(), Masking(self.model)
        if sample is not None:
            args, kwargs = arguments(self.model, to_device(sample, device_of(self.model)))
            samples = batch_size or samples_of(without_masks((args, kwargs)))
            self._record(lambda: self.model(*args, **kwargs), samples)
        self._settle(self.plan())

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
        pruner.masking.set(revived(pruner.model, pruned, pruner.plan(), pruner.geometry, pruner.config))
        pruner.history = all_done(pruner.config, pruner.sparsity)
        return pruner

    def __repr__(self) -> str:
        done = f"iteration {self.iteration} of {self.config.iterations + 1}"
        return f"<Crisp of {type(self.model).__name__}: {done}, sparsity {self.sparsity:.4f} of {self.config.target}>"

    def plan(self) -> Plan:
        """The dry run: which layers get what and why, and the highest reachable sparsity."""
        return make_plan(self.model, self.asked, self.geometry)

    @property
    def state(self) -> PrunerState:
        """Where the pruner stands, as one frozen value."""
        sums = dict(self.gradients.sums)
        return PrunerState(self.config, self.geometry, self.history, self.masks, sums, self.gradients.batches)

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
        return self.masking.sparsity

    @property
    def masks(self) -> dict[str, MatrixMasks]:
        """The masks of every prunable layer in the matrix view."""
        return dict(self.masking.masks)

    @property
    def weights(self) -> dict[str, nn.Parameter]:
        """The dense weights of the prunable layers."""
        return self.masking.weights

    @property
    def layouts(self) -> dict[str, Layout]:
        """How the axes of the prunable weights lie."""
        return self.masking.layouts

    def record(self, batch: Any, loss_fn: LossFn = classification_loss) -> None:
        """Take geometry and execution order from one batch; before the first iteration, roles follow the order."""
        batch = to_device(first_batch([batch], self.config.classes), self.device)
        self._record(partial(loss_fn, self.model, batch), samples_left(batch, self.batch_size, self.config.classes))

    def measure(self, batches: Iterable[Any], loss_fn: LossFn = classification_loss, *, together: bool = False) -> None:
        """Collect the gradients of a pass over `batches` without an optimizer step, for the next `step`.

        In evaluation mode, seeded. With `together`, as in `fit`, batches that all processes have at once count as one.
        """
        self.gradients.clear()
        with preserved(batches), evaluation(self.model), torch.enable_grad(), thawed(self.weights.values()):
            seed_all(self.config.seed * 1000 + self.iteration, batches)
            mine = narrowed(batches, self.device, self.config.classes)
            scored = Scored(mine, partial(loss_fn, self.model), self.config.classes)
            (collect_together if together else collect)(self.gradients, self.masking, self.config.criterion, scored)

    def observe(self, scale: float = 1.0) -> None:
        """Add the gradients that stand in `.grad` after backward(), divided by the AMP loss `scale`.

        For `online` scoring in your own loop: before `optimizer.step()`, once where several backward() add up. A batch
        whose gradients overflowed is left out, as GradScaler does. Under DDP `.grad` is the mean over processes.
        """
        self.gradients.observe(self.weights, scale, self.config.criterion)

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
        live = self.masking.advance(scores, self.config, budget, target if self.iteration else None)
        self.gradients.clear()
        if not self.history:
            agree(self.model, self.masking.last)
        self.history += (Iteration(self.iteration, target, self.sparsity, live),)
        return self.history[-1]

    def decay(self, lr: float) -> None:
        """The SR-STE pull after `optimizer.step()`: W -= lr * sr_ste * W where N:M dropped W (decoupled decay)."""
        self.masking.pull(lr * self.config.sr_ste)

    @with_fields(FitOptions)
    def fit(
        self, loader: Iterable[Any], options: FitOptions | None = None, **fields: Unpack[FitFields]
    ) -> list[Iteration]:
        """All iterations with fine-tuning between and after them, on the samples of the user's classes.

        One optimizer (SGD) and one schedule run through; `options`, or its fields as keywords, name the checkpoint to
        write and to resume from. Global generators are left as they were found. Processes of torch.distributed train
        together, as one does that has the batches of all.
        """
        with preserved(loader):
            run(Training(self, loader, options_from(FitOptions, options, fields)))
        return list(self.history)

    def finalize(self, check: bool = True) -> nn.Module:
        """Write exact zeros into the weights, remove every hook, and return the plain module.

        With `check`, InputError when the plain module would give another output for the last batch than the masked
        one does, or when the masked one gives two outputs for it, so that nothing can be compared.
        """
        self.masking.require_hooks(or_none=True)
        if check:
            require_agreement(self.model, self.masking.last)
        self.masking.last.arguments = None
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
        """Continue from `state_dict()`, random generators too; InputError when version, config or layers differ."""
        found = from_dict(checked_state(saved), self.model, self.asked)
        self.geometry, self.history = found.geometry, found.history
        self._settle(self.plan())
        self.masking.set(found.masks)
        self.gradients.restore(found.sums, found.batches, self.weights)
        restore(saved["rng"])

    @property
    def device(self) -> torch.device:
        """Where the first prunable weight lives, and so where batches go."""
        return self.masking.device

    def __deepcopy__(self, memo: dict[int, Any]) -> "Crisp":
        """A pruner of a copy of the model, with masks of its own."""
        self.masking.on_its_own(memo)
        memo[id(self)] = twin = type(self).__new__(type(self))
        vars(twin).update(copy.deepcopy(vars(self), memo))
        return twin

    def _record(self, call: Callable[[], object], batch: int) -> None:
        """Geometry from one call; roles are decided anew while nothing is pruned yet."""
        geometry = self.masking.recorded(call, batch)
        plan = make_plan(self.model, self.asked, geometry)
        if self.history:
            require_the_same(plan, self.masking.sites)
        elif self.masking.sites:
            self._settle(plan)
        self.geometry = geometry
        self.masking.follow(geometry, self.config.pattern)

    def _settle(self, plan: Plan) -> None:
        """The target as a number, and masks on the layers that a plan prunes."""
        self.config = reaching(self.asked, plan)
        require_reachable(plan, self.config.target)
        if self.masking.attach(plan, self.config.keep_zeros):
            self.gradients.clear()
        self.masking.follow(self.geometry, self.config.pattern)
