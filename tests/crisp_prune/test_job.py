"""Weights to start from, as they were saved: with the names of a wrapper, or of another network."""

import pytest
import torch

from crisp_hw.errors import InputError
from crisp_prune.job import build_model

SPEC = "tests.crisp_prune.test_job:net"


def net():
    return torch.nn.Sequential(torch.nn.Linear(4, 2))


@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module."])
def test_names_of_wrappers_are_taken_off(tmp_path, prefix):
    saved = {"0.weight": torch.full((2, 4), 3.0), "0.bias": torch.ones(2)}
    torch.save({prefix + name: value for name, value in saved.items()}, tmp_path / "start.pt")
    found = build_model(SPEC, tmp_path / "start.pt", seed=0).state_dict()
    assert all(torch.equal(found[name], value) for name, value in saved.items())


@pytest.mark.parametrize("other", ["0.extra", "model.0.weight"])
def test_what_is_no_wrapper_of_all_is_refused(tmp_path, other):
    saved = {"module.0.weight": torch.zeros(2, 4), "module.0.bias": torch.zeros(2), other: torch.zeros(1)}
    torch.save(saved, tmp_path / "start.pt")
    with pytest.raises(InputError, match=r"does not fit .*it lacks 0.bias, 0.weight"):
        build_model(SPEC, tmp_path / "start.pt", seed=0)


def test_codes_of_a_quantised_network_are_no_weights(tmp_path):
    """They were read as weights of that size, whatever their scale."""
    saved = {"0.weight": torch.zeros(2, 4, dtype=torch.int8), "0.bias": torch.zeros(2)}
    torch.save(saved, tmp_path / "start.pt")
    with pytest.raises(InputError, match=r"whole numbers, as of a quantised network, are 0\.weight; save its state"):
        build_model(SPEC, tmp_path / "start.pt", seed=0)
    torch.save({**saved, "0.weight": torch.full((2, 4), 3.0, dtype=torch.float16)}, tmp_path / "start.pt")
    assert build_model(SPEC, tmp_path / "start.pt", seed=0)[0].weight.mean() == 3
