"""The budget against an exhaustive walk, and the shapes of ResNet-50."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from crisp_hw.errors import InputError
from crisp_prune.blocks import Grid, RankColumns, rank_columns
from crisp_prune.budget import Budget, candidates, prunable, select

# ResNet-50 v1.5 (He et al., arXiv 1512.03385, table 1; stride on the 3x3): (width, blocks) of the four stages.
STAGES = ((64, 3), (128, 4), (256, 6), (512, 3))


def resnet50_grids(block):
    """Matrix shapes (S, K) of the 52 prunable convolutions, without the first."""
    grids, inputs = {}, 64
    for stage, (width, count) in enumerate(STAGES, 1):
        for index in range(count):
            name = f"layer{stage}.{index}"
            grids[f"{name}.conv1"] = Grid(width, inputs, block)
            grids[f"{name}.conv2"] = Grid(width, 9 * width, block)
            grids[f"{name}.conv3"] = Grid(4 * width, width, block)
            if index == 0:
                grids[f"{name}.downsample"] = Grid(4 * width, inputs, block)
            inputs = 4 * width
    return grids


@pytest.mark.parametrize("block", [16, 64])
def test_resnet50_shapes_land_on_the_target(block):
    grids = resnet50_grids(block)
    convolutions = sum(grid.rows * grid.columns for grid in grids.values())
    assert (len(grids), convolutions) == (52, 23_445_504)
    total, classifier = convolutions + 2048 * 1000, 2048 * 1000
    generator = torch.Generator().manual_seed(0)
    ranks = {
        name: rank_columns(torch.rand(grid.shape, generator=generator, dtype=torch.float64), grid, (2, 4))
        for name, grid in grids.items()
    }
    pruned = select(ranks, Budget(total, classifier // 2, {}), 0.9, "weight")
    kept = classifier // 2 + sum(sum(ranks[name].kept[count:]) for name, count in pruned.items())
    largest = max(max(layer.kept) for layer in ranks.values())
    assert abs(1 - kept / total - 0.9) <= largest / 2 / total + 1e-12
    kept_columns = sum(grid.rows * grid.columns * (1 - pruned[name] / grid.shape[1]) for name, grid in grids.items())
    assert (kept_columns + classifier) / total == pytest.approx((kept / total) * 4 / 2)


layers = st.lists(st.tuples(st.integers(1, 9), st.integers(1, 17), st.integers(0, 1000)), min_size=1, max_size=4)


def random_ranks(shapes, block, nm):
    """Rank columns of layers with random integer block scores."""
    found = {}
    for index, (rows, columns, seed) in enumerate(shapes):
        grid = Grid(rows, columns, block)
        scores = torch.randint(0, 9, grid.shape, generator=torch.Generator().manual_seed(seed)).double()
        found[str(index)] = rank_columns(scores, grid, nm)
    return found


@given(layers, st.floats(0.5, 0.99), st.sampled_from(["weight", "sum"]))
def test_selection_is_a_prefix_of_the_global_order_and_lands_nearest(shapes, target, normalize):
    ranks = random_ranks(shapes, 4, (2, 4))
    total = sum(sum(layer.weights) for layer in ranks.values())
    budget = Budget(total, 0, {})
    order = sorted(
        (column for name, layer in ranks.items() for column in candidates(name, layer, prunable(layer), normalize)),
        key=lambda column: column.key,
    )
    kept = [sum(sum(layer.kept) for layer in ranks.values())]
    for column in order:
        kept.append(kept[-1] - column.freed)
    reached = [1 - value / total for value in kept]
    if reached[-1] < target - 1e-9:
        with pytest.raises(InputError, match=f"{reached[-1]:.4f}"):
            select(ranks, budget, target, normalize)
        return
    pruned = select(ranks, budget, target, normalize)
    landed = reached[sum(pruned.values())]
    assert abs(landed - target) <= min(abs(value - target) for value in reached) + 2e-9 or landed == reached[0]
    counts = dict.fromkeys(ranks, 0)
    for column in order[: sum(pruned.values())]:
        counts[column.layer] += 1
    assert counts == pruned
    assert all(pruned[name] < len(layer.weights) for name, layer in ranks.items())


def ranks_of(scores, dead=0):
    """One layer of unit blocks of 8 weights, 4 kept."""
    return RankColumns(torch.zeros(1, len(scores)), tuple(scores), (8,) * len(scores), (4,) * len(scores), dead)


def test_already_pruned_columns_cost_nothing_and_stay():
    ranks = {"a": ranks_of((-1.0, 2.0, 3.0, 4.0), dead=1), "b": ranks_of((9.0, 9.0, 9.0, 9.0))}
    assert select(ranks, Budget(64, 0, {}), 0.5625, "weight") == {"a": 1, "b": 0}
    assert select(ranks, Budget(64, 0, {}), 0.625, "weight") == {"a": 2, "b": 0}


def test_ties_go_to_the_layer_that_comes_first():
    ranks = {"a": ranks_of((1.0, 1.0)), "b": ranks_of((1.0, 1.0))}
    assert select(ranks, Budget(32, 0, {}), 0.625, "weight") == {"a": 1, "b": 0}


def test_per_weight_and_raw_sum_order_differ():
    wide = RankColumns(torch.zeros(1, 2), (4.0, 8.0), (80, 80), (40, 40), 0)
    ranks = {"narrow": ranks_of((3.0, 9.0)), "wide": wide}
    assert select(ranks, Budget(176, 0, {}), 0.7, "weight")["wide"] == 1
    assert select(ranks, Budget(176, 0, {}), 0.52, "sum") == {"narrow": 1, "wide": 0}


def test_a_ceiling_holds_and_an_unreachable_target_names_the_highest():
    ranks = {"a": ranks_of((1.0, 2.0, 3.0, 4.0)), "b": ranks_of((5.0, 6.0, 7.0, 8.0))}
    assert select(ranks, Budget(64, 0, {"a": 0.75}), 0.75, "weight") == {"a": 2, "b": 2}
    with pytest.raises(InputError, match=r"0\.8125"):
        select(ranks, Budget(64, 0, {"a": 0.75}), 0.85, "weight")
