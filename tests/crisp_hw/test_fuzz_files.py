"""Every other kind of file with something wrong: a result or one sentence, within 20 s and 2 GiB; never a traceback.

Architectures, layer tables, energy tables, run files and bundles, each the same number of times: CRISP_HW_FUZZ (500)
inputs in all. tests/crisp_hw/dropin/test_fuzz.py does the same with Timeloop's documents.
"""

import contextlib
import io
import json
import os
import random
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from limits import limits
from mutator import JUNK, TEMPLATES, dumped, junked, lines_changed, mutated, renumbered, unmarked
from sentences import sentence

from crisp_hw import api
from crisp_hw.bundles import pack
from crisp_hw.bundles.archive import read_files, sha256, write_files
from crisp_hw.cli.start import run
from crisp_hw.data_files import data_folder
from crisp_hw.machine.ending import ended
from crisp_hw.report.files import result_text
from crisp_hw.results.file import checksum
from crisp_hw.spec.layer import Layer, Workload
from crisp_hw.spec.patterns import NM

pytestmark = pytest.mark.fuzz

COUNT = int(os.environ.get("CRISP_HW_FUZZ", "500"))
SMALL = """\
schema: crisp-hw/workload/1
name: small
layers:
  - {name: a, kind: conv2d, in_channels: 3, out_channels: 64, kernel: [7, 7], stride: [2, 2], padding: [3, 3],
     input_size: [64, 64]}
  - {name: b, kind: conv2d, in_channels: 64, out_channels: 64, kernel: [3, 3], groups: 64, input_size: [56, 56]}
  - {name: c, kind: linear, in_channels: 256, out_channels: 10, vectors: 3}
skipped:
  - {name: bias, reason: "one addition per output"}
"""
ARCHS = sorted(data_folder("arch").glob("*.yaml"))
ENERGIES = [data_folder("arch") / "energy" / f"{name}.yaml" for name in ("fabric-45nm", "reference")]


def command(arguments):
    """(exit code, stdout, stderr) of `crisp-hw ARGUMENTS` in this process."""
    out, err = io.StringIO(), io.StringIO()
    before, sys.argv = sys.argv, ["crisp-hw", *map(str, arguments)]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), limits():
            try:
                code = ended("crisp-hw", run)
            except SystemExit as end:
                code = end.code or 0
    finally:
        sys.argv = before
    return code, out.getvalue(), err.getvalue()


def check(arguments, right=(0, 2, 3)):
    """True where there is a result; an error is one sentence and nothing is printed."""
    code, out, err = command(arguments)
    assert code in right, err
    if code in (2, 3):
        assert out == ""
        sentence(err, *(word for word in arguments if isinstance(word, Path)))
        return False
    return True


def wrong_text(text, rng):
    """The text of a YAML file with something wrong: in its structure, its numbers, its lines or its characters."""
    match rng.choice(["structure", "structure", "numbers", "numbers", "lines", "junk", "template", "both"]):
        case "structure":
            return dumped(mutated(unmarked(yaml.safe_load(text)), rng)[0])
        case "numbers":
            return dumped(renumbered(unmarked(yaml.safe_load(text)), rng))
        case "lines":
            return lines_changed(text, rng)
        case "junk":
            return junked(text, rng, JUNK)
        case "template":
            return junked(text, rng, TEMPLATES)
        case _:
            return junked(lines_changed(text, rng), rng, JUNK)


def wrong_bytes(content, rng):
    """Bytes flipped, cut off, doubled, moved, or other bytes altogether."""
    changed = bytearray(content)
    at, length = rng.randrange(len(changed)), rng.choice([1, 1, 2, 8, 64])
    match rng.choice(["flip", "flip", "flip", "cut", "twice", "zeros", "gone", "other"]):
        case "flip":
            for _ in range(rng.choice([1, 1, 3, 20])):
                changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
        case "cut":
            del changed[at:]
        case "twice":
            changed[at:at] = changed[at : at + length]
        case "zeros":
            changed[at : at + length] = bytes(length)
        case "gone":
            del changed[at : at + length]
        case "other":
            return rng.choice([b"", rng.randbytes(50), b"PK\x05\x06" + bytes(18), content * 2, b"\x80\x02."])
    return bytes(changed)


def run_file():
    """A pruned model of two layers, which can save itself."""
    torch = pytest.importorskip("torch", reason="the writer of run files is crisp_prune")
    from crisp_prune import Crisp, CrispConfig

    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(32, 32), torch.nn.ReLU(), torch.nn.Linear(32, 4))
    pruner = Crisp(model, CrispConfig(sparsity=0.6, block=16, criterion="magnitude"), sample=torch.zeros(1, 32))
    pruner.step()
    return pruner


@pytest.fixture(scope="module")
def contents(tmp_path_factory):
    """Kind -> the originals: (suffix, bytes)."""
    folder = tmp_path_factory.mktemp("originals")
    small = Workload("small", (Layer("a", "linear", 32, 64), Layer("b", "linear", 64, 32)))
    network = api.evaluate(api.WorkloadPattern(small, NM(2, 4)), ["crisp-stc"]).network
    found = {
        "result": result_text(network).encode(),
        "bundle": pack(network, "embedded", {"workload": "small", "nm": "2:4"}, {}, None),
    }
    for suffix in ("pt", "safetensors"):
        pruner = run_file()
        pruner.save(folder / f"run.{suffix}")
        found[suffix] = (folder / f"run.{suffix}").read_bytes()
    return found


