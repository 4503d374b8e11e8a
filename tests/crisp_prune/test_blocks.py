"""Block sums, rank columns and block masks against loops over the blocks."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from crisp_prune.blocks import PRUNED, Grid, block_scores, expand, live_blocks, rank_columns
from crisp_prune.nm import nm_mask

grids = st.builds(Grid, st.integers(1, 9), st.integers(1, 13), st.sampled_from([2, 4]))


def random_scores(grid, seed):
    """Small integers, so that ties happen."""
    return torch.randint(0, 4, (grid.rows, grid.columns), generator=torch.Generator().manual_seed(seed)).float()


def blocks_of(grid):
    """Row and column slice of every block."""
    side = grid.block
    return [
        [
            (slice(r * side, min((r + 1) * side, grid.rows)), slice(c * side, min((c + 1) * side, grid.columns)))
            for c in range(grid.shape[1])
        ]
        for r in range(grid.shape[0])
    ]


@given(grids, st.integers(0, 10**6))
def test_block_score_is_the_sum_over_kept_real_weights(grid, seed):
    scores = random_scores(grid, seed)
    keep = nm_mask(scores, 1, 2)
    live = torch.rand(grid.shape, generator=torch.Generator().manual_seed(seed)) < 0.7
    found = block_scores(scores, keep, live, grid)
    for r, row in enumerate(blocks_of(grid)):
        for c, (rows, columns) in enumerate(row):
            expected = float((scores * keep)[rows, columns].sum()) if live[r, c] else PRUNED
            assert found[r, c] == expected


@given(grids, st.integers(0, 10**6))
def test_rank_columns_count_what_they_take(grid, seed):
    scores = random_scores(grid, seed)
    keep = nm_mask(scores, 1, 2)
    blocks = block_scores(scores, keep, torch.ones(grid.shape, dtype=torch.bool), grid)
    ranks = rank_columns(blocks, grid, (1, 2))
    for row in range(grid.shape[0]):
        by_hand = sorted(range(grid.shape[1]), key=lambda c, row=row: (float(blocks[row, c]), c))
        assert ranks.order[row].tolist() == by_hand
    for q in range(grid.shape[1]):
        taken = [blocks_of(grid)[row][int(ranks.order[row, q])] for row in range(grid.shape[0])]
        assert ranks.weights[q] == sum(keep[part].numel() for part in taken)
        assert ranks.kept[q] == sum(int(keep[part].sum()) for part in taken)
        assert ranks.scores[q] == sum(float((scores * keep)[part].sum()) for part in taken)


@given(grids, st.integers(0, 10**6), st.data())
def test_pruned_blocks_stay_and_every_row_keeps_the_same_number(grid, seed, data):
    live = torch.ones(grid.shape, dtype=torch.bool)
    dead = 0
    for iteration in range(4):
        scores = random_scores(grid, seed + iteration)
        ranks = rank_columns(block_scores(scores, nm_mask(scores, 1, 2), live, grid), grid, (1, 2))
        assert ranks.dead == dead
        dead = data.draw(st.integers(dead, grid.shape[1] - 1))
        after = live_blocks(ranks, dead)
        assert not (after & ~live).any()
        assert after.sum(dim=1).tolist() == [grid.shape[1] - dead] * grid.shape[0]
        live = after


@given(grids, st.integers(0, 10**6))
def test_expand_repeats_each_block_over_its_weights(grid, seed):
    live = torch.rand(grid.shape, generator=torch.Generator().manual_seed(seed)) < 0.5
    full = expand(live, grid)
    assert full.shape == (grid.rows, grid.columns)
    for r, row in enumerate(blocks_of(grid)):
        for c, part in enumerate(row):
            assert (full[part] == live[r, c]).all()
