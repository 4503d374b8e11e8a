"""Scores -> rank columns -> block masks that keep the same number of blocks in every block row."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from crisp_prune.nm import kept_columns

PRUNED = -1.0
"""Score of a block that is pruned already: below every live block, so that it sorts first and stays pruned."""


@dataclass(frozen=True)
class Grid:
    """Blocks of side `block` over a matrix of `rows` x `columns` weights; the last row and column may be partial.

    `width` is that of blocks that are not square. With `taps` above 1 the columns count channel by channel, the taps
    of a kernel side by side, so that a block of that width is a kernel (`ordered`).

    >>> grid = Grid(rows=5, columns=7, block=4)
    >>> grid.shape, grid.row_sizes, grid.column_sizes
    ((2, 2), (4, 1), (4, 3))
    >>> Grid(rows=4, columns=18, block=1, width=9, taps=9).shape
    (4, 2)
    """

    rows: int
    columns: int
    block: int
    width: int = 0
    taps: int = 1

    @property
    def across(self) -> int:
        """Columns of a whole block."""
        return self.width or self.block

    @property
    def shape(self) -> tuple[int, int]:
        """Block rows and block columns."""
        return -(-self.rows // self.block), -(-self.columns // self.across)

    @property
    def row_sizes(self) -> tuple[int, ...]:
        """Real rows of each block row."""
        return tuple(min(self.block, self.rows - start) for start in range(0, self.rows, self.block))

    @property
    def column_sizes(self) -> tuple[int, ...]:
        """Real columns of each block column."""
        return tuple(min(self.across, self.columns - start) for start in range(0, self.columns, self.across))

    def ordered(self, matrix: Tensor) -> Tensor:
        """The matrix with its columns in the order in which they count here."""
        if self.taps == 1:
            return matrix
        return matrix.reshape(self.rows, self.taps, -1).transpose(1, 2).reshape(self.rows, self.columns)

    def restored(self, matrix: Tensor) -> Tensor:
        """The inverse of `ordered`.

        >>> import torch
        >>> grid, matrix = Grid(2, 6, 1, 3, taps=3), torch.arange(12).reshape(2, 6)
        >>> grid.ordered(matrix)[0].tolist(), torch.equal(grid.restored(grid.ordered(matrix)), matrix)
        ([0, 2, 4, 1, 3, 5], True)
        """
        if self.taps == 1:
            return matrix
        return matrix.reshape(self.rows, -1, self.taps).transpose(1, 2).reshape(self.rows, self.columns)


@dataclass(frozen=True)
class RankColumns:
    """The rank columns of one layer, worst first: entry q stands for the q-th worst block of every block row.

    `order` long[block rows, block columns] lists block columns by ascending score; `scores` are sums over the rank
    column (fp64), `weights` its real weights and `kept` those that N:M leaves in it; `dead` of them are pruned.
    """

    order: Tensor
    scores: tuple[float, ...]
    weights: tuple[int, ...]
    kept: tuple[int, ...]
    dead: int


def block_sums(values: Tensor, grid: Grid) -> Tensor:
    """Sum of a matrix over each block of a grid: fp64[block rows, block columns]; the padding adds nothing.

    >>> import torch
    >>> block_sums(torch.ones(3, 4), Grid(3, 4, 2)).tolist()
    [[4.0, 4.0], [2.0, 2.0]]
    """
    high, wide = grid.block, grid.across
    padded = pad(grid.ordered(values.double()), (0, -grid.columns % wide, 0, -grid.rows % high))
    return padded.reshape(padded.shape[0] // high, high, padded.shape[1] // wide, wide).sum(dim=(1, 3))


def block_scores(scores: Tensor, nm: Tensor, live: Tensor, grid: Grid) -> Tensor:
    """Score of each block: the sum of the scores that N:M keeps in it; `PRUNED` where the block is not live.

    `scores` and `nm` are [S, K], `live` bool[block rows, block columns].

    >>> import torch
    >>> keep = torch.tensor([[True, False, True, True]])
    >>> live = torch.tensor([[True, False]])
    >>> block_scores(torch.tensor([[5.0, 4.0, 1.0, 2.0]]), keep, live, Grid(1, 4, 2)).tolist()
    [[5.0, -1.0]]
    """
    sums = block_sums(torch.where(nm, scores, torch.zeros_like(scores)), grid)
    return torch.where(live.to(sums.device), sums, torch.full_like(sums, PRUNED))


def rank_columns(scores: Tensor, grid: Grid, nm: tuple[int, int]) -> RankColumns:
    """Sort every block row by ascending score (ties by lower column) and sum along the ranks.

    `scores` are `block_scores` on `grid`; `nm` is (n, m), of which m divides the block side.

    >>> import torch
    >>> ranks = rank_columns(torch.tensor([[3.0, 1.0], [2.0, 7.0]]), Grid(4, 4, 2), (1, 2))
    >>> ranks.order.tolist(), ranks.scores, ranks.weights, ranks.kept
    ([[1, 0], [0, 1]], (3.0, 10.0), (8, 8), (4, 4))
    """
    scores = scores.cpu()
    ordered, order = scores.sort(dim=1, stable=True)
    heights = torch.tensor(grid.row_sizes).unsqueeze(1)
    widths = torch.tensor(grid.column_sizes)
    kept_widths = torch.tensor([kept_columns(width, *nm) for width in grid.column_sizes])
    dead = scores == PRUNED
    return RankColumns(
        order=order,
        scores=tuple(ordered.sum(dim=0).tolist()),
        weights=tuple((widths[order] * heights).sum(dim=0).tolist()),
        kept=tuple((kept_widths[order] * heights).sum(dim=0).tolist()),
        dead=int(dead.sum(dim=1).max()),
    )


def live_blocks(ranks: RankColumns, pruned: int) -> Tensor:
    """Block mask bool[block rows, block columns] after pruning the first `pruned` rank columns.

    >>> import torch
    >>> ranks = rank_columns(torch.tensor([[3.0, 1.0], [2.0, 7.0]]), Grid(4, 4, 2), (1, 2))
    >>> live_blocks(ranks, 1).int().tolist()
    [[1, 0], [0, 1]]
    """
    live = torch.ones_like(ranks.order, dtype=torch.bool)
    return live.scatter_(1, ranks.order[:, :pruned], False)


def expand(live: Tensor, grid: Grid) -> Tensor:
    """The block mask repeated over its weights: bool[S, K].

    >>> import torch
    >>> expand(torch.tensor([[True, False]]), Grid(1, 3, 2)).int().tolist()
    [[1, 1, 0]]
    """
    full = live.repeat_interleave(grid.block, 0).repeat_interleave(grid.across, 1)
    return grid.restored(full[: grid.rows, : grid.columns]).contiguous()
