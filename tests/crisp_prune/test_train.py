"""The fit loop: the same numbers however often it is killed; its options; the class filter."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from crisp_hw.errors import InputError
from crisp_prune import Crisp, CrispConfig, FitOptions
from crisp_prune.checkpoint import load_checkpoint

pytestmark = pytest.mark.train

torch.set_num_threads(1)

CONFIG = CrispConfig(sparsity=0.7, block=8, epochs=4, lr=0.05, classes=(0, 1, 3), sr_ste=2e-4, seed=7)


class Noisy(torch.utils.data.Dataset):
    """Random augmentation from the global generator, as torchvision draws it."""

    def __init__(self):
        generator = torch.Generator().manual_seed(5)
        self.inputs, self.targets = torch.randn(40, 3, 6, 6, generator=generator), torch.arange(40) % 4

    def __len__(self):
        return len(self.inputs)

    def __getitem__(self, index):
        return self.inputs[index] + 0.1 * torch.randn(3, 6, 6), int(self.targets[index])


def build(config=CONFIG, own_generator=False):
    """A pruner over a net with batch norm and dropout, and a shuffling loader of 5 batches."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 16, 3), nn.Flatten(), nn.Dropout(0.2),
        nn.Linear(64, 16), nn.Linear(16, 4),
    )  # fmt: skip
    generator = torch.Generator().manual_seed(1) if own_generator else None
    return Crisp(model, config), DataLoader(Noisy(), batch_size=8, shuffle=True, generator=generator)


def fingerprint(pruner):
    """Weights, masks and metrics that must agree bit for bit."""
    parts = list(pruner.model.state_dict().values())
    return parts + [part for masks in pruner.masks.values() for part in (masks.nm, masks.blocks)]


def same(one, other):
    return len(one) == len(other) and all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def fit(checkpoint=None, resume=False, on_step=None, own_generator=False, config=CONFIG, every=1):
    pruner, loader = build(config, own_generator)
    pruner.fit(loader, FitOptions(checkpoint=checkpoint, resume=resume, every=every, on_step=on_step))
    return pruner


class Stop(Exception):
    """Raised by a callback to leave the loop."""


@pytest.mark.parametrize(
    ("own_generator", "online", "every"), [(False, False, 1), (True, True, 1), (True, False, 0), (False, True, 0)]
)
def test_stopping_after_any_step_and_resuming_changes_nothing(tmp_path, own_generator, online, every):
    config = replace(CONFIG, online=online)
    whole = fingerprint(fit(own_generator=own_generator, config=config))
    path, stops, furthest = tmp_path / "run.ckpt", 0, 0

    def stop(progress):
        nonlocal stops, furthest
        if progress.step > furthest:
            furthest, stops = progress.step, stops + 1
            torch.rand(3)
            raise Stop

    for _ in range(30):
        try:
            pruner = fit(path, True, stop, own_generator, config, every)
            break
        except Stop:
            continue
    assert stops == 20
    assert same(fingerprint(pruner), whole)


CHILD = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import test_train

path, moment, count = Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def on_step(progress):
    if moment == "step" and progress.step == count:
        die()

if moment == "write":
    real, left = Path.replace, [count]
    def replace(self, target):
        left[0] -= 1
        if left[0] == 0:
            die()
        return real(self, target)
    Path.replace = replace
if moment == "score":
    real_score, calls = test_train.Crisp.measure, [count]
    def measure(self, batches, loss_fn):
        calls[0] -= 1
        real_score(self, list(batches)[:2], loss_fn) if calls[0] == 0 else real_score(self, batches, loss_fn)
        if calls[0] == 0:
            die()
    test_train.Crisp.measure = measure
