"""CRISP's claims: every figure on record is found again, and on a small network what each claim is made of."""

from dataclasses import replace

import numpy as np
import pytest

from crisp_hw.errors import InputError
from crisp_hw.pruned_file import save_pruned
from crisp_hw.reproduction import Request, crisp, crisp_masks, crisp_program, reproduce
from crisp_hw.reproduction.crisp_paper import Finding, Published
from crisp_hw.reproduction.crisp_runs import Asked, Rows, Runs, at
from crisp_hw.reproduction.published import published
from crisp_hw.spec.descriptors import PrunedLayer, PrunedModel
from crisp_hw.spec.layer import Layer
from crisp_hw.spec.patterns import NM

TABLE = """\
schema: crisp-hw/workload/1
name: small
source: "four layers, so that a table of claims takes no time"
layers:
  - {name: layer1.a, kind: linear, in_channels: 128, out_channels: 64, tokens: 64}
  - {name: layer2.a, kind: linear, in_channels: 256, out_channels: 64, tokens: 64}
  - {name: layer3.a, kind: linear, in_channels: 256, out_channels: 128, tokens: 64}
  - {name: layer4.a, kind: linear, in_channels: 512, out_channels: 64, tokens: 16}
  - {name: classifier, kind: linear, in_channels: 64, out_channels: 16}
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The claims of a network of four layers, with two blocks and one setting."""
    path = tmp_path_factory.mktemp("small") / "small.yaml"
    path.write_text(TABLE)
    paper = published("crisp", Published)
    changes = {
        "network": str(path),
        "layers": ["layer1.a", "layer4.a"],
        "blocks": [32, 64],
        "settings": paper.settings[:1],
        "speedups": [paper.speedups[1]],
        "dstc": paper.dstc.model_copy(update={"sparsity": 0.8}),
        "energy": paper.energy.model_copy(update={"sparsity": 0.7}),
        "metadata": paper.metadata.model_copy(update={"sparsity": 0.8}),
        "findings": {name: paper.findings[name] for name in ("stc 2:4", "best block 2:4")},
    }
    return paper.model_copy(update=changes)


@pytest.fixture
def on_small(monkeypatch, small):
    monkeypatch.setattr(crisp, "published", lambda name, schema: small)
    return small


