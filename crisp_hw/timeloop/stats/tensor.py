"""The lines of one tensor in one storage level of Timeloop's statistics (src/model/buffer.cpp: Print)."""

from collections.abc import Iterator
from math import nan

from crisp_hw.engine.safs.counts import WORD
from crisp_hw.spec.result import TensorCounts
from crisp_hw.timeloop.stats.detail import TensorDetail

INDENT = "    "
_SHOWN = {"random": "Actual", "gated": "Gated", "skipped": "Skipped"}
DENSE_WIDTH, SPARSE_WIDTH = 41, 60


def figure(value: float) -> str:
    """A number with two decimals, as C++ prints it (0/0 is "-nan" on x86).

    >>> figure(2 / 3), figure(float("nan"))
    ('0.67', '-nan')
    """
    return "-nan" if value != value else f"{value:.2f}"


def percent(value: float) -> str:
    """A share in percent."""
    return f"{figure(value * 100.0)}%"


def per(amount: float, count: float) -> float:
    """amount / count as C++ divides: 0/0 is not a number, x/0 infinite."""
    if count == 0:
        return nan if amount == 0 else float("inf")
    return amount / count


def tensor_lines(counts: TensorCounts, detail: TensorDetail, is_sparse: bool) -> Iterator[str]:
    """Everything below the tensor's name."""
    width = SPARSE_WIDTH if is_sparse else DENSE_WIDTH
    head = _sparse_head(counts, detail) if is_sparse else _dense_head(counts, detail)
    rows = [*head, *_energy(counts, detail)]
    yield from (row if row.startswith(INDENT * 3) else _padded(row, width) for row in rows)
    yield from _sparse_bandwidth(counts, detail) if is_sparse else _dense_bandwidth(counts, detail)


def _padded(row: str, width: int) -> str:
    """`name: value` in columns; a row without a value stays open."""
    name, _, value = row.partition("\t")
    return f"{INDENT * 2}{name:<{width}}{': ' if value else ''}{value}"


def _dense_head(counts: TensorCounts, detail: TensorDetail) -> list[str]:
    return [
        f"Partition size\t{counts.partition_size}",
        f"Utilized capacity\t{counts.utilized_capacity}",
        f"Utilized instances (max)\t{int(counts.utilized_instances)}",
        f"Utilized clusters (max)\t{detail.clusters}",
        f"Scalar reads (per-instance)\t{counts.reads}",
        f"Scalar fills (per-instance)\t{counts.fills}",
        f"Scalar updates (per-instance)\t{counts.updates}",
    ]


def _sparse_head(counts: TensorCounts, detail: TensorDetail) -> list[str]:
    rows = [
        f"Partition size\t{counts.partition_size}",
        f"Tile density distribution\t{detail.distribution}",
        f"Data tile shape\t{detail.tile_words}",
        f"Max utilized data storage capacity\t{counts.utilized_capacity}",
        f"Representation format\t{''.join(f'{name} ' for name in detail.formats) or 'none'}",
        f"Max utilized Repr format storage capacity{'' if detail.formats else f'{chr(9)}0'}",
        *_ranks(detail.worst, ", "),
        f"Utilized instances (max)\t{detail.lanes}",
        f"Utilized instances (average)\t{figure(counts.utilized_instances)}",
        f"Utilized clusters (max)\t{detail.clusters}",
    ]
    algorithmic = {"reads": counts.reads, "fills": counts.fills, "updates": counts.updates}
    for op, total in algorithmic.items():
        rows.append(f"Algorithmic scalar {op} (per-instance)\t{total}")
        rows += [
            f"{name} scalar {op} (per-instance)\t{counts.accesses[f'{kind}_{op}']}" for kind, name in _SHOWN.items()
        ]
    return rows + (_format_accesses(counts, detail) if detail.formats else [])


def _format_accesses(counts: TensorCounts, detail: TensorDetail) -> list[str]:
    rows = []
    for op in ("reads", "fills", "updates"):
        for kind, name in _SHOWN.items():
            moved = detail.bits[f"{kind}_{op}"]
            rows.append(f"{name} scalar format {op} (per-instance){'' if moved else f'{chr(9)}0'}")
            rows += _ranks(counts.format_accesses[f"{kind}_{op}"], ",  ") if moved else []
    return rows


