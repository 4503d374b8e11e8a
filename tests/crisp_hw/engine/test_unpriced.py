"""Accesses that happen without an energy are named, and only those."""

import json
from dataclasses import replace

import pytest

import crisp_hw
from crisp_hw import api
from crisp_hw.engine.evaluate import evaluate
from crisp_hw.engine.unpriced import unpriced
from crisp_hw.spec.ert import EnergyTable
from crisp_hw.spec.patterns import NM


def row(**changes):
    source = api.WorkloadPattern("resnet50", NM(2, 4), 64, 0.9)
    return api.evaluate(source, crisp_hw.load_arch("stc"), layers="layer4.2.conv3", **changes).network.rows[0]


def without(point, level, *actions):
    kept = {name: pj for name, pj in point.design.energy.actions[level].items() if name not in actions}
    table = EnergyTable({**point.design.energy.actions, level: kept})
    return replace(point, design=replace(point.design, energy=table))


def test_a_packaged_table_lists_all_that_happens():
    found = row()
    assert unpriced(found.point.design, found.result) == ()


def test_metadata_without_an_energy_is_named_and_costs_nothing():
    whole = row()
    point = without(whole.point, "SMEM", "metadata_read", "metadata_write", "metadata_update")
    result = evaluate(point)
    (said,) = unpriced(point.design, result)
    assert said.startswith("level SMEM: the energy table has no metadata_fill, metadata_read;")
    assert result.energy_pj < whole.result.energy_pj


@pytest.mark.parametrize("name", ["gated_metadata_read", "leak", "gated_read"])
def test_what_does_not_happen_is_not_named(name):
    point = without(row().point, "LRF", name)
    assert unpriced(point.design, evaluate(point)) == ()


GATED = """
architecture:
  subtree:
    - name: s
      local:
        - {name: DRAM, class: DRAM, attributes: {width: 64, datawidth: 8}}
        - {name: Near, class: regfile, attributes: {width: 8, depth: 64, datawidth: 8, metadata_storage_width: 8, metadata_storage_depth: 64}}
        - {name: MAC, class: intmac, attributes: {datawidth: 8}}
problem:
  shape:
    name: dot
    dimensions: [K]
    data_spaces:
      - {name: A, projection: [[[K]]]}
      - {name: B, projection: [[[K]]]}
      - {name: Z, projection: [], read_write: true}
  instance: {K: 16, densities: {A: {distribution: hypergeometric, density: 0.5}}}
mapping:
  - {target: DRAM, type: temporal, factors: K=1}
  - {target: Near, type: temporal, factors: K=16}
sparse_optimizations:
  targets:
    - name: Near
      action_optimization: [{type: gating, target: B, condition_on: [A]}]
ERT:
  tables:
    - {name: DRAM, actions: [{name: read, energy: 64}, {name: write, energy: 64}, {name: update, energy: 64}]}
    - {name: Near, actions: [{name: read, energy: 1}, {name: write, energy: 1}, {name: update, energy: 1}GATED]}
    - {name: MAC, actions: [{name: compute, energy: 1}]}
"""  # noqa: E501


@pytest.mark.parametrize(("more", "named"), [("", True), (", {name: gated_read, energy: 0.1}", False)])
def test_gated_reads_of_a_timeloop_document_are_named(tmp_path, more, named):
    from typer.testing import CliRunner

    from crisp_hw.cli import app

    (tmp_path / "all.yaml").write_text(GATED.replace("GATED", more))
    found = CliRunner().invoke(app, ["model", str(tmp_path / "all.yaml"), "-f", "json", "-o", str(tmp_path)])
    assert found.exit_code == 0, found.output
    said = [note for note in json.loads(found.stdout)["assumptions"] if "gated_read" in note]
    assert bool(said) is named