def masks(path, nm, block=32, columns=256):
    """Three of the blocks of every row are kept, in places of their own, with N:M inside."""
    mask = np.zeros((64, columns), bool)
    group = np.arange(block) % nm.m < nm.n
    for top in range(0, 64, block):
        for kept in np.random.default_rng(top).permutation(columns // block)[:3]:
            mask[top : top + block, kept * block : (kept + 1) * block] = group
    layers = [PrunedLayer(Layer(name, "linear", 64, columns, tokens=64), "hybrid", mask, nm, block) for name in "ab"]
    save_pruned(path, PrunedModel("run", tuple(layers)))
    return path


@pytest.mark.long
def test_the_figures_on_record_are_found_again_at_their_setting():
    found = reproduce("crisp", Request(cache=False))
    assert found.holds, [each for each in found.bounds if not each.within]
    assert len(found.bounds) == len(published("crisp", Published).findings)
    assert {claim.claim.split(":")[0] for claim in found.claims if ": " in claim.claim} == {
        "SMEM 24, DRAM unlimited",
        "SMEM 16, DRAM 32",
        "SMEM 42, DRAM 32",
    }


def test_a_figure_beyond_its_last_digit_is_at_a_distance():
    finding = Finding(low=5.3, high=5.6, digits=1)
    assert finding.distance(5.26, 5.64) == 0
    assert finding.distance(5.2) == pytest.approx(0.05 / 5.3) and finding.distance(5.7) == pytest.approx(0.05 / 5.6)
    assert Finding(low=64, high=64, digits=0).distance(32) == 0.5


def test_every_claim_is_computed_from_the_runs(on_small, small):
    found = crisp.crisp(Request())
    by_name = {claim.claim.removeprefix("SMEM 24, DRAM unlimited: "): claim for claim in found.claims}
    setting, asked = small.settings[0], small.speedups[0]
    rows = {
        block: Runs(Request(), 1)
        .uniform("crisp-stc", Asked(small.network, asked.nm, block, asked.sparsity), setting)
        .hybrid
        for block in small.blocks
    }
    best = max(rows, key=lambda block: rows[block].mean)
    assert by_name["2:4, best block"].ours == best
    assert by_name["2:4, mean of layers"].ours == rows[best].mean
    assert by_name["2:4, slowest layer"].ours == min(rows[best].speedups.values())
    stc = Runs(Request(), 1).uniform("stc", Asked(small.network, "2:4", 64, 0.85), setting).hybrid
    assert by_name["2:4, STC"].ours == stc.mean
    # of 16 positions of layer4, weights cross into SMEM more slowly than they are used
    assert {name for name, speedup in stc.speedups.items() if speedup == pytest.approx(2)} == {
        "layer1.a",
        "layer2.a",
        "layer3.a",
    }
    assert by_name["2:4, mean of layers"].published == pytest.approx(60**0.5)
    assert all(claim.why for claim in found.claims)
    assert [panel.title for panel in found.panels][:2] == ["2:4, sparsity 0.85", "energy on chip, block 64"]


def test_a_figure_that_moved_is_not_within(on_small, small, monkeypatch):
    moved = small.model_copy(update={"findings": {"stc 2:4": Finding(low=3.0, high=3.0, digits=2)}})
    monkeypatch.setattr(crisp, "published", lambda name, schema: moved)
    assert not crisp.crisp(Request()).holds


def test_a_setting_is_what_runs(small):
    setting = small.settings[0]
    narrow = at("crisp-stc", setting.model_copy(update={"smem": 8.0, "dram": 4.0}))
    levels = {level.name: level.read_bandwidth for level in narrow.architecture.levels}
    assert levels["SMEM"] == 8 and levels["DRAM"] == 4
    asked, runs = Asked(small.network, "2:4", 32, 0.85), Runs(Request(), 1)
    slow = runs.uniform("crisp-stc", asked, setting.model_copy(update={"name": "slow", "smem": 8.0}))
    assert slow.whole < runs.uniform("crisp-stc", asked, setting).whole


def test_the_speedup_of_all_layers_weighs_them_by_their_cycles(small):
    rows = Runs(Request(), 1).uniform("stc", Asked(small.network, "2:4", 32, 0.85), small.settings[0])
    first, *others = rows.rows
    twice = Rows((replace(first, dense=replace(first.dense, cycles=first.dense.cycles * 2)), *others))
    assert twice.whole > rows.whole and twice.named(["layer2"]).whole == rows.named(["layer2"]).whole


def test_pruned_masks_stand_beside_uniform_ones(on_small, tmp_path):
    found = crisp.crisp(Request(masks=masks(tmp_path / "run.safetensors", NM(2, 4))))
    pruned = [claim for claim in found.claims if "pruned masks" in claim.claim]
    assert len(pruned) == 3 and all("uniform masks of the same layers" in claim.why for claim in pruned)
    # every block row keeps three of eight blocks with 2:4, as the uniform ones do
    assert pruned[1].ours == pytest.approx(float(pruned[1].why.split(": ")[1].removesuffix("x")), abs=0.005)
    assert found.panels[-1].title == "masks of run, 2:4" and "81.2%" in found.notes[-1]


@pytest.mark.parametrize(
    ("nm", "said"), [(NM(2, 8), "are 2:8"), (NM(1, 1), "have 1:1 in blocks|have no N:M in blocks|are 1:1")]
)
def test_masks_of_which_the_paper_says_nothing_are_refused(nm, said, small, tmp_path):
    with pytest.raises(InputError, match=said):
        crisp_masks.pruned_masks(masks(tmp_path / "run.safetensors", nm), small)


def program(folder, body, monkeypatch):
    """A crisp-prune of our own on PATH."""
    path = folder / "bin" / "crisp-prune"
    path.parent.mkdir()
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path.parent}:/usr/bin:/bin")


def test_masks_may_come_from_the_program(small, tmp_path, monkeypatch):
    made = masks(tmp_path / "made.safetensors", NM(2, 4))
    body = f'echo "$@" > {tmp_path}/said; while [ $# -gt 1 ]; do shift; done; cp {made} "$1"'
    program(tmp_path, body, monkeypatch)
    with crisp_program.pruned_by(Request(prune="--model 'my models:net' --nm 2:4")) as path:
        assert crisp_masks.pruned_masks(path, small).block == 32
    assert (tmp_path / "said").read_text().startswith("run --model my models:net --nm 2:4 --out ")
    assert not path.exists()


def test_a_program_that_makes_no_masks_is_told(tmp_path, monkeypatch):
    program(tmp_path, "echo no such model; exit 2", monkeypatch)
    for asked, said in (
        (Request(prune="--model x"), "ended with status 2 and no masks: no such model"),
        (Request(prune="--model 'x"), "has a quotation mark or a backslash at whose end"),
        (Request(prune="--out mine.pt"), "--out, which is chosen here"),
        (Request(prune="--model x", masks=tmp_path / "run.pt"), "give --masks or --prune"),
    ):
        with pytest.raises(InputError, match=said), crisp_program.pruned_by(asked):
            pass
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="crisp-prune is not installed"), crisp_program.pruned_by(Request(prune="")):
        pass
