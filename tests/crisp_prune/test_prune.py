"""The pruner: saliency, iterations, state, distributed and AMP arithmetic, hand-over."""

import copy
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from crisp_hw.errors import InputError
from crisp_prune import Crisp, CrispConfig
from crisp_prune.matrix import to_matrix

torch.set_num_threads(1)


class Net(nn.Module):
    """Ragged on purpose: 9 * 10 = 90 and 40 columns against blocks of 16."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 10, 3, padding=1)
        self.norm = nn.BatchNorm2d(10)
        self.body = nn.Conv2d(10, 20, 3, padding=1)
        self.drop = nn.Dropout(0.3)
        self.mid = nn.Linear(20 * 2, 40)
        self.mid2 = nn.Linear(40, 24)
        self.head = nn.Linear(24, 6)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.norm(self.stem(x))), 2)
        x = F.adaptive_avg_pool2d(F.relu(self.body(x)), (1, 2)).flatten(1)
        return self.head(F.relu(self.mid2(F.relu(self.mid(self.drop(x))))))


def net():
    torch.manual_seed(3)
    return Net()


def data(count=48):
    generator = torch.Generator().manual_seed(5)
    return TensorDataset(torch.randn(count, 3, 8, 8, generator=generator), torch.arange(count) % 6)


def loader(**options):
    return DataLoader(data(), batch_size=8, **options)


CONFIG = CrispConfig(sparsity=0.75, block=16, epochs=2, lr=0.05)


def mean_gradients(model, names, batches, term):
    """Oracle: gradients of an unhooked copy, weights masked by hand beforehand, batch by batch."""
    model = copy.deepcopy(model).eval()
    sums = dict.fromkeys(names, 0.0)
    for x, y in batches:
        model.zero_grad()
        F.cross_entropy(model(x), y).backward()
        for name in names:
            sums[name] = sums[name] + term(model.get_submodule(name).weight.grad)
    return {name: total / len(batches) for name, total in sums.items()}


@pytest.mark.parametrize(("score", "term"), [("cass", torch.abs), ("signed", lambda g: g)])
def test_saliency_is_weight_times_mean_gradient_of_a_pass_that_changes_nothing(score, term):
    model = net()
    pruner = Crisp(model, CrispConfig(sparsity=0.75, block=16, criterion=score), sample=torch.zeros(1, 3, 8, 8))
    batches = list(loader())
    names = list(pruner.masks)
    expected = mean_gradients(net(), names, batches, term)
    before, state = torch.get_rng_state(), copy.deepcopy(model.state_dict())
    pruner.measure(loader(shuffle=False))
    scores = pruner.gradients.scores(pruner.weights, pruner.config.criterion)
    for name in names:
        weight = model.get_submodule(name).weight
        assert torch.allclose(scores[name], to_matrix((weight * expected[name]).abs()), rtol=1e-4, atol=1e-8)
    assert torch.equal(torch.get_rng_state(), before) and model.training
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_saliency_reads_only_the_users_classes():
    mine = CrispConfig(sparsity=0.75, block=16, classes=(1, 4))
    pruner = Crisp(net(), mine, sample=torch.zeros(1, 3, 8, 8))
    pruner.measure(loader())
    batches = [(x[(y == 1) | (y == 4)], y[(y == 1) | (y == 4)]) for x, y in loader()]
    expected = mean_gradients(net(), ["body"], batches, torch.abs)["body"]
    means, count = pruner.gradients.means(pruner.weights)
    assert count == 6 and torch.allclose(means["body"], expected, rtol=1e-4, atol=1e-8)
    nobody = Crisp(net(), CrispConfig(sparsity=0.75, block=16, classes=(77,)))
    with pytest.raises(InputError, match=r"no batch held a sample of the classes \(77,\)"):
        nobody.step(loader())


@pytest.mark.parametrize("normalize", ["weight", "sum"])
def test_every_iteration_keeps_nm_balance_floor_and_target(normalize):
    config = CrispConfig(sparsity=0.8, block=16, normalize=normalize)
    pruner = Crisp(net(), config)
    batches = loader()
    previous = {}
    for index, target in enumerate(config.targets):
        done = pruner.step(batches)
        largest = max(16 * layer.grid.rows / 2 for layer in pruner.masks.values()) / pruner.plan().total
        assert done.index == index and abs(done.sparsity - target) <= (largest if index else 1e-2)
        for name, masks in pruner.masks.items():
            role = pruner.plan().layer(name).role
            rows, columns = masks.nm.shape
            whole = columns // 4 * 4
            assert (masks.nm[:, :whole].reshape(rows, -1, 4).sum(2) == 2).all()
            assert len(set(masks.blocks.sum(1).tolist())) == 1 and masks.blocks[0].sum() >= 1
            assert role == "hybrid" or masks.blocks.all()
            if name in previous:
                assert not (masks.blocks & ~previous[name]).any()
            previous[name] = masks.blocks
        with torch.no_grad():
            for weight in pruner.weights.values():
                weight.add_(torch.randn_like(weight), alpha=0.05)
    assert pruner.done and index >= 4
    with pytest.raises(InputError, match="iterations are done"):
        pruner.step(batches)
    zeros = sum(int((w == 0).sum()) for name, w in pruner.finalize().named_parameters() if name[:-7] in previous)
    assert zeros / pruner.plan().total == pytest.approx(pruner.sparsity)


def test_observe_unscales_and_skips_overflow():
    x, y = next(iter(loader()))
    totals = []
    for scale in (1.0, 1024.0):
        model = net().eval()
        pruner = Crisp(model, CONFIG, sample=x)
        (F.cross_entropy(model(x), y) * scale).backward()
        pruner.observe(scale)
        totals.append(pruner.gradients.means(pruner.weights)[0]["body"])
        model.body.weight.grad[0] = float("inf")
        pruner.observe(scale)
        assert pruner.gradients.batches == 1
    assert torch.allclose(totals[0], totals[1], rtol=1e-5)


RANK = """
import os, sys
from datetime import timedelta
import torch
from torch import nn
from torch.nn import functional as F
sys.path.insert(0, sys.argv[1])
from test_prune import CONFIG, loader, net
from crisp_prune import Crisp

