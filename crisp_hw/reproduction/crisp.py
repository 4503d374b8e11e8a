"""CRISP (arXiv 2311.14272): speedups, energy and metadata of ResNet-50, by setting of the memories' bandwidths."""

from collections.abc import Iterator

from crisp_hw.reproduction.crisp_masks import Pruned, pruned_masks
from crisp_hw.reproduction.crisp_metadata import metadata_sizes
from crisp_hw.reproduction.crisp_paper import Published, Range, Setting
from crisp_hw.reproduction.crisp_program import pruned_by
from crisp_hw.reproduction.crisp_runs import Asked, Rows, Runs
from crisp_hw.reproduction.published import published
from crisp_hw.reproduction.request import Request
from crisp_hw.spec.reproduction import Bound, Claim, Panel, Reproduction, Series

NOTES = (
    "the paper gives neither bandwidths nor the sparsity of a layer: speedup is 1/density where lanes are full, and "
    "its three ranges come out at three sparsities, not at a common one",
    "masks are uniform: every layer that takes blocks keeps the same share of its columns, in whole blocks",
    "means are geometric, over the layers that take blocks; energy is on chip, because the paper has no DRAM level",
)


def crisp(request: Request) -> Reproduction:
    """The claims of the paper beside uniform masks and, where a file of them is given, pruned ones."""
    paper = published("crisp", Published)
    with pruned_by(request) as path:
        masks = None if path is None else pruned_masks(path, paper)
    runs = Runs(request, _evaluations(paper))
    tables = [_Table(paper, setting, runs) for setting in paper.settings]
    claims = [claim for table in tables for claim in table.claims()]
    sizes = metadata_sizes(paper)
    claims += sizes.claims(paper.metadata)
    panels = [*tables[0].panels(), _by_setting(paper, tables), sizes.panel(paper.metadata)]
    bounds = tuple(_bounds(paper, {**tables[0].findings(), "csr": sizes.csr, "ellpack": sizes.ellpack}))
    notes: tuple[str, ...] = NOTES
    if masks is not None:
        found = Pruned(paper, masks, runs)
        claims, panels, notes = [*claims, *found.claims()], [*panels, found.panel()], (*notes, found.note)
    request.tell("done", 1, 1)
    return Reproduction("crisp", paper.title, paper.source, tuple(claims), bounds, tuple(panels), notes)


def _evaluations(paper: Published) -> int:
    """CRISP-STC by block and STC for every range, DSTC and the largest ratio of energies; then DSTC as it is drawn."""
    return len(paper.settings) * (len(paper.speedups) * (len(paper.blocks) + 1) + 2) + len(paper.speedups) + 1