def wrong_bundle(content, rng, folder):
    """A bundle whose bytes or whose entries are wrong; the manifest may vouch for them."""
    if rng.random() < 0.4:
        return wrong_bytes(content, rng)
    path = folder / "intact.zip"
    path.write_bytes(content)
    files = read_files(path)
    name = rng.choice(sorted(files))
    text = files[name].decode()
    if name.endswith(".json") and rng.random() < 0.7:
        files[name] = json.dumps(mutated(json.loads(text), rng)[0]).encode()
    else:
        files[name] = rng.choice([lines_changed, lambda t, r: junked(t, r, JUNK)])(text, rng).encode()
    if name != "manifest.json":
        manifest = json.loads(files["manifest.json"])
        manifest["files"][name] = {"bytes": len(files[name]), "sha256": sha256(files[name])}
        files["manifest.json"] = json.dumps(manifest).encode()
    return write_files(files)


def put(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", errors="surrogatepass"))
    return path


def each(kind, share):
    """Seeds of one kind, spread over the tests that xdist may run side by side."""
    return [pytest.param(range(number, max(4, COUNT // share), 4), id=f"{kind}-{number}") for number in range(4)]


def fuzzed(seeds, kind, one):
    """Run `one` on every seed, and name the seed of the one that fails."""
    for seed in seeds:
        try:
            one(random.Random(f"{kind} {seed}"))
        except BaseException as error:
            raise AssertionError(f"{kind}: seed {seed}") from error


@pytest.mark.parametrize("seeds", each("arch", 5))
def test_architectures(seeds, tmp_path):
    layers = put(tmp_path / "small.yaml", SMALL)

    def one(rng):
        path = put(tmp_path / "odd.yaml", wrong_text(rng.choice(ARCHS).read_text(), rng))
        shown = check(["arch", "show", path])
        if shown and rng.random() < 0.1:
            check(["evaluate", "--workload", layers, "--layers", "c", "--nm", "2:4", "--arch", path, "--no-cache"])

    fuzzed(seeds, "arch", one)


@pytest.mark.parametrize("seeds", each("workload", 5))
def test_layer_tables(seeds, tmp_path):
    originals = [SMALL, (data_folder("workloads") / "vgg16.yaml").read_text()]

    def one(rng):
        check(["workload", "show", put(tmp_path / "odd.yaml", wrong_text(rng.choice(originals), rng))])

    fuzzed(seeds, "workload", one)


@pytest.mark.parametrize("seeds", each("energy", 5))
def test_energy_tables(seeds, tmp_path):
    def one(rng):
        path = put(tmp_path / "odd.yaml", wrong_text(rng.choice(ENERGIES).read_text(), rng))
        check(["arch", "show", rng.choice(["crisp-stc", "dense"]), "--energy", path])

    fuzzed(seeds, "energy", one)


@pytest.mark.parametrize("suffix", ["pt", "safetensors"])
@pytest.mark.parametrize("seeds", each("run", 10))
def test_run_files(seeds, suffix, contents, tmp_path):
    def one(rng):
        check(["describe", put(tmp_path / f"odd.{suffix}", wrong_bytes(contents[suffix], rng))])

    fuzzed(seeds, suffix, one)


@pytest.mark.parametrize("seeds", each("bundle", 5))
def test_bundles(seeds, contents, tmp_path):
    def one(rng):
        check(["replay", put(tmp_path / "odd.zip", wrong_bundle(contents["bundle"], rng, tmp_path))], (0, 1, 2, 3))

    fuzzed(seeds, "bundle", one)


def wrong_result(content, rng):
    """A result whose bytes or whose values are wrong; the checksum may vouch for them."""
    if rng.random() < 0.4:
        return wrong_bytes(content, rng)
    wrong = mutated(json.loads(content), rng)[0]
    if isinstance(wrong, dict) and rng.random() < 0.8:
        inner, before = wrong.get("evaluation"), json.loads(content)
        if rng.random() < 0.7 and isinstance(inner, dict):
            wrong = {**before, "evaluation": mutated(before["evaluation"], rng)[0]}
        wrong["sha256"] = checksum(wrong)
    return json.dumps(wrong).encode()


@pytest.mark.parametrize("seeds", each("result", 5))
def test_results(seeds, contents, tmp_path):
    whole = put(tmp_path / "whole.json", contents["result"])

    def one(rng):
        path = put(tmp_path / "odd.json", wrong_result(contents["result"], rng))
        check(["report", path])
        check(["compare", path, whole], (0, 1, 2, 3))

    fuzzed(seeds, "result", one)


JOB = """\
nm: "2:4"
block: 64
sparsity: 0.9
arch: [stc]
layers: fc
objective: energy
jobs: 1
"""


@pytest.mark.parametrize("seeds", each("job", 10))
def test_jobs(seeds, tmp_path):
    def one(rng):
        path = put(tmp_path / "odd.yaml", wrong_text(JOB, rng))
        check(["evaluate", "resnet50", "--layers", "fc", "--arch", "stc", "--config", path], (0, 2, 3))

    fuzzed(seeds, "job", one)


def test_the_limits_are_real():
    """A loop and an allocation beyond them are stopped."""
    with pytest.raises(BaseException, match="processor time"), limits(seconds=0.05):
        while True:
            pass
    with pytest.raises(MemoryError), limits(bytes_more=2**20):
        np.ones(2**28)
