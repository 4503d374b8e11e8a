"""The model stays plain: names, copies, pickles, optimizers; and what the hooks compute."""

import copy
import io
import pickle

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from crisp_hw.errors import InputError
from crisp_prune.attach import attach, mask_hooks, strip
from crisp_prune.config import CrispConfig
from crisp_prune.prune import Crisp
from crisp_prune.sites import find_sites, weight_of

torch.set_num_threads(1)


def small():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.Flatten(), nn.Linear(32, 16), nn.Linear(16, 4)
    )


def attached(iterations=2):
    model = small()
    pruner = Crisp(model, CrispConfig(sparsity=0.7, block=8, criterion="magnitude"), sample=torch.zeros(1, 3, 6, 6))
    for _ in range(iterations):
        pruner.step()
    return model, pruner


X = torch.randn(5, 3, 6, 6, generator=torch.Generator().manual_seed(1))


def test_names_and_strict_load_are_those_of_the_plain_model():
    model, _ = attached()
    assert list(model.state_dict()) == list(small().state_dict())
    assert [name for name, _ in model.named_parameters()] == [name for name, _ in small().named_parameters()]
    model(X)
    assert all("weight" not in vars(module) for module in model.modules())
    fresh = {name: torch.randn_like(value) for name, value in small().state_dict().items()}
    model.load_state_dict(fresh, strict=True)
    small().load_state_dict(model.state_dict(), strict=True)
    assert torch.equal(model[2].weight, fresh["2.weight"])


def test_deepcopy_pickle_and_torch_save_keep_the_masks_and_go_their_own_way():
    model, _ = attached()
    expected = model(X)
    buffer = io.BytesIO()
    torch.save(model, buffer)
    buffer.seek(0)
    copies = [copy.deepcopy(model), pickle.loads(pickle.dumps(model)), torch.load(buffer, weights_only=False)]
    for twin in copies:
        assert torch.equal(twin(X), expected)
        strip(twin)
        assert torch.equal(twin(X), expected) and not mask_hooks(twin)
    assert torch.equal(model(X), expected) and mask_hooks(model)


def test_a_deep_copied_pruner_prunes_its_own_model():
    model, pruner = attached(1)
    twin = copy.deepcopy(pruner)
    twin.step()
    assert (pruner.iteration, twin.iteration) == (1, 2)
    assert twin.model is not model and twin.sparsity > pruner.sparsity
    weight = twin.finalize()[2].weight
    assert (weight == 0).float().mean() == pytest.approx(1 - twin.masks["2"].keep.float().mean().item())


def test_the_optimizer_made_before_attaching_keeps_working():
    model = small()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    pruner = Crisp(model, CrispConfig(sparsity=0.7, block=8, criterion="magnitude"))
    pruner.step()
    before = model[4].weight.clone()
    F.cross_entropy(model(X), torch.arange(5) % 4).backward()
    optimizer.step()
    assert not torch.equal(model[4].weight, before)
    assert optimizer.param_groups[0]["params"][4] is model[4].weight


def test_gradient_reaches_what_nm_dropped_and_not_what_blocks_dropped():
    model, pruner = attached(3)
    masks = pruner.masks["2"]
    model(X).square().sum().backward()
    gradient = model[2].weight.grad.permute(0, 2, 3, 1).reshape(8, -1)
    assert (gradient[~masks.live] == 0).all()
    assert (gradient[masks.live & ~masks.nm] != 0).float().mean() > 0.5
    effective = torch.where(pruner.masking.attached["2"].keep, model[2].weight, 0.0).detach().requires_grad_()
    hidden = model[1](model[0](X))
    tail = nn.Sequential(*list(strip(copy.deepcopy(model)))[3:])
    tail(F.conv2d(hidden.detach(), effective, model[2].bias)).square().sum().backward()
    dense = effective.grad.permute(0, 2, 3, 1).reshape(8, -1)
    assert torch.allclose(gradient, torch.where(masks.live, dense, 0.0), rtol=1e-4, atol=1e-5)


def test_forward_uses_the_masked_weight_and_finalize_writes_exact_zeros():
    model, pruner = attached()
    expected = model(X)
    plain = pruner.finalize()
    assert plain is model and not mask_hooks(model)
    keep = pruner.masks["4"].keep
    assert torch.equal(plain[4].weight != 0, keep)
    assert not torch.signbit(plain[4].weight[~keep]).any()
    assert torch.equal(plain(X), expected)
    assert all(not module._forward_hooks and not module._forward_pre_hooks for module in plain.modules())


def test_an_exception_in_forward_leaves_no_shadow():
    model, _ = attached()
    with pytest.raises(RuntimeError):
        model(torch.zeros(1, 4, 6, 6))
    with pytest.raises(RuntimeError):
        model[4](torch.zeros(1, 7))
    assert isinstance(model[4].weight, nn.Parameter)
    assert all("weight" not in vars(module) for module in model.modules())


def test_one_pruner_at_a_time():
    model, pruner = attached()
    with pytest.raises(InputError, match="a pruner attached already"):
        Crisp(model, CrispConfig(sparsity=0.7, block=8))
    pruner.finalize()
    Crisp(model, CrispConfig(sparsity=0.7, block=8))


def masked_at_random(model):
    """Attach to every site, mask half of each weight at random, and give the masked plain twin."""
    twin = copy.deepcopy(model)
    for index, site in enumerate(find_sites(model)):
        masks = attach(model, site)
        keep = torch.rand(masks.keep.shape, generator=torch.Generator().manual_seed(index)) < 0.5
        masks.set(keep, torch.ones_like(keep))
        with torch.no_grad():
            weight_of(twin, site.uses[0]).mul_(keep)
    return model, twin


@pytest.mark.parametrize("training", [True, False])
def test_packed_attention_projections_are_masked(training):
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
    model, twin = masked_at_random(nn.TransformerEncoder(layer, 2))
    model.train(training), twin.train(training)
    x = torch.randn(3, 4, 8)
    with torch.set_grad_enabled(training):
        assert torch.allclose(model(x), twin(x), atol=1e-5)
    assert list(model.state_dict()) == list(twin.state_dict())


def test_weights_shared_by_two_layers_share_a_mask():
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8))
    plain[2].weight = plain[0].weight
    model, twin = masked_at_random(plain)
    x = torch.randn(3, 8)
    assert torch.equal(model(x), twin(x))
    assert torch.equal(strip(model)(x), twin(x))


def test_gradient_checkpointing_sees_the_same_masks():
    model, _ = attached()
    from torch.utils.checkpoint import checkpoint

    model(X).sum().backward()
    expected = model[2].weight.grad.clone()
    model.zero_grad()
    checkpoint(model, X, use_reentrant=False).sum().backward()
    assert torch.equal(model[2].weight.grad, expected)