class _Table:
    """The table of claims at one setting."""

    def __init__(self, paper: Published, setting: Setting, runs: Runs) -> None:
        self._paper, self._setting, self._runs = paper, setting, runs

    def claims(self) -> Iterator[Claim]:
        """Every claim about cycles and energy."""
        for each in self._paper.speedups:
            yield from self._speedups(each)
        yield from self._dstc()
        ratio, layer, sparsity = self._energy()
        asked = self._paper.energy
        why = (
            f"{layer}, of which {sparsity:.1%} are zeros, at {asked.nm}, block {asked.block}, sparsity {asked.sparsity}"
        )
        said = f"{why}; on chip, selection and decoders included; layers with fewer zeros save less"
        yield self._claim("largest ratio of energies", "x", asked.ratio, ratio, said)

    def best(self, each: Range) -> int:
        """The block with the largest mean of speedups."""
        return max(self._paper.blocks, key=lambda block: self.blocks(each)[block].mean)

    def blocks(self, each: Range) -> dict[int, Rows]:
        """CRISP-STC on the layers that take blocks, by block."""
        asked = {block: self._asked(each.nm, block, each.sparsity) for block in self._paper.blocks}
        return {block: self._runs.uniform("crisp-stc", one, self._setting).hybrid for block, one in asked.items()}

    def findings(self) -> dict[str, tuple[float, ...]]:
        """The figures that are on record, computed anew."""
        dstc = self._dstc_rows()
        perfect = self._runs.uniform("dstc", self._dstc_asked(), self._setting, "skipping")
        found: dict[str, tuple[float, ...]] = {}
        for each in self._paper.speedups:
            found[f"stc {each.nm}"] = tuple(self._stc(each).speedups.values())
            found[f"best block {each.nm}"] = (float(self.best(each)),)
        found["dstc, perfect packing"] = (perfect.whole,)
        found["dstc, packing"] = (dstc.whole,)
        for stage in (self._paper.dstc.early[-1], self._paper.dstc.late):
            found[f"dstc, packing, {stage}"] = (dstc.named([stage]).whole,)
        found["energy on chip"] = (self._energy()[0],)
        return found

    def panels(self) -> Iterator[Panel]:
        """Speedups by layer for every N:M, and the energies of the paper's best block."""
        names, paper = tuple(self._paper.layers), self._paper
        for each in paper.speedups:
            asked = self._asked(each.nm, paper.best_block, each.sparsity)
            rows = {"STC": self._stc(each), "DSTC": self._runs.uniform("dstc", asked, self._setting)}
            rows |= {f"CRISP-STC, block {block}": found for block, found in self.blocks(each).items()}
            series = tuple(Series(name, _values(found.speedups, names)) for name, found in rows.items())
            yield Panel(f"{each.nm}, sparsity {each.sparsity:.2f}", "speedup", names, series)
        best = {each.nm: self.blocks(each)[paper.best_block].on_chip for each in paper.speedups}
        energies = tuple(Series(nm, _values(found, names)) for nm, found in best.items())
        yield Panel(f"energy on chip, block {paper.best_block}", "ratio to dense", names, energies)

    def _speedups(self, each: Range) -> Iterator[Claim]:
        """The ends and the middle of a range, the best block, and STC."""
        best, blocks = self.best(each), self.blocks(each)
        speedups = blocks[best].speedups
        slow, fast = (pick(speedups, key=lambda name: speedups[name]) for pick in (min, max))
        where = f"sparsity {each.sparsity:.2f}, block {best}"
        yield self._claim(f"{each.nm}, slowest layer", "x", each.low, speedups[slow], f"{slow} at {where}")
        middle = f"{where}; published is the middle of {each.low:g} to {each.high:g}"
        yield self._claim(f"{each.nm}, mean of layers", "x", each.middle, blocks[best].mean, middle)
        yield self._claim(f"{each.nm}, fastest layer", "x", each.high, speedups[fast], f"{fast} at {where}")
        means = ", ".join(f"{block}: {rows.mean:.2f}x" for block, rows in blocks.items())
        why = f"means by block {means}"
        if best != self._paper.best_block:
            why += "; layers with few columns have one block of 64, and keep all of it"
        yield self._claim(f"{each.nm}, best block", "weights", self._paper.best_block, best, why)
        why = "every N:M up to 2:4 runs as 2:4" if each.stc > 1 else "denser than 2:4, so it runs dense"
        yield self._claim(f"{each.nm}, STC", "x", each.stc, self._stc(each).mean, why)

    def _dstc(self) -> Iterator[Claim]:
        """The early stages, the slowest and the fastest; what the later one does stands beside."""
        rows, asked = self._dstc_rows(), self._paper.dstc
        stages = {stage: rows.named([stage]).whole for stage in (*asked.early, asked.late)}
        early = {stage: stages[stage] for stage in asked.early}
        said = ", ".join(f"{stage} {value:.2f}x" for stage, value in stages.items())
        why = (
            f"{said}, at {asked.nm}, block {asked.block}, sparsity {asked.sparsity:.2f}; lanes of a last pass stay idle"
        )
        low, high = (pick(early, key=lambda stage: early[stage]) for pick in (min, max))
        yield self._claim("DSTC, slowest early stage", "x", asked.low, early[low], f"{low}; {why}")
        yield self._claim("DSTC, fastest early stage", "x", asked.high, early[high], f"{high}; {why}")

    def _stc(self, each: Range) -> Rows:
        asked = self._asked(each.nm, self._paper.best_block, each.sparsity)
        return self._runs.uniform("stc", asked, self._setting).hybrid

    def _dstc_asked(self) -> Asked:
        asked = self._paper.dstc
        return self._asked(asked.nm, asked.block, asked.sparsity)

    def _dstc_rows(self) -> Rows:
        return self._runs.uniform("dstc", self._dstc_asked(), self._setting)

    def _energy(self) -> tuple[float, str, float]:
        """The largest ratio, its layer, and the zeros of that."""
        asked = self._paper.energy
        rows = self._runs.uniform("crisp-stc", self._asked(asked.nm, asked.block, asked.sparsity), self._setting).hybrid
        layer = max(rows.on_chip, key=lambda name: rows.on_chip[name])
        zeros = next(1 - row.descriptor.density for row in rows.rows if row.layer == layer)
        return rows.on_chip[layer], layer, zeros

    def _asked(self, nm: str, block: int, sparsity: float) -> Asked:
        return Asked(self._paper.network, nm, block, sparsity)

    def _claim(self, what: str, unit: str, theirs: float, ours: float, why: str) -> Claim:
        return Claim(f"{self._setting.name}: {what}", unit, theirs, ours, why)


def _values(found: dict[str, float], names: tuple[str, ...]) -> tuple[float | None, ...]:
    return tuple(found.get(name) for name in names)


def _by_setting(paper: Published, tables: list[_Table]) -> Panel:
    """The mean of the best block at every setting."""
    series = [Series("paper, middle of its range", tuple(each.middle for each in paper.speedups))]
    for table, setting in zip(tables, paper.settings, strict=True):
        means = tuple(table.blocks(each)[table.best(each)].mean for each in paper.speedups)
        series.append(Series(setting.name, means))
    places = tuple(f"{each.nm}, {each.sparsity:.2f}" for each in paper.speedups)
    return Panel("mean of layers, best block", "speedup", places, tuple(series))


def _bounds(paper: Published, found: dict[str, tuple[float, ...]]) -> Iterator[Bound]:
    """How far each figure of a fresh run lies from what was written down of it."""
    for name, finding in paper.findings.items():
        low, high = (f"{end:.{finding.digits}f}" for end in (finding.low, finding.high))
        span = low if low == high else f"{low} to {high}"
        said = f"{name} at {paper.settings[0].name}: distance from {span}, which is on record"
        yield Bound(said, finding.distance(*found[name]), paper.allowed_distance)
