"""Processes that train together end with the weights, masks and rows of one that has the batches of all."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from together import in_processes
from torch import nn
from torch.utils.data import BatchSampler, DataLoader, DistributedSampler, RandomSampler, TensorDataset

from crisp_hw.errors import InputError
from crisp_prune import Crisp, CrispConfig
from crisp_prune.checkpoint import load_checkpoint
from crisp_prune.train import _tell_epoch

pytestmark = [pytest.mark.process, pytest.mark.train]

CONFIG = CrispConfig(sparsity=0.7, block=8, epochs=3, lr=0.05, classes=(0, 1, 3), sr_ste=2e-4, seed=7)
KINDS = {
    "scored by a pass": CONFIG,
    "scored while training": replace(CONFIG, online=True),
    "all classes": replace(CONFIG, classes=(), criterion="taylor", lr=0.005),
    "filters by how often they fire": replace(CONFIG, pattern="filter", n=1, m=1, block=1, criterion="apoz"),
}


def data():
    """The last batch of the first process has no sample of the classes."""
    generator = torch.Generator().manual_seed(5)
    return TensorDataset(torch.randn(48, 3, 6, 6, generator=generator, dtype=torch.float64), torch.arange(48) % 4)


def net(seed=0):
    torch.manual_seed(seed)
    layers = nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 16), nn.ReLU()
    return nn.Sequential(*layers, nn.Linear(16, 4)).double()


def loader(processes, rank, size=4):
    sampler = DistributedSampler(data(), processes, rank, shuffle=True, seed=3)
    return DataLoader(data(), size * 2 // processes, sampler=sampler)


def told(pruner):
    weights = [value.clone() for value in pruner.finalize().state_dict().values()]
    return weights, {name: masks.keep for name, masks in pruner.masks.items()}, pruner.history


class Stop(Exception):
    """Raised to leave the loop."""


def refused(rank, build):
    """What is said where two processes cannot go on; the same in both."""
    try:
        build()
    except InputError as error:
        return str(error)
    return "nothing"


def trained(rank, folder):
    """Runs in each of the two; weights of the second begin elsewhere, unless they are wrapped."""
    found, rows = {}, []
    for kind, config in KINDS.items():
        pruner = Crisp(net(seed=rank), config, sample=torch.zeros(1, 3, 6, 6, dtype=torch.float64))
        pruner.fit(loader(2, rank), callbacks=[rows.append])
        found[kind] = told(pruner)
    found["rows"] = [(row.loss, row.sparsity) for row in rows]

    def stop(progress):
        if progress.step == 8:
            raise Stop

    path = Path(folder) / "run.ckpt"
    for step in (None, stop, None):
        model = nn.parallel.DistributedDataParallel(net().insert(1, nn.Dropout(0.5)))
        pruner = Crisp(model, CONFIG)
        kept = path if step or path.exists() else None
        try:
            pruner.fit(loader(2, rank), checkpoint=kept, resume=kept is not None, every=1, on_step=step)
            found.setdefault("whole and resumed", []).append(told(pruner))
        except Stop:
            torch.distributed.barrier()
    same, holed = list(DataLoader(data(), 8)), net()
    found["same batches"] = refused(rank, lambda: Crisp(net(), CONFIG).fit(same))
    seeds = replace(CONFIG, criterion="magnitude", keep_zeros=True)
    with torch.no_grad():
        holed[5].weight[rank] = 0
    found["other zeros"] = refused(rank, lambda: Crisp(holed, seeds).fit(loader(2, rank)))
    found["taken"] = refused(rank, lambda: Crisp(net(), CONFIG).fit(loader(2, rank), checkpoint=path))
    return found


def test_two_processes_train_as_one_that_has_the_batches_of_both(tmp_path):
    first, second = in_processes(2, __file__, "trained", tmp_path)
    rows = []
    for kind, config in KINDS.items():
        pruner = Crisp(net(), config, sample=torch.zeros(1, 3, 6, 6, dtype=torch.float64))
        pruner.fit(loader(1, 0), callbacks=[rows.append])
        weights, masks, history = told(pruner)
        for mine, theirs, alone in zip(first[kind][0], second[kind][0], weights, strict=True):
            assert torch.equal(mine, theirs) and torch.allclose(mine, alone, rtol=1e-9, atol=1e-12), kind
        for name, keep in masks.items():
            assert torch.equal(first[kind][1][name], second[kind][1][name])
            assert torch.equal(first[kind][1][name], keep), (kind, name)
        assert first[kind][2] == second[kind][2] == history
    assert first["rows"] == second["rows"] == [(pytest.approx(row.loss, rel=1e-9), row.sparsity) for row in rows]
    for found in (first, second):
        whole, resumed = found["whole and resumed"]
        assert all(torch.equal(a, b) for a, b in zip(whole[0], resumed[0], strict=True))
        assert "each of the 2 processes is given the same first batch; give each its share" in found["same batches"]
        assert "masks differ between the 2 processes" in found["other zeros"]
        assert "run.ckpt exists; set resume=True" in found["taken"]
    saved = load_checkpoint(tmp_path / "run.ckpt")
    assert len(saved["places"]) == 2
    with pytest.raises(InputError, match="was one of 2 processes, this one is one of 1"):
        Crisp(net().insert(1, nn.Dropout(0.5)), CONFIG).fit(loader(1, 0), checkpoint=tmp_path / "run.ckpt", resume=True)


COUNT = 4
"""Processes whose batches differ in size."""
ENDS = (10, 21, 31, 48)
"""Where the batches of all end: the last one is larger than the others."""


def uneven():
    """The batches of one process that has all of them, and the shares of each of several."""
    inputs, labels = data().tensors
    starts = (0, *ENDS[:-1])
    whole = [(inputs[start:end], labels[start:end]) for start, end in zip(starts, ENDS, strict=True)]
    shares: list[list] = [[] for _ in range(COUNT)]
    for at, batch in enumerate(whole):
        cuts = [0, *(len(batch[1]) * part // COUNT + (at + part) % 2 for part in range(1, COUNT)), len(batch[1])]
        for share, start, end in zip(shares, cuts, cuts[1:], strict=False):
            share.append(tuple(part[start:end] for part in batch))
    return whole, shares


def trained_unevenly(rank, folder):
    """Weights, masks and what is refused, in each of several processes."""
    found = {}
    mine = uneven()[1][rank]
    for kind in ("scored by a pass", "scored while training"):
        pruner = Crisp(net(seed=rank), replace(KINDS[kind], classes=()))
        pruner.fit(mine)
        found[kind] = told(pruner)
    found["fewer"] = refused(rank, lambda: Crisp(net(), CONFIG).fit(mine[: len(mine) - (rank == 2)]))
    synced = nn.SyncBatchNorm.convert_sync_batchnorm(net().insert(1, nn.BatchNorm2d(8)).double())
    found["synced"] = refused(rank, lambda: Crisp(synced, CONFIG).fit(mine))
    return found


def test_four_processes_with_uneven_batches_train_as_one(tmp_path):
    whole, shares = uneven()
    assert len({len(batch[1]) for share in shares for batch in share}) > 2
    results = in_processes(COUNT, __file__, "trained_unevenly", tmp_path)
    for kind in ("scored by a pass", "scored while training"):
        pruner = Crisp(net(), replace(KINDS[kind], classes=()))
        pruner.fit(whole)
        weights, masks, history = told(pruner)
        for found in results:
            assert all(
                torch.allclose(*pair, rtol=1e-9, atol=1e-12) for pair in zip(found[kind][0], weights, strict=True)
            )
            assert (
                all(torch.equal(found[kind][1][name], keep) for name, keep in masks.items())
                and found[kind][2] == history
            )
    for found in results:
        assert found["fewer"].startswith("the processes have 4, 4, 3, 4 batches an epoch, and a step takes one of each")
        assert found["synced"].startswith("1: SyncBatchNorm works on an accelerator alone, and the model is on the CPU")


def test_samplers_are_told_the_epoch_wherever_they_lie():
    class Told:
        epoch = None

        def set_epoch(self, epoch):
            self.epoch = epoch

    sampler = DistributedSampler(data(), 1, 0)
    loaders = (
        DataLoader(data(), sampler=sampler),
        DataLoader(data(), batch_sampler=BatchSampler(sampler, 4, drop_last=False)),
    )
    for epoch, each in enumerate(loaders, 1):
        _tell_epoch(each, epoch)
        assert sampler.epoch == epoch
    told = Told()
    _tell_epoch(told, 5)
    _tell_epoch(DataLoader(data(), batch_sampler=BatchSampler(RandomSampler(data()), 4, drop_last=False)), 6)
    assert told.epoch == 5
