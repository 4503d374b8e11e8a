"""Units of every pattern against loops over them, and pruned models that hold only whole units."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from crisp_hw.errors import InputError
from crisp_prune import Crisp, CrispConfig
from crisp_prune.blocks import Grid, block_scores, block_sums, expand
from crisp_prune.budget import Budget
from crisp_prune.matrix import to_matrix
from crisp_prune.units import live_units, unit_sizes

torch.set_num_threads(1)
grids = st.sampled_from(
    [Grid(5, 18, 1, 1), Grid(5, 18, 1, 4), Grid(5, 18, 2, 1), Grid(5, 18, 1, 9, 9), Grid(5, 18, 5, 9, 9)]
)


def net():
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3),
        nn.ReLU(),
        nn.Conv2d(8, 12, 3),
        nn.ReLU(),
        nn.Conv2d(12, 16, 1),
        nn.Flatten(),
        nn.Linear(64, 4),
    )


BATCHES = [(torch.randn(8, 3, 6, 6, generator=torch.Generator().manual_seed(3)), torch.arange(8) % 4)]


def units_of(weight, pattern, side):
    """Index tensors of the weight's units, written down from what the pattern means."""
    number = torch.arange(weight.numel()).reshape(weight.shape)
    match pattern:
        case "unstructured":
            return list(number.flatten().split(1))
        case "kernel":
            return [number[s, c].flatten() for s in range(weight.shape[0]) for c in range(weight.shape[1])]
        case "filter":
            return [row.flatten() for row in number]
        case "channel":
            return [number[:, c].flatten() for c in range(weight.shape[1])]
        case "vector":
            return [piece for row in to_matrix(number) for piece in row.split(side)]
        case "column":
            return [piece for column in to_matrix(number).T for piece in column.split(side)]
    return [piece.flatten() for strip in to_matrix(number).split(side, 0) for piece in strip.split(side, 1)]


@pytest.mark.parametrize("pattern", ["unstructured", "kernel", "filter", "channel", "vector", "column", "block"])
def test_a_pruned_model_lacks_whole_units_of_its_pattern_and_the_worst_ones(pattern):
    model, side = net(), 4
    sided = {"block": side} if pattern in ("vector", "column", "block") else {}
    dense = {name: value.clone() for name, value in model.state_dict().items()}
    pruner = Crisp(model, pattern=pattern, criterion="l2", sparsity=0.5, increment=1.0, **sided)
    while not pruner.done:
        pruner.step(BATCHES)
    assert pruner.sparsity == pytest.approx(0.5, abs=0.06)
    pruner.finalize()
    alive = {True: [], False: []}
    for name in pruner.masks:
        weight = model.get_parameter(f"{name}.weight")
        for unit in units_of(weight, pattern, side):
            kept = weight.flatten()[unit] != 0
            assert kept.all() or not kept.any()
            before = dense[f"{name}.weight"].flatten()[unit]
            alive[bool(kept.all())].append(float((before**2).mean()))
    assert alive[True] and alive[False]
    if pattern != "block":  # whose rows are balanced
        # Only the last unit of a layer stands above units of others that went.
        assert sorted(alive[True])[len(pruner.masks)] >= sorted(alive[False])[-1] * (1 - 1e-6)


@given(grids, st.integers(0, 10**6), st.sampled_from(["global", "layer"]), st.floats(0.1, 0.8))
def test_units_go_worst_first_to_the_nearest_share(grid, seed, scope, target):
    scores = torch.rand(grid.rows, grid.columns, generator=torch.Generator().manual_seed(seed))
    everything = torch.ones(grid.rows, grid.columns, dtype=torch.bool)
    units = block_scores(scores, everything, torch.ones(grid.shape, dtype=torch.bool), grid)
    config = CrispConfig(pattern="unstructured", scope=scope)
    try:
        live = live_units({"a": units}, {"a": grid}, Budget(90, 0, {}, ("a",)), target, config)["a"]
    except InputError:
        assert 1 - target < float(unit_sizes(grid).max()) / 90
        return
    size = unit_sizes(grid)
    mean = units / size
    assert live.any() and (not (~live).any() or mean[live].min() >= mean[~live].max())
    share = float(size[~live].sum()) / 90
    assert abs(share - target) <= float(size.max()) / 90
    assert torch.equal(block_sums(expand(live, grid).double(), grid), torch.where(live, size, 0).double())