test_train.fit(path, resume=True, on_step=on_step)
"""


def test_sigkill_while_training_scoring_and_writing_then_resume_is_bit_for_bit(tmp_path):
    whole = fingerprint(fit())
    path, here = tmp_path / "run.ckpt", Path(__file__)
    environment = {**os.environ, "PYTHONPATH": str(here.parents[2])}
    for moment, count in (("step", 3), ("score", 1), ("write", 4)):
        command = [sys.executable, "-c", CHILD, str(here.parent), str(path), moment, str(count)]
        ended = subprocess.run(command, capture_output=True, env=environment, timeout=120, check=False)
        assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
        assert load_checkpoint(path)["step"] < 20
    assert same(fingerprint(fit(path, resume=True)), whole)
    assert same(fingerprint(fit(path, resume=True)), whole)


def test_global_generators_and_modes_are_left_alone():
    pruner, loader = build()
    pruner.model[5].eval()
    state = torch.get_rng_state()
    pruner.fit(loader)
    assert torch.equal(torch.get_rng_state(), state)
    assert pruner.model.training and not pruner.model[5].training
    assert pruner.done and all(parameter.grad is None for parameter in pruner.model.parameters())


def test_iterations_fall_evenly_into_the_first_half_and_the_rate_falls_after_it():
    seen = []
    pruner, loader = build()
    pruner.fit(loader, FitOptions(on_step=seen.append))
    first = {progress.iteration: progress.step for progress in reversed(seen)}
    assert first == {0: 0, 1: 0, 2: 2, 3: 4, 4: 6, 5: 8}
    rows = seen[-1].rows
    assert [row.epoch for row in rows] == [1, 2, 3, 4] and seen[-1].step == 20
    assert rows[1].lr == CONFIG.lr > rows[2].lr > rows[3].lr
    assert rows[-1].lr < 0.1 * CONFIG.lr
    assert rows[-1].sparsity == pruner.sparsity


def test_prune_until_moves_the_last_iteration():
    for share, last in ((0.0, 0), (0.25, 4), (1.0, 16)):
        seen = []
        pruner, loader = build(replace(CONFIG, prune_until=share))
        pruner.fit(loader, FitOptions(on_step=seen.append))
        assert min(progress.step for progress in seen if progress.iteration == 5) == last
    with pytest.raises(InputError, match=r"prune_until 1.5 must lie in \[0, 1\]"):
        replace(CONFIG, prune_until=1.5)


def test_other_classes_change_neither_scores_nor_weights():
    class Swapped(Noisy):
        """Samples of the class that is left out replaced by nonsense."""

        def __getitem__(self, index):
            inputs, label = super().__getitem__(index)
            return (inputs if label != 2 else torch.full_like(inputs, 1e3)), label

    pruner, _ = build()
    pruner.fit(DataLoader(Swapped(), batch_size=8, shuffle=True))
    assert same(fingerprint(pruner), fingerprint(fit()))


def test_zero_epochs_is_one_shot_pruning():
    pruner, loader = build(replace(CONFIG, epochs=0))
    before = [parameter.clone() for parameter in pruner.model.parameters()]
    assert len(pruner.fit(loader)) == 5
    assert all(torch.equal(a, b) for a, b in zip(before, pruner.model.parameters(), strict=True))
    assert pruner.sparsity == pytest.approx(0.7, abs=0.02)


def test_bfloat16_autocast_trains_and_scores_in_fp32():
    pruner, loader = build(replace(CONFIG, amp="bf16", epochs=1))
    seen = []
    loss = lambda model, batch: seen.append(torch.is_autocast_enabled("cpu")) or model(batch[0]).square().mean()  # noqa: E731
    pruner.fit(loader, FitOptions(loss_fn=loss))
    assert True in seen and False in seen and pruner.done


def test_fp16_loss_scale_does_not_reach_the_scores():
    sums = []
    for amp in ("off", "fp16"):
        pruner, loader = build(replace(CONFIG, amp=amp, epochs=1, online=True, sparsity=0.55, prune_until=1.0))
        original = pruner.observe
        pruner.observe = lambda scale=1.0, o=original, p=pruner: (
            o(scale),
            sums.append(float(p.gradients.sums["3"].sum())),
        )
        pruner.fit(loader)
    half = len(sums) // 2
    assert half >= 2 and sums[half] == pytest.approx(sums[0], rel=0.05)


def test_what_fit_refuses(tmp_path):
    pruner, loader = build()
    with pytest.raises(InputError, match="no batch or no length"):
        pruner.fit(batch for batch in loader)
    with pytest.raises(InputError, match="can be read once"):
        pruner.fit(iter(loader))
    with pytest.raises(InputError, match="persistent_workers"):
        pruner.fit(DataLoader(Noisy(), num_workers=1, persistent_workers=True))
    path = tmp_path / "run.ckpt"
    path.write_bytes(b"not a checkpoint")
    with pytest.raises(InputError, match="set resume=True"):
        pruner.fit(loader, FitOptions(checkpoint=path))
    with pytest.raises(InputError, match=r"run\.ckpt: not a readable file"):
        pruner.fit(loader, FitOptions(checkpoint=path, resume=True))
    short = DataLoader(TensorDataset(torch.zeros(8, 3, 6, 6), torch.zeros(8, dtype=torch.long)), batch_size=8)
    fit(tmp_path / "other.ckpt", config=replace(CONFIG, epochs=0))
    with pytest.raises(InputError, match="the loader has 1 batches, the saved run's had 5"):
        build(replace(CONFIG, epochs=0))[0].fit(short, FitOptions(checkpoint=tmp_path / "other.ckpt", resume=True))
    with pytest.raises(InputError, match="loss is nan at step 0"):
        build(replace(CONFIG, criterion="magnitude"))[0].fit(
            loader, FitOptions(loss_fn=lambda model, batch: model(batch[0]).mean() * float("nan"))
        )


def test_the_highest_sparsity_is_resumed_as_the_number_that_it_was(tmp_path):
    config = replace(CONFIG, sparsity="max", block=4)
    whole = fit(config=config)
    assert whole.sparsity == pytest.approx(whole.config.sparsity, abs=0.02) and whole.config.sparsity > 0.7

    def stop(progress):
        if progress.step == 12:
            raise Stop

    with pytest.raises(Stop):
        fit(tmp_path / "run.ckpt", on_step=stop, config=config)
    assert same(fingerprint(fit(tmp_path / "run.ckpt", resume=True, config=config)), fingerprint(whole))


def test_callbacks_are_told_the_row_of_every_epoch_and_change_nothing(tmp_path):
    rows = []

    def log(row):
        rows.append(row)
        torch.rand(3)  # a logger that draws

    pruner, loader = build()
    pruner.fit(loader, checkpoint=tmp_path / "run.ckpt", callbacks=[log, lambda row: None])
    assert [row.epoch for row in rows] == [1, 2, 3, 4] and rows[-1].sparsity == pruner.sparsity
    assert all(row.loss > 0 for row in rows) and same(fingerprint(pruner), fingerprint(fit()))
    with pytest.raises(InputError, match="callbacks is a function; give a list of functions, each told the row"):
        FitOptions(callbacks=log)


def test_what_evaluate_returns_must_be_an_accuracy():
    pruner, loader = build()
    with pytest.raises(InputError, match=r"what evaluate returned is 0\.5, a float; give a crisp_prune\.evaluate"):
        pruner.fit(loader, evaluate=lambda model: 0.5)


def small():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 4))


BY_SIZE = {"sparsity": 0.6, "block": 4, "criterion": "magnitude", "sample": torch.zeros(1, 16)}
X = torch.randn(4, 16, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("stop", [None, 2])
def test_the_loss_of_an_epoch_is_the_mean_of_the_batches_that_have_one(tmp_path, stop):
    """Batches without a sample of the classes counted as losses of 0."""
    loader, seen, rows = [(X, torch.full((4,), label)) for label in (0, 3, 3, 1)], [], []

    def loss_fn(model, batch):
        found = nn.functional.cross_entropy(model(batch[0]), batch[1])
        seen.append(found.item())
        return found

    def leave(progress):
        if progress.step == stop:
            raise Stop

    how = {"checkpoint": tmp_path / "run.ckpt", "every": 1, "loss_fn": loss_fn, "callbacks": [rows.append]}
    if stop is not None:
        with pytest.raises(Stop):
            Crisp(small(), epochs=1, classes=(0, 1), **BY_SIZE).fit(loader, on_step=leave, **how)
    Crisp(small(), epochs=1, classes=(0, 1), **BY_SIZE).fit(loader, resume=stop is not None, **how)
    assert len(seen) == 2 and rows[0].loss == pytest.approx(sum(seen) / 2)


def test_frozen_networks_are_pruned_and_not_trained():
    batches = [(X, torch.arange(4))]
    with pytest.raises(InputError, match=r"no weight of the model is trained.* epochs=0"):
        Crisp(small().requires_grad_(False), epochs=1, **BY_SIZE).fit(batches)
    pruner = Crisp(small().requires_grad_(False), epochs=0, **BY_SIZE)
    pruner.fit(batches)
    assert pruner.done and not any(weight.requires_grad for weight in pruner.finalize().parameters())


def test_a_loader_that_gives_fewer_batches_than_it_says_is_named():
    class Short(list):
        def __len__(self):
            return 3

    with pytest.raises(InputError, match="says that it has 3 batches, and gave 1"):
        Crisp(small(), epochs=1, **BY_SIZE).fit(Short([(X, torch.arange(4))]))


@pytest.mark.parametrize("done", [True, False])
def test_masks_that_were_taken_off_are_not_trained_without(done):
    pruner = Crisp(small(), epochs=1, **BY_SIZE)
    while done and not pruner.done:
        pruner.step()
    pruner.finalize()
    pruner.finalize()  # it is plain already
    with pytest.raises(InputError, match="masks do not act any more"):
        pruner.fit([(X, torch.arange(4))])
    if not done:
        with pytest.raises(InputError, match="the masks of 0, 2 do not act any more"):
            pruner.step()


def test_hooks_that_somebody_removed_are_missed():
    model = small()
    pruner = Crisp(model, epochs=1, **BY_SIZE)
    for hooks in (model._forward_pre_hooks, model[0]._forward_pre_hooks):
        hooks.clear()
    with pytest.raises(InputError, match="the masks of 0 do not act any more"):
        pruner.step()
    with pytest.raises(InputError, match="the masks of 0 do not act any more"):
        pruner.finalize()
