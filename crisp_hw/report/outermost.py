"""What networks with attention read from the outermost level, by what it is: weights, keys and values, activations."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from crisp_hw.documents.columns import plain
from crisp_hw.spec.columns import Record
from crisp_hw.spec.evaluation import LayerEvaluation, NetworkEvaluation
from crisp_hw.spec.result import Result

WEIGHTS = "A"  # the tensor that holds weights, or keys and values, in every matrix product of `encode`
GB = 1e9
OFTEN = 1.5  # reads of every activation from which on their number is worth a word


@dataclass(frozen=True)
class Read:
    """Bytes that a run reads from its outermost level, metadata among those of weights."""

    weights: float = 0.0
    keys_and_values: float = 0.0
    activations: float = 0.0

    def __add__(self, other: "Read") -> "Read":
        return Read(
            self.weights + other.weights,
            self.keys_and_values + other.keys_and_values,
            self.activations + other.activations,
        )

    @property
    def whole(self) -> float:
        """All together."""
        return self.weights + self.keys_and_values + self.activations


def outermost_records(network: NetworkEvaluation) -> list[Record]:
    """One record per accelerator; none for a network without products of activations.

    >>> outermost_records(NetworkEvaluation("nothing", ()))
    []
    """
    if not any(row.descriptor.layer.kind == "matmul" for row in network.rows):
        return []
    archs = dict.fromkeys(row.arch for row in network.rows)
    return [_record([row for row in network.rows if row.arch == arch]) for arch in archs]


def outermost_lines(records: Sequence[Record]) -> tuple[str, ...]:
    """The records in words: the share of attention, what is read, and what pruning saves of it.

    >>> outermost_lines([])
    ()
    """
    if not records:
        return ()
    whole, masked = (float(str(records[0][key])) for key in ("attention_share", "masked_share"))
    first = f"QK^T and PV are {whole:.1%} of the MACs"
    if masked:
        first += f", evaluated in full; the causal part alone would be {(whole - masked) / (1 - masked):.1%}"
    return tuple(plain(line.replace("%", " %")) for line in (first, *_lines(records)))


def _lines(records: Sequence[Record]) -> Iterator[str]:
    for each in records:
        kinds = {"weights": "weights", "keys_and_values": "keys and values", "activations": "activations"}
        shares = ", ".join(f"{said} {each[f'{key}_share']:.1%}" for key, said in kinds.items())
        if _number(each["activation_reads"]) >= OFTEN:
            shares += f", each of them {each['activation_reads']:.0f} times"
        yield f"{each['arch']} reads {_number(each['read_bytes']) / GB:.3f} GB from {each['level']}: {shares}"
        if each["bytes_gain"] != 1.0 or each["mac_gain"] != 1.0:
            fewer = f"{each['bytes_gain']:.2f}x fewer bytes from {each['level']}, {each['mac_gain']:.2f}x fewer MACs"
            bound = f"reads of {each['level']} bound {each['bound_share']:.0%} of the cycles"
            yield f"{each['arch']}: pruning buys {fewer} and {each['speedup']:.2f}x fewer cycles; {bound}"


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _record(rows: Sequence[LayerEvaluation]) -> Record:
    """The sums of one accelerator."""
    read = sum((_read(row, row.result) for row in rows), Read())
    dense = sum((_read(row, row.dense) for row in rows), Read())
    level = rows[0].point.design.architecture.levels[-1].name
    macs, attention = sum(row.real_macs for row in rows), sum(row.real_macs for row in rows if _attends(row))
    cycles = sum(row.result.cycles for row in rows)
    bound = sum(row.result.cycles for row in rows if row.result.bound_by == level)
    whole = read.whole or 1.0
    return {
        "arch": rows[0].arch,
        "level": level,
        "attention_share": attention / macs,
        "masked_share": sum(row.descriptor.layer.masked_macs for row in rows) / macs,
        "read_bytes": read.whole,
        "weights_share": read.weights / whole,
        "keys_and_values_share": read.keys_and_values / whole,
        "activations_share": read.activations / whole,
        "activation_reads": read.activations / sum(_activation_bytes(row) for row in rows),
        "dense_read_bytes": dense.whole,
        "bytes_gain": dense.whole / whole,
        "mac_gain": _done(row.dense for row in rows) / (_done(row.result for row in rows) or 1),
        "speedup": sum(row.dense.cycles for row in rows) / cycles,
        "bound_share": bound / cycles,
    }


def _activation_bytes(row: LayerEvaluation) -> float:
    """All activations that come in, once, as they lie in the outermost level without any compression."""
    layer, architecture = row.descriptor.layer, row.point.design.architecture
    vectors = layer.tokens * (layer.input_size[0] * layer.input_size[1] if layer.kind == "conv2d" else 1)
    return layer.in_channels * vectors * architecture.levels[-1].word_bits / 8


def _attends(row: LayerEvaluation) -> bool:
    return row.descriptor.layer.kind == "matmul"


def _done(results: Iterator[Result]) -> int:
    """MACs that take place, idle lanes aside."""
    return sum(each.compute.random + each.compute.gated for each in results if each.compute)


def _read(row: LayerEvaluation, result: Result) -> Read:
    """What passes through the reading port of the outermost level while the MACs run, whole words of metadata too."""
    level = result.levels[-1]
    share = row.point.design.architecture.level(level.name).word_bits / 8
    if result.compute is None or not level.slowdown:
        return Read()
    steps = result.compute.cycles / level.slowdown * share
    words = {name: counts.read_bandwidth * counts.utilized_instances * steps for name, counts in level.tensors.items()}
    kept = words.pop(WEIGHTS, 0.0)
    others = sum(words.values())
    return Read(0.0, kept, others) if _attends(row) else Read(kept, 0.0, others)