def test_units_that_went_stay_away_and_a_ceiling_holds():
    grid = Grid(2, 4, 1, 1)
    scores = torch.tensor([[-1.0, 5.0, 6.0, 7.0], [1.0, 2.0, 3.0, 8.0]], dtype=torch.float64)
    budget = Budget(8, 0, {"a": 0.25}, ("a",))
    live = live_units({"a": scores}, {"a": grid}, budget, 0.25, CrispConfig(pattern="unstructured"))["a"]
    assert live.tolist() == [[False, True, True, True], [False, True, True, True]]
    with pytest.raises(InputError, match=r"out of reach: with what must stay it is 0\.2500"):
        live_units({"a": scores}, {"a": grid}, budget, 0.75, CrispConfig(pattern="unstructured"))


def test_rows_compete_inside_where_asked():
    pruner = Crisp(net(), pattern="unstructured", criterion="magnitude", sparsity=0.75, scope="row", increment=1.0)
    while not pruner.done:
        pruner.step()
    for masks in pruner.masks.values():
        assert len(set(masks.keep.sum(1).tolist())) == 1


@pytest.mark.parametrize("pattern", ["hybrid", "nm", "block", "vector", "column", "kernel", "filter", "channel"])
@pytest.mark.parametrize("criterion", ["cass", "signed", "taylor", "fisher", "magnitude", "l2"])
def test_every_pattern_takes_every_criterion(pattern, criterion):
    sided = {"block": 8} if pattern in ("hybrid", "block") else {}
    target = {} if pattern == "nm" else {"sparsity": 0.6}
    pruner = Crisp(net(), pattern=pattern, criterion=criterion, increment=1.0, **sided, **target)
    while not pruner.done:
        pruner.step(BATCHES)
    exported = pruner.export()
    claimed = {layer.nm is not None for layer in exported.layers if layer.role != "dense"}
    assert claimed == {pattern in ("hybrid", "nm")}
    saved = pruner.state_dict()
    again = Crisp(net(), pruner.config, sample=BATCHES[0][0])
    again.load_state_dict(saved)
    assert all(torch.equal(again.masks[name].keep, masks.keep) for name, masks in pruner.masks.items())


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"pattern": "block", "n": 2, "m": 4}, "the pattern block has no N:M, but 2:4 is given; leave nm out"),
        ({"pattern": "filter", "block": 8}, "the pattern filter has no side, but block 8 is given"),
        ({"pattern": "nm", "sparsity": 0.9}, "2:4 alone gives 0.5000, not 0.9; leave sparsity out"),
        ({"pattern": "nm", "scope": "layer"}, "scope has no effect"),
        ({"pattern": "block", "scope": "row"}, "scope='row' is for the pattern unstructured"),
        ({"pattern": "stripe"}, "unknown pattern 'stripe'; there are hybrid, nm"),
    ],
)
def test_a_config_refuses_what_a_pattern_has_not(fields, said):
    with pytest.raises(InputError) as caught:
        CrispConfig(**fields)
    assert said in str(caught.value)


def test_roles_are_those_of_the_pattern():
    with pytest.raises(InputError, match="2 cannot be nm: the pattern filter has no such layers"):
        Crisp(net(), pattern="filter", sparsity=0.5, roles={"2": "nm"})
    assert Crisp(net(), pattern="nm").plan().layer("2").role == "nm"
    assert Crisp(net(), pattern="filter", sparsity=0.5).plan().layer("6").role == "dense"


def test_what_was_called_score_is_the_criterion():
    assert CrispConfig(score="l2") == CrispConfig(criterion="l2")
    assert Crisp(net(), score="magnitude", sparsity=0.6, block=8).config.criterion == "magnitude"