torch.set_num_threads(1)
rank, address, result = int(sys.argv[2]), sys.argv[3], sys.argv[4]
wait = timedelta(seconds=150)
torch.distributed.init_process_group("gloo", init_method=f"file://{address}", rank=rank, world_size=2, timeout=wait)
model = nn.parallel.DistributedDataParallel(net().eval())
pruner = Crisp(model, CONFIG, sample=torch.zeros(1, 3, 8, 8))
F.cross_entropy(model(torch.randn(4, 3, 8, 8)), torch.arange(4)).backward()
for _ in range(3):
    pruner.step(list(loader())[rank::2])
torch.save({name: masks.keep for name, masks in pruner.masks.items()}, result)
torch.distributed.barrier()
os._exit(0)  # gloo's threads can outlive the interpreter and keep the process from ending
"""


@pytest.mark.process
def test_two_processes_score_as_one_that_sees_all_batches(tmp_path):
    """Each sees half of the batches, under DDP; both are processes of their own, so that gloo ends with them."""
    results = [tmp_path / "keep0", tmp_path / "keep1"]
    where = [sys.executable, "-c", RANK, str(Path(__file__).parent)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "GLOO_SOCKET_IFNAME": "lo"}
    ranks = [
        subprocess.Popen([*where, str(rank), tmp_path / "meet", results[rank]], env=environment) for rank in (0, 1)
    ]
    try:
        assert [rank.wait(timeout=200) for rank in ranks] == [0, 0]
    finally:
        for rank in ranks:
            rank.kill()
            rank.wait()
    mine, theirs = (torch.load(result) for result in results)
    pruner = Crisp(net(), CONFIG, sample=torch.zeros(1, 3, 8, 8))
    for _ in range(3):
        pruner.step(loader())
    for name, masks in pruner.masks.items():
        assert torch.equal(mine[name], theirs[name])
        assert (mine[name] == masks.keep).float().mean() > 0.999


def test_state_loads_with_weights_only_and_continues_alike():
    torch.manual_seed(0)
    model = net()
    pruner = Crisp(model, CONFIG)
    pruner.step(loader(shuffle=True))
    pruner.step(loader(shuffle=True))
    pruner.measure(loader())
    buffer = io.BytesIO()
    torch.save(pruner.state_dict(), buffer)
    weights = copy.deepcopy(model.state_dict())
    expected, drawn = pruner.step(), torch.rand(3)
    buffer.seek(0)
    again = Crisp(net(), CONFIG)
    again.model.load_state_dict(weights)
    again.load_state_dict(torch.load(buffer, weights_only=True))
    assert again.step() == expected
    assert torch.equal(torch.rand(3), drawn)
    assert again.plan() == pruner.plan()
    for name, masks in again.masks.items():
        assert torch.equal(masks.keep, pruner.masks[name].keep)
        assert torch.equal(again.masking.attached[name].keep, pruner.masking.attached[name].keep)


def test_state_of_another_run_is_refused_and_changes_nothing():
    pruner = Crisp(net(), CONFIG)
    pruner.step(loader())
    saved = pruner.state_dict()
    other = Crisp(net(), CrispConfig(sparsity=0.7, block=16, epochs=2, lr=0.05))
    with pytest.raises(InputError, match=r"another config: sparsity 0.75 \(now 0.7\)"):
        other.load_state_dict(saved)
    with pytest.raises(InputError, match="version 9"):
        other.load_state_dict({**saved, "version": 9})
    smaller = Crisp(nn.Sequential(nn.Linear(64, 64), nn.Linear(64, 64), nn.Linear(64, 4)), CONFIG)
    with pytest.raises(InputError, match="other layers"):
        smaller.load_state_dict(saved)
    assert other.iteration == smaller.iteration == 0


def test_sr_ste_pulls_only_what_nm_dropped():
    pruner = Crisp(net(), CrispConfig(sparsity=0.75, block=16, sr_ste=0.5, criterion="magnitude"))
    pruner.step()
    before = pruner.weights["body"].detach().clone()
    pruner.decay(lr=0.1)
    nm = pruner.masking.attached["body"].nm
    assert torch.equal(pruner.weights["body"][nm], before[nm])
    assert torch.allclose(pruner.weights["body"][~nm], before[~nm] * 0.95)


def test_frozen_layers_are_scored_and_stay_frozen():
    model = net()
    model.body.weight.requires_grad_(False)
    pruner = Crisp(model, CONFIG)
    pruner.measure(loader())
    assert pruner.gradients.sums["body"].abs().sum() > 0 and not model.body.weight.requires_grad


def test_data_parallel_is_refused():
    with pytest.raises(InputError, match="use DistributedDataParallel"):
        Crisp(nn.DataParallel(net()), CONFIG)


def test_not_finite_saliency_names_the_layer():
    model = net()
    pruner = Crisp(model, CrispConfig(sparsity=0.75, block=16, criterion="magnitude"))
    with torch.no_grad():
        model.mid.weight[0, 0] = float("nan")
    with pytest.raises(InputError, match="mid: the saliency is not finite"):
        pruner.step()


def test_geometry_comes_from_the_first_batch_and_leaves_no_trace():
    model = net()
    pruner = Crisp(model, CONFIG)
    before = torch.get_rng_state()
    pruner.step(loader(shuffle=True))
    assert pruner.geometry.batch == 8 and pruner.geometry.order == ("stem", "body", "mid", "mid2", "head")
    assert torch.equal(torch.get_rng_state(), before)
    assert int(model.norm.num_batches_tracked) == 0
    with pytest.raises(InputError, match="can be read once"):
        Crisp(net(), CONFIG).step(iter(loader()))