def _ranks(entries: tuple[tuple[int, int], ...], comma: str) -> list[str]:
    numbered = list(enumerate(entries))
    return [f"{INDENT * 3}Rank {rank} (metadata, payload): ({m}{comma}{p})" for rank, (m, p) in reversed(numbered)]


def _energy(counts: TensorCounts, detail: TensorDetail) -> list[str]:
    actual = sum(counts.accesses[f"random_{op}"] for op in ("reads", "fills", "updates"))
    each = per(counts.energy_pj, actual) if counts.utilized_instances > 0 else 0.0
    return [
        f"Temporal reductions (per-instance)\t{counts.temporal_reductions}",
        f"Address generations (per-cluster)\t{counts.address_generations}",
        f"Energy (per-scalar-access)\t{figure(each)} pJ",
        f"Energy (per-instance)\t{figure(counts.energy_pj)} pJ",
        f"Energy (total)\t{figure(counts.energy_pj * counts.utilized_instances)} pJ",
        # Timeloop's own adders cost nothing (pat-public/src/pat.cpp)
        "Temporal Reduction Energy (per-instance)\t0.00 pJ",
        "Temporal Reduction Energy (total)\t0.00 pJ",
        "Address Generation Energy (per-cluster)\t0.00 pJ",
        "Address Generation Energy (total)\t0.00 pJ",
        "Bandwidth Consumption Scale\t1.00",
    ]


def _dense_bandwidth(counts: TensorCounts, detail: TensorDetail) -> Iterator[str]:
    for name, value in _bandwidths(counts, detail).items():
        yield _padded(f"{name} Bandwidth (per-instance)\t{figure(value)} words/cycle", DENSE_WIDTH)
        total = figure(value * counts.utilized_instances)
        yield _padded(f"{name} Bandwidth (total)\t{total} words/cycle", DENSE_WIDTH)


def _sparse_bandwidth(counts: TensorCounts, detail: TensorDetail) -> Iterator[str]:
    for name, value in _bandwidths(counts, detail).items():
        yield _padded(f"Average {name} Bandwidth (per-instance)\t{figure(value)} words/cycle", SPARSE_WIDTH)
        yield _breakdown(name, _format_share(name, counts, detail))
        yield _padded(f"{name} Bandwidth (total)\t{figure(value * detail.lanes)} words/cycle", SPARSE_WIDTH)


def _bandwidths(counts: TensorCounts, detail: TensorDetail) -> dict[str, float]:
    """Words per cycle; 0 words in 0 cycles are no number."""
    none = 0.0 if detail.takes_time else nan
    read, write = counts.read_bandwidth or none, counts.write_bandwidth or none
    return {"Shared": read + write, "Read": read, "Write": write}


def _breakdown(name: str, share: float) -> str:
    """Timeloop prints 1 - 100 x share where it means 100 x (1 - share), and forgets a parenthesis; kept as it is."""
    data, metadata = f"{figure(1 - share * 100.0)}%", percent(share)
    return f"{INDENT * 3}Breakdown (Data, Format): ({data}, {metadata}{'' if name == 'Shared' else ')'}"


def _format_share(name: str, counts: TensorCounts, detail: TensorDetail) -> float:
    """Words of metadata over all words that take a cycle."""
    ops = {"Shared": ("reads", "fills", "updates"), "Read": ("reads",), "Write": ("fills", "updates")}[name]
    kinds = ("random", "gated")
    words = sum(counts.accesses[f"{kind}_{op}"] for kind in kinds for op in ops) % WORD
    bits = {op: sum(detail.bits[f"{kind}_{op}"] for kind in kinds) for op in ("reads", "fills", "updates")}
    reads, writes = bits["reads"] // detail.word_bits, (bits["fills"] + bits["updates"]) // detail.word_bits
    apart = {"Shared": reads + writes, "Read": reads, "Write": writes}[name]
    together = {"Shared": sum(bits.values()) // detail.word_bits, "Read": reads, "Write": writes}[name]
    return together / (words + apart) if words + apart else 0.0
