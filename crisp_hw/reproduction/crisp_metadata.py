"""Metadata of other formats over that of CRISP's."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean

from crisp_hw.descriptors import pattern_descriptor
from crisp_hw.reproduction.crisp_paper import MetadataClaim, Published
from crisp_hw.reproduction.crisp_runs import Asked
from crisp_hw.spec.patterns import Unstructured
from crisp_hw.spec.reproduction import Claim, Panel, Series


@dataclass(frozen=True)
class Sizes:
    """Bits over CRISP's of all layers that take blocks, for every N:M and block of `places`."""

    places: tuple[str, ...]
    csr: tuple[float, ...]
    ellpack: tuple[float, ...]

    def claims(self, paper: MetadataClaim) -> Iterator[Claim]:
        """The means over N:M and blocks."""
        padded = "its rows are padded to the longest of as many nonzeros that lie anywhere"
        for name, theirs, ours, why in (
            ("CSR", paper.csr, self.csr, "a column address per nonzero and a pointer per row"),
            ("ELLPACK", paper.ellpack, self.ellpack, padded),
        ):
            said = f"mean of {min(ours):.2f} to {max(ours):.2f} over N:M and blocks; {why}"
            yield Claim(f"metadata of {name} over CRISP's", "x", theirs, fmean(ours), said)

    def panel(self, paper: MetadataClaim) -> Panel:
        """Both formats beside what the paper says of them."""
        every = len(self.places)
        series = (
            Series("paper, CSR", (paper.csr,) * every),
            Series("CSR", self.csr),
            Series("paper, ELLPACK", (paper.ellpack,) * every),
            Series("ELLPACK", self.ellpack),
        )
        return Panel(f"metadata, sparsity {paper.sparsity:.2f}", "bits over CRISP's", self.places, series)


def metadata_sizes(paper: Published) -> Sizes:
    """Bits of the uniformly pruned network."""
    asked = paper.metadata
    each = [Asked(paper.network, nm, block, asked.sparsity) for nm in asked.nm for block in paper.blocks]
    found = [_ratios(one) for one in each]
    places = tuple(f"{one.nm}, block {one.block}" for one in each)
    return Sizes(places, tuple(one["csr"] for one in found), tuple(one["ellpack"] for one in found))


def _ratios(asked: Asked) -> dict[str, float]:
    layers = [each for each in asked.descriptors() if each.role == "hybrid"]
    own = sum(each.metadata_bits["crisp"] for each in layers)
    scattered = [pattern_descriptor(each.layer, Unstructured(each.density), "hybrid") for each in layers]
    return {
        "csr": sum(each.metadata_bits["csr"] for each in layers) / own,
        "ellpack": sum(each.metadata_bits["ellpack"] for each in scattered) / own,
    }
