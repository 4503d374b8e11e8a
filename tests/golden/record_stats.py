"""`python tests/golden/record_stats.py`: run timeloop-model (on PATH) again and write tests/golden/stats/*.json.gz.

A file holds the documents of one run, its exit status, its log and every file that it wrote. The documents are those
of one small layer on every packaged accelerator, once also with networks that cost something, and of the same layer
with something wrong.
"""

import gzip
import json
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

from crisp_hw import api
from crisp_hw.spec.arch import Wires
from crisp_hw.spec.design import DesignPoint
from crisp_hw.spec.layer import Layer, Workload
from crisp_hw.spec.patterns import NM

FOLDER = Path(__file__).parent / "stats"
LAYER = Layer("mid", "conv2d", 64, 64, kernel=(3, 3), padding=(1, 1), input_size=(8, 8))
RANK = "- { format: UOP, metadata_word_bits: 0, payload_word_bits: 0 }"
BROKEN = {  # name -> document, text there, text instead
    "too-small": ("architecture.yaml", "depth: 1024\n", "depth: 10\n"),
    "too-few-ranks": ("sparse_optimizations.yaml", RANK, ""),
    "unknown-action": ("sparse_optimizations.yaml", "type: skipping_spatial", "type: skippping"),
    "unknown-format": ("sparse_optimizations.yaml", "format: CP", "format: CQ"),
    "missing-factor": ("mapping.yaml", "factors: N=", "factors: N=1 Q="),
    "missing-key": ("mapping.yaml", "mapping:", "maping:"),
    "aborts": ("architecture.yaml", "width: 256", "width: 512"),
}


def documents() -> dict[str, dict[str, str]]:
    """Accelerator -> documents of the layer, without the comments that name sources."""
    network = Workload("small", (Layer("stem", "conv2d", 64, 3), LAYER, Layer("head", "linear", 10, 64)))
    source = api.WorkloadPattern(network, NM(2, 4), 16, 0.7)
    rows = api.evaluate(source, api.list_arch(), layers=LAYER.name).network.rows
    found = {row.arch: api.render_point(row.point) for row in rows}
    (sparse,) = (row.point for row in rows if row.arch == "stc")
    return {**found, "network": api.render_point(wired(sparse))}


def wired(point: DesignPoint) -> DesignPoint:
    """The same point with networks that take energy and time; the numbers mean nothing."""
    arch = point.design.architecture
    levels = tuple(
        replace(
            level,
            wires=Wires(
                wire_pj_per_bit_mm=0.05,
                tile_width_um=100.0 * (place + 1),
                router_pj=0.25 if place else None,
                ingress_pj=0.125 * place,
                fill_cycles=10 * place,
                drain_cycles=3,
            ),
        )
        for place, level in enumerate(arch.levels)
    )
    return replace(point, design=replace(point.design, architecture=replace(arch, levels=levels)))


def record(texts: dict[str, str]) -> dict[str, object]:
    """One run in a folder of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, text in texts.items():
            (folder / file).write_text(text, encoding="utf-8")
        command = ["timeloop-model", *sorted(texts)]
        done = subprocess.run(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        written = {path.name: path.read_text() for path in sorted(folder.iterdir()) if path.name not in texts}
    return {"documents": texts, "status": done.returncode, "log": done.stdout, "files": written}


def main() -> None:
    """Every accelerator, then every fault on CRISP-STC."""
    cases = documents()
    for name, (file, old, new) in BROKEN.items():
        assert old in cases["crisp-stc"][file], f"{name}: {file} no longer holds {old!r}"
        cases[name] = {**cases["crisp-stc"], file: cases["crisp-stc"][file].replace(old, new)}
    FOLDER.mkdir(exist_ok=True)
    for name, texts in cases.items():
        content = json.dumps(record(texts), indent=1, sort_keys=True).encode()
        (FOLDER / f"{name}.json.gz").write_bytes(gzip.compress(content, mtime=0))


if __name__ == "__main__":
    main()
