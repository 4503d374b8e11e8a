"""What an accelerator and its levels are called changes no number."""

import pytest
import yaml
from evaluations import TABLE

from crisp_hw import api
from crisp_hw.accelerators.templates import full_text
from crisp_hw.characterization.methods import METHODS
from crisp_hw.data_files import data_folder
from crisp_hw.spec.layer import Layer, Workload
from crisp_hw.spec.patterns import NM

CLASSIFIER = api.WorkloadPattern(Workload("one", (Layer("fc", "linear", 64, 256),)), NM(2, 4))
PATTERN = api.WorkloadPattern(TABLE, NM(2, 4), 16, 0.8)


def renamed(part, names):
    """A document, or a part of it, with its levels and its compute level called otherwise wherever they are named."""
    if isinstance(part, list):
        return [renamed(each, names) for each in part]
    if not isinstance(part, dict):
        return part
    called = {names.get(key, key): renamed(value, names) for key, value in part.items()}
    return {key: names.get(value, value) if key in ("level", "name") else value for key, value in called.items()}


def with_own_energies(document, names, folder):
    """The document; a fixed table of energies, which is by component, is renamed with it."""
    if document["energy"] in METHODS:
        return document
    table = yaml.safe_load((data_folder("arch") / "energy" / f"{document['energy']}.yaml").read_text(encoding="utf-8"))
    (folder / "energies.yaml").write_text(yaml.safe_dump(renamed(table, names)), encoding="utf-8")
    return document | {"energy": str(folder / "energies.yaml")}


def told(found):
    """Cycles, energy, and the energy of every level in its order, of all layers."""
    return [
        (row.result.cycles, row.dense.cycles, row.result.energy_pj, [level.energy_pj for level in row.result.levels])
        for row in found.network.rows
    ]


@pytest.mark.parametrize("name", api.list_arch())
def test_a_copy_with_other_names_gives_the_same_numbers(name, tmp_path):
    file = tmp_path / "other.yaml"
    own = yaml.safe_load(full_text(name, "other"))
    names = {level: f"Called{number}" for number, level in enumerate([*own["levels"], own["compute"]["name"]])}
    document = with_own_energies(renamed(own, names), names, tmp_path)
    file.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    network = CLASSIFIER if api.load_arch(name).runs.skips else PATTERN
    one, other = (api.evaluate(network, arch, cache=False) for arch in (name, str(file)))
    assert told(one) == told(other)
    assert other.network.rows[0].arch == "other"
