"""Masks of a pruned network beside uniform ones of the same layers, pattern and sparsity."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from crisp_hw.descriptors import network_pattern, pattern_descriptor
from crisp_hw.errors import InputError
from crisp_hw.reproduction.crisp_paper import Published, Range
from crisp_hw.reproduction.crisp_runs import Rows, Runs
from crisp_hw.sources import resolve, sized
from crisp_hw.spec.descriptors import Descriptor
from crisp_hw.spec.patterns import NM
from crisp_hw.spec.reproduction import Claim, Panel, Series


@dataclass(frozen=True)
class PrunedMasks:
    """The layers of a pruned network, and the same pruned uniformly; `claimed` is what the paper says of its N:M."""

    name: str
    layers: tuple[Descriptor, ...]
    uniform: tuple[Descriptor, ...]
    claimed: Range
    block: int
    sparsity: float


def pruned_masks(path: Path, paper: Published) -> PrunedMasks:
    """Read a pruned-model file; InputError where it has no blocks, or an N:M of which the paper says nothing."""
    network = sized(resolve(path))
    hybrid = [each for each in network.descriptors if each.role == "hybrid" and each.nm and each.block]
    shapes = {(each.nm, each.block) for each in hybrid}
    if len(shapes) != 1:
        said = ", ".join(sorted(f"{nm} in blocks of {block}" for nm, block in shapes)) or "no N:M in blocks"
        raise InputError(f"the layers of {path} have {said}", hint="give masks of one N:M with one side of blocks")
    ((nm, block),) = shapes
    assert nm is not None and block is not None
    claimed = next((each for each in paper.speedups if each.nm == f"{nm.n}:{nm.m}"), None)
    if claimed is None:
        known = ", ".join(each.nm for each in paper.speedups)
        raise InputError(f"the masks of {path} are {nm.n}:{nm.m}", hint=f"the paper makes claims of {known}")
    pruned = [each for each in network.descriptors if each.role != "dense"]
    sparsity = 1 - sum(each.nnz for each in pruned) / sum(each.layer.weights for each in pruned)
    uniform = _uniform(network.descriptors, nm, block, sparsity)
    return PrunedMasks(network.name, network.descriptors, uniform, claimed, block, sparsity)


def _uniform(layers: Sequence[Descriptor], nm: NM, block: int, sparsity: float) -> tuple[Descriptor, ...]:
    roles = [each.role for each in layers]
    patterns = network_pattern([each.layer for each in layers], nm, block, sparsity, roles)
    return tuple(
        pattern_descriptor(each.layer, pattern, each.role) for each, pattern in zip(layers, patterns, strict=True)
    )


class Pruned:
    """What CRISP-STC and DSTC make of pruned masks and of uniform ones, at the first setting."""

    def __init__(self, paper: Published, masks: PrunedMasks, runs: Runs) -> None:
        setting = paper.settings[0]
        self._masks, self._where = masks, setting.name
        pairs = [(arch, layers) for arch in ("crisp-stc", "dstc") for layers in (masks.layers, masks.uniform)]
        self._found = [runs.described(arch, layers, setting).hybrid for arch, layers in pairs]

    @property
    def note(self) -> str:
        """What the masks are."""
        masks = self._masks
        return (
            f"pruned masks are those of {masks.name}: {masks.claimed.nm} in blocks of {masks.block}, "
            f"{masks.sparsity:.1%} of the weights that can be pruned are zeros"
        )

    def claims(self) -> Iterator[Claim]:
        """The ends and the mean of the range, with what uniform masks make beside."""
        pruned, uniform, claimed = self._found[0], self._found[1], self._masks.claimed
        for what, theirs, ours, even in (
            ("slowest layer", claimed.low, _slowest(pruned), _slowest(uniform)),
            ("mean of layers", claimed.middle, pruned.mean, uniform.mean),
            ("fastest layer", claimed.high, _fastest(pruned), _fastest(uniform)),
        ):
            why = f"layers of {self._masks.name}; uniform masks of the same layers, pattern and sparsity: {even:.2f}x"
            yield Claim(f"{self._where}: pruned masks, {claimed.nm}, {what}", "x", theirs, ours, why)

    def panel(self) -> Panel:
        """Speedups of every layer that takes blocks."""
        names = tuple(self._found[0].speedups)
        titles = ("CRISP-STC, pruned", "CRISP-STC, uniform", "DSTC, pruned", "DSTC, uniform")
        series = tuple(
            Series(title, tuple(rows.speedups.get(name) for name in names))
            for title, rows in zip(titles, self._found, strict=True)
        )
        return Panel(f"masks of {self._masks.name}, {self._masks.claimed.nm}", "speedup", names, series)


def _slowest(rows: Rows) -> float:
    return min(rows.speedups.values())


def _fastest(rows: Rows) -> float:
    return max(rows.speedups.values())
