"""Masks as a page shows them: shares of weights kept over the whole matrix, and a piece of it weight by weight."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import ceil, isqrt

import numpy as np

from crisp_hw.documents.columns import plain
from crisp_hw.report.mask_picture import averaged, first_live, mask_title
from crisp_hw.spec.descriptors import PrunedLayer

MOST_CELLS = 48  # along an axis; not given; assumed because a cell is then wide enough for a pointer
MOST_BYTES = 200_000  # of all masks of a page, so that the page stays below 1.5 MB beside a chart library of 0.9 MB
SHARES = 255  # a share is one byte


@dataclass(frozen=True)
class Cells:
    """A matrix of shares, a byte each in base64, row by row; every cell is `side` weights wide and high.

    It is `rows` by `columns` weights, and begins at `top` and `left` of the mask.
    """

    rows: int
    columns: int
    high: int
    wide: int
    cells: str
    top: int = 0
    left: int = 0


def pictures(masks: Mapping[str, PrunedLayer]) -> dict[str, dict[str, object]]:
    """By layer that has a mask: what it is in words, all of it, and the first weights of its first live block."""
    masked = {name: each for name, each in masks.items() if each.mask is not None}
    most = min(MOST_CELLS, max(4, isqrt(MOST_BYTES * 3 // 4 // max(1, len(masked)))))
    return {plain(name): _picture(each, most) for name, each in masked.items()}


def _picture(pruned: PrunedLayer, most: int) -> dict[str, object]:
    mask = pruned.mask
    assert mask is not None
    rows, columns = mask.shape
    window = first_live(mask, pruned)
    part = mask[window.top : window.top + window.height, window.left : window.left + window.width]
    high, wide = _side(rows, most), _side(columns, most)
    whole = Cells(rows, columns, high, wide, _bytes(averaged(mask, (high, wide))))
    near = Cells(window.height, window.width, 1, 1, _bytes(part.astype(float)), window.top, window.left)
    return {"words": mask_title(pruned, mask), "whole": asdict(whole), "near": asdict(near)}


def _side(size: int, most: int) -> int:
    """A power of two, so that the cells do not cut groups of N:M and blocks in ever other places.

    >>> _side(48, 48), _side(128, 48)
    (1, 4)
    """
    return 1 << (ceil(size / most) - 1).bit_length()


def _bytes(shares: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> str:
    return b64encode(np.rint(shares * SHARES).astype(np.uint8).tobytes()).decode()
