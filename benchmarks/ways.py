"""Which layers run better in another way than the first: `python benchmarks/ways.py resnet50`, or a pruned run.

`encode` gives the first way of a layer; `evaluate` takes the best of all, and says which in the layer's assumptions.
Here both are searched, and layers in which they differ are printed as rows of docs/architectures.md's table. Of a
workload every pattern of PATTERNS is taken; a run brings its own masks.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from crisp_hw import evaluate, load_arch
from crisp_hw.encode import encode
from crisp_hw.engine.evaluate import evaluate as evaluate_one
from crisp_hw.mapper.search import search
from crisp_hw.spec.design import DesignPoint
from crisp_hw.spec.evaluation import LayerEvaluation
from crisp_hw.uneven import waiting_rows

ARCHS = ("dense", "stc", "dstc", "crisp-stc")
SPARSITY = {"2:4": 0.9, "1:4": 0.9, "3:4": 0.8}  # 3:4 with blocks of 64 reaches 0.8898 on ResNet-50
PATTERNS = [(nm, block) for nm in SPARSITY for block in (64, 32, 16)]
BETTER = ", because that is better here"  # how assumptions say it


@dataclass(frozen=True)
class Gain:
    """A layer that takes fewer cycles than in its first way."""

    arch: str
    layer: str
    first: int
    best: int
    way: str


def first_cycles(row: LayerEvaluation) -> int:
    """What the layer of a row takes in the first way, with its best mapping."""
    encoded = encode(row.descriptor, load_arch(row.arch))
    mapping = search(encoded.design, encoded.constraints, "cycles").mapping
    result = evaluate_one(DesignPoint(encoded.design, mapping))
    return result.cycles + waiting_rows(encoded, mapping, result)


def gains(rows: Sequence[LayerEvaluation]) -> Iterator[Gain]:
    """Those of some rows, each descriptor searched once."""
    known: dict[tuple[str, str], int] = {}
    for row in rows:
        layer = row.descriptor.layer
        shape = row.arch, repr(replace(row.descriptor, layer=replace(layer, name="")))
        if shape not in known:
            known[shape] = first_cycles(row)
        if row.cycles < known[shape]:
            said = [each.partition(BETTER)[0] for each in row.result.assumptions if BETTER in each]
            way = "; ".join(each.removeprefix(f"{layer.name}: ") for each in said)
            yield Gain(row.arch, layer.name, known[shape], row.cycles, way)


def lines(title: str, found: Sequence[Gain]) -> Iterator[str]:
    """Rows of the table, layers with the same figures in one."""
    ordered = sorted(found, key=lambda each: (ARCHS.index(each.arch), each.first, each.best))
    for (arch, first, best), same in groupby(ordered, key=lambda each: (each.arch, each.first, each.best)):
        layers = list(same)
        names = layers[0].layer if len(layers) == 1 else f"{len(layers)}, such as {layers[0].layer}"
        yield f"| {title} | {names} | {arch} | {first:,} | {best:,} | {layers[0].way} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", help="a packaged workload, or the run.pt of a pruned network")
    network = parser.parse_args().network
    cases: list[tuple[str, dict[str, Any]]] = [("its masks", {})]
    if not network.endswith(".pt"):
        cases = [(f"{nm}, {block}", {"nm": nm, "block": block, "sparsity": SPARSITY[nm]}) for nm, block in PATTERNS]
    print("| weights | layers | accelerator | first way | best way | which is |\n|---|---|---|---|---|---|")
    for title, given in cases:
        rows = evaluate(network, list(ARCHS), jobs=1, **given).network.rows
        for line in lines(title, list(gains(rows))):
            print(line, flush=True)


if __name__ == "__main__":
    main()
