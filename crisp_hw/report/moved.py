"""Words of data that move into and out of the levels of a layer's run, and their bytes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from crisp_hw.report.energies import UJ
from crisp_hw.spec.arch import Architecture
from crisp_hw.spec.columns import Record
from crisp_hw.spec.evaluation import LayerEvaluation, NetworkEvaluation
from crisp_hw.spec.result import Result, TensorCounts

WRITES = ("random_fills", "random_updates")  # skipped and gated accesses move nothing


@dataclass(frozen=True)
class Moved:
    """Words that all instances of a level deliver and take in, and their bytes; metadata are not in them."""

    read_words: float = 0.0
    written_words: float = 0.0
    read_bytes: float = 0.0
    written_bytes: float = 0.0

    def __add__(self, other: "Moved") -> "Moved":
        return Moved(
            self.read_words + other.read_words,
            self.written_words + other.written_words,
            self.read_bytes + other.read_bytes,
            self.written_bytes + other.written_bytes,
        )


NOTHING = Moved()


def moved_by_level(result: Result, architecture: Architecture) -> dict[str, Moved]:
    """What every storage level moves, by its name in lower case, all tensors together."""
    return {
        level.name.lower(): total(_moved(counts, architecture, level.name) for counts in level.tensors.values())
        for level in result.levels
    }


def total(parts: Iterable[Moved]) -> Moved:
    """The sum.

    >>> total([Moved(read_words=1.0), Moved(read_words=2.0, written_words=4.0)])
    Moved(read_words=3.0, written_words=4.0, read_bytes=0.0, written_bytes=0.0)
    """
    return sum(parts, NOTHING)


def level_records(network: NetworkEvaluation) -> list[Record]:
    """One record per layer, accelerator, level and tensor, outermost level first.

    A tensor that a level neither keeps nor moves, in this run and in the dense one, has no record there.

    >>> level_records(NetworkEvaluation("nothing", ()))
    []
    """
    return [record for row in network.rows for record in _records(row)]


def _records(row: LayerEvaluation) -> Iterator[Record]:
    architecture = row.point.design.architecture
    dense = {level.name: level.tensors for level in row.dense.levels}
    for level in reversed(row.result.levels):
        for name, counts in level.tensors.items():
            here, there = _moved(counts, architecture, level.name), dense.get(level.name, {}).get(name)
            unpruned = NOTHING if there is None else _moved(there, architecture, level.name)
            if not (counts.utilized_capacity or here != NOTHING or unpruned != NOTHING):
                continue  # it passes by
            yield {
                "arch": row.arch,
                "layer": row.layer,
                "level": level.name,
                "tensor": name,
                "read_words": here.read_words,
                "written_words": here.written_words,
                "read_bytes": here.read_bytes,
                "written_bytes": here.written_bytes,
                "dense_read_words": unpruned.read_words,
                "dense_written_words": unpruned.written_words,
                "tensor_uj": counts.energy_pj * counts.utilized_instances * UJ,
            }


def _moved(counts: TensorCounts, architecture: Architecture, level: str) -> Moved:
    share = architecture.level(level).word_bits / 8
    read = counts.accesses.get("random_reads", 0) * counts.utilized_instances
    written = sum(counts.accesses.get(key, 0) for key in WRITES) * counts.utilized_instances
    return Moved(read, written, read * share, written * share)
