"""Linear layers timed on a real GPU, beside what the model says of them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class KernelTimes:
    """Median times in ms of one matrix product: with dense weights, and with 2:4 weights in PyTorch's form for them."""

    dense_ms: float
    sparse_ms: float


@dataclass(frozen=True)
class TimedLayer:
    """A linear layer of 2:4 weights on a GPU, and on an accelerator of the model.

    `rows` x `columns` weights are multiplied with `tokens` vectors. `predicted` is dense cycles over cycles.
    """

    layer: str
    rows: int
    columns: int
    tokens: int
    times: KernelTimes
    predicted: float

    @property
    def measured(self) -> float:
        """Dense time over time with 2:4 weights.

        >>> TimedLayer("fc", 64, 64, 1, KernelTimes(2.0, 1.0), 1.5).measured
        2.0
        """
        return self.times.dense_ms / self.times.sparse_ms

    @property
    def agrees(self) -> bool:
        """Do both say the same about whether 2:4 pays: faster than dense, or not?"""
        return (self.measured > 1) == (self.predicted > 1)
