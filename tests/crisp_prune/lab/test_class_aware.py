"""Class-aware channel methods: OCAP against its rule written anew, and each of them in a cell."""

import pytest
import torch
from torch import nn

from crisp_hw.errors import InputError
from crisp_prune.lab import tuning
from crisp_prune.lab.cell import measure, start
from crisp_prune.lab.class_aware import METHODS, masks_of
from crisp_prune.lab.networks import vgg
from crisp_prune.lab.study import cells_of, read_study
from crisp_prune.lab.watching import Watched, firing, maps_of, right, without, worth

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def watched():
    torch.manual_seed(0)
    return Watched(vgg(4, 1).eval(), torch.rand(40, 1, 8, 8), torch.arange(40) % 2, (0, 1))


def test_ocap_keeps_what_any_image_chooses(watched):
    masks, maps = masks_of("ocap", watched, 0.05), maps_of(watched, watched.images)
    for place, (name, mask) in enumerate(masks.items()):
        if place < 3:
            assert bool(mask.all())
            continue
        wanted = set()
        for image in maps[name]:  # 20 of each class, fewer than the 30 that are looked at
            norms = [float(channel.norm()) for channel in image]
            threshold = sorted(norms)[int(len(norms) * (1 - 0.05))]
            wanted |= {channel for channel, norm in enumerate(norms) if norm > threshold}
        assert set(torch.nonzero(mask).flatten().tolist()) == (wanted or {0})
    often = masks_of("ocap-fr", watched, 0.05)
    assert all(int(often[name].sum()) <= int(masks[name].sum()) for name in list(masks)[3:])


def test_worth_is_what_the_loss_rises_by(watched):
    """To first order: a channel that is turned down a little, against the derivative."""
    name, channel, small = watched.norms[4], 3, 1e-3
    module = dict(watched.network.named_modules())[name]

    def loss(scale):
        gate = torch.ones(1, module.num_features, 1, 1)
        gate[0, channel] = scale
        handle = module.register_forward_hook(lambda m, i, o: o * gate)
        with torch.no_grad():
            found = nn.functional.cross_entropy(watched.network(watched.of(0)).double(), torch.zeros(20).long())
        handle.remove()
        return float(found)

    rise = (loss(1 - small) - loss(1 + small)) / (2 * small)
    assert float(worth(watched)[name][0, channel]) == pytest.approx(rise, rel=0.05, abs=1e-5)


def test_rates_are_shares(watched):
    for rate in firing(watched).values():
        assert rate.shape[0] == 2 and bool(((rate >= 0) & (rate <= 1)).all())


@pytest.mark.parametrize("method", METHODS)
def test_masks_leave_something_everywhere_and_hold_their_bound(watched, method):
    masks = masks_of(method, watched, 0.5)
    assert list(masks) == list(watched.norms) and all(bool(mask.any()) for mask in masks.values())
    if method in ("capnn-w", "capnn-m", "myml"):
        assert right(watched, masks, (0, 1)) >= right(watched, {}, (0, 1)) - 0.03
    network = vgg(4, 1).eval()
    network.load_state_dict(watched.network.state_dict())
    before = right(Watched(network, watched.images, watched.labels, (0, 1)), masks, (0, 1))
    without(network, masks)
    assert right(Watched(network, watched.images, watched.labels, (0, 1)), {}, (0, 1)) == before


def test_unknown_methods_are_named(watched):
    with pytest.raises(InputError, match="unknown method 'rank'; there are ocap, ocap-fr, capnn-b"):
        masks_of("rank", watched, 0.5)


STUDY = """
schema: crisp-hw/study/1
data: digits
model: vgg
side: 8
methods:
  - {name: ocap, kind: ocap}
  - {name: w, kind: capnn-w}
sparsities: [0.6]
classes: [[3, 5]]
seeds: [0]
epochs: 1
per_class: 8
pretrain_epochs: 1
batch_size: 4
"""


@pytest.mark.train
def test_cells_of_channel_methods_are_smaller_networks(tmp_path, monkeypatch):
    pytest.importorskip("sklearn", reason="the digits are scikit-learn's")
    monkeypatch.setattr(tuning, "EPOCHS", 1)
    (tmp_path / "study.yaml").write_text(STUDY)
    ocap, other = cells_of(read_study(tmp_path / "study.yaml"))
    start(ocap, tmp_path)
    found = measure(ocap, tmp_path)
    assert found.target is None and found.top1_all == found.top1_classes  # its head has these outputs alone
    assert 0 < found.macs < 1 and 0 < found.sparsity < 1 and found.by_layer["17"] >= 0.8  # 2 of 10 outputs
    assert 0 < measure(other, tmp_path).macs <= 1


def test_fields_that_a_method_does_not_read_are_refused(tmp_path):
    (tmp_path / "study.yaml").write_text(STUDY.replace("kind: capnn-w", "kind: capnn-w, block: 16"))
    with pytest.raises(InputError, match="block has no effect on 'w', which is of the kind capnn-w; leave it out"):
        read_study(tmp_path / "study.yaml")
