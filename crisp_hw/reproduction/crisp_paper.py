"""The file published/crisp.yaml: what the CRISP paper claims, and what crisp-hw found when it examined the claims."""

from typing import Annotated, Literal

from pydantic import Field

from crisp_hw.machine.strict import Strict

Share = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]


class Setting(Strict):
    """Words per cycle of the two memories; None is unlimited."""

    name: str
    smem: Positive
    dram: Positive | None


class Range(Strict):
    """The speedups of an N:M pattern in the paper, from the slowest layer to the fastest, and what STC makes of it."""

    nm: str
    low: Positive
    high: Positive
    sparsity: Share
    stc: Positive

    @property
    def middle(self) -> float:
        """The geometric mean of both ends."""
        return float((self.low * self.high) ** 0.5)


class DstcClaim(Strict):
    """DSTC's speedups in the early stages of the network; the paper sees less in the later."""

    nm: str
    block: int
    sparsity: Share
    low: Positive
    high: Positive
    early: list[str]
    late: str


class EnergyClaim(Strict):
    """The largest ratio of energies, and the pattern at which it is looked for."""

    nm: str
    block: int
    sparsity: Share
    ratio: Positive


class MetadataClaim(Strict):
    """Metadata of other formats over that of CRISP's."""

    csr: Positive
    ellpack: Positive
    nm: list[str]
    sparsity: Share


class Finding(Strict):
    """A figure of crisp-hw as it was written down: from `low` to `high`, with so many digits behind the point."""

    low: float
    high: float
    digits: int

    def distance(self, *ours: float) -> float:
        """How far the least and the largest of ours lie outside, relative, beyond the rounding of the last digit.

        >>> finding = Finding(low=5.4, high=5.4, digits=1)
        >>> finding.distance(5.43), round(finding.distance(5.5), 4)
        (0.0, 0.0093)
        """
        half = 0.5 * 10.0**-self.digits if self.digits else 0.0
        return max(0.0, (self.low - half - min(ours)) / self.low, (max(ours) - self.high - half) / self.high)


class Published(Strict):
    """The whole file."""

    schema_: Literal["crisp-hw/published/crisp/1"] = Field(alias="schema")
    title: str
    source: str
    network: str
    layers: list[str]
    blocks: list[int]
    settings: list[Setting]
    speedups: list[Range]
    best_block: int
    dstc: DstcClaim
    energy: EnergyClaim
    metadata: MetadataClaim
    allowed_distance: Positive
    findings: dict[str, Finding]
