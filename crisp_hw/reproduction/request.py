"""What a user may give for a reproduction."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Request:
    """`masks`: a pruned-model file. `results`: those of a study. `artifact`: the folder of a publication's artifact.
    `prune`: options of crisp-prune run, whose masks are taken. `progress` is told what is done.

    `jobs` and `cache` are those of an evaluation.
    """

    masks: Path | None = None
    results: Path | None = None
    jobs: int | None = 1
    cache: bool = True
    progress: Progress | None = None
    artifact: Path | None = None
    prune: str | None = None

    def tell(self, what: str, done: int, total: int) -> None:
        """Say what is being done, where somebody listens."""
        if self.progress is not None:
            self.progress(what, done, total)
