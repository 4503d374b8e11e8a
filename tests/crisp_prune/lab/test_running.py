"""Studies from a file to tables and figures: cells are computed once, and means are those of the seeds."""

import json
import sys
from pathlib import Path
from statistics import mean, stdev

import pytest
import torch

from crisp_hw.documents.document import json_text
from crisp_hw.errors import InputError
from crisp_prune.cli.start import run
from crisp_prune.lab import cell as cell_module
from crisp_prune.lab import images, running
from crisp_prune.lab.documents import study_document, write_results
from crisp_prune.lab.figures import draw
from crisp_prune.lab.images import first_of_each, open_images
from crisp_prune.lab.networks import NETWORKS
from crisp_prune.lab.results import pairs_of, rows_of
from crisp_prune.lab.running import compare
from crisp_prune.lab.study import cells_of, read_study

torch.set_num_threads(1)

STUDY = """
schema: crisp-hw/study/1
data: digits
side: 8
methods:
  - {name: dense, kind: dense}
  - {name: crisp, nm: "2:4", block: 16, prune_until: 1.0}
  - {name: two of four, pattern: nm}
sparsities: [0.6, 0.7]
classes: [2, [3, 5, 8]]
seeds: [0, 1]
epochs: 1
per_class: 8
pretrain_epochs: 1
batch_size: 8
pairs: [[crisp, dense]]
"""


@pytest.fixture
def study(tmp_path):
    pytest.importorskip("sklearn", reason="the digits are scikit-learn's")
    (tmp_path / "study.yaml").write_text(STUDY)
    return tmp_path / "study.yaml"


def test_a_study_is_all_its_combinations(study):
    cells = list(cells_of(read_study(study)))
    assert len(cells) == len({cell.key for cell in cells}) == 2 * 2 * (1 + 2 + 1)
    assert {cell.classes for cell in cells} == {(0, 1), (3, 5, 8)}
    assert len({cell.start for cell in cells}) == 2  # one dense network a seed


@pytest.mark.train
def test_a_study_runs_once_and_goes_on_where_it_was(study, tmp_path, monkeypatch):
    asked, told = read_study(study), []
    reached = compare(asked, tmp_path / "out", 1, lambda done, cells: told.append((done, cells)))
    assert told == [(done, 16) for done in range(17)]
    for cell in reached.rows:
        wanted = {"dense": 0.0, "two of four": 0.5}.get(cell.method, cell.target)
        assert cell.sparsity == pytest.approx(wanted, abs=0.02)
        assert 0 < cell.macs <= 1 and (cell.macs == 1) == (cell.method == "dense")
    (tmp_path / "out" / "cells" / sorted(p.name for p in (tmp_path / "out" / "cells").iterdir())[3]).unlink()
    part = running.reached(asked, tmp_path / "out")
    assert (len(part.rows), part.cells) == (15, 16)
    assert json.loads(write_results(asked, part, tmp_path / "out").read_text())["part"] == "15 of 16 cells"
    done = []
    monkeypatch.setattr(running, "measure", lambda *given: done.append(given) or measured(*given))
    measured = __import__("crisp_prune.lab.cell", fromlist=["measure"]).measure
    again = compare(asked, tmp_path / "out", 1, lambda *_: None)
    assert len(done) == 1
    assert [(c.method, c.seed, c.top1_all) for c in again.rows] == [
        (c.method, c.seed, c.top1_all) for c in reached.rows
    ]

    rows = rows_of(reached.rows)
    assert len(rows) == 8 and all(row.seeds == 2 for row in rows)
    top1 = [c.top1_all for c in reached.rows if (c.method, c.target, len(c.classes)) == ("crisp", 0.7, 3)]
    (row,) = [row for row in rows if (row.method, row.target, len(row.classes)) == ("crisp", 0.7, 3)]
    assert (row.top1, row.top1_std) == (mean(top1), stdev(top1))

    document = study_document(asked, reached, ("a note",))
    assert json.loads(json_text(document))["rows"][0]["method"] == "dense"
    assert len(document.content["pairs"]) == 4  # two targets, two sets of classes
    kept = json.loads(write_results(asked, reached, tmp_path / "out").read_text())
    assert len(kept["cells"]) == 16 and "part" not in kept and "seconds" not in kept["cells"][0]
    pytest.importorskip("matplotlib", reason="figures are drawn by matplotlib")
    made = {path.name for path in draw(reached.rows, tmp_path / "out")}
    assert made == {
        "accuracy-against-sparsity-2.png", "accuracy-against-sparsity-3.png", "accuracy-against-classes-0.6.png",
        "accuracy-against-classes-0.7.png", "sparsity-by-layer.png",
    }  # fmt: skip


def test_pairs_are_ties_within_one_deviation():
    def cell(method, seed, top1):
        from crisp_prune.lab.cell import Measured

        return Measured(method, 0.9, (0, 1), seed, "digits", 0.9, top1, top1, 0.1, 1.0, {})

    cells = [cell("a", 0, 0.75), cell("a", 1, 0.5), cell("b", 0, 0.5), cell("b", 1, 0.5)]
    (pair,) = pairs_of(cells, [("a", "b")])
    assert (pair.difference, pair.found) == (0.125, "tie")
    assert pairs_of(cells, [("b", "c")]) == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("pairs: [[crisp, dense]]", "pairs: [[crisp, sparse]]"), "pairs name 'sparse'; the methods are dense, crisp"),
        (("name: two of four", "name: crisp"), "two methods are named 'crisp'"),
        (("epochs: 1\n", "epochs: -1\n"), "study.yaml:"),
        (("kind: dense", "kind: thin"), "study.yaml:"),
        (("block: 16", "block: 6"), "block 6 is no multiple of m = 4"),
    ],
)
def test_a_study_says_what_is_wrong_with_it(study, change, said):
    study.write_text(study.read_text().replace(*change))
    with pytest.raises(InputError) as caught:
        read_study(study)
    assert said in str(caught.value)


def test_a_damaged_cell_is_named(study, tmp_path):
    asked = read_study(study)
    (tmp_path / "out" / "cells").mkdir(parents=True)
    for cell in cells_of(asked):
        (tmp_path / "out" / "cells" / f"{cell.key}.json").write_text("{}")
    with pytest.raises(InputError, match=r"is no result of a cell .*remove it, so that it is computed again"):
        compare(asked, tmp_path / "out", 1, lambda *_: None)


def test_digits_stand_in_for_what_is_not_installed_and_say_so(monkeypatch, tmp_path):
    pytest.importorskip("sklearn", reason="the digits are scikit-learn's")
    monkeypatch.setattr(images, "FASHION", tmp_path / "none")
    found = open_images("fashion-mnist", 8)
    assert found.source == "digits" and "apt install dataset-fashion-mnist" in found.note
    assert found.classes == 10 and found.channels == 1
    assert not open_images("digits", 8).note


def test_idx_files_are_read_and_halved(monkeypatch, tmp_path):
    import gzip

    monkeypatch.setattr(images, "FASHION", tmp_path)
    for prefix, count in (("train", 3), ("t10k", 2)):
        with gzip.open(tmp_path / f"{prefix}-images-idx3-ubyte.gz", "wb") as file:
            file.write(bytes(16) + bytes([51] * 784 * count))
        with gzip.open(tmp_path / f"{prefix}-labels-idx1-ubyte.gz", "wb") as file:
            file.write(bytes(8) + bytes(range(count)))
    found = open_images("fashion-mnist", 14)
    assert found.train[0].shape == (3, 1, 14, 14) and torch.allclose(found.train[0], torch.tensor(0.2))
    assert found.test[1].tolist() == [0, 1]
    assert first_of_each(found.train[1], (2,), 5).tolist() == [2]
    (tmp_path / "t10k-labels-idx1-ubyte.gz").write_bytes(b"none")
    with pytest.raises(InputError, match=r"t10k-labels-idx1-ubyte.gz: cannot be read"):
        open_images("fashion-mnist", 14)


def test_a_folder_of_images_is_data_too(tmp_path):
    image = pytest.importorskip("PIL.Image", reason="images are read by Pillow")
    for name in ("cat", "dog"):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for number in range(5):
            image.new("RGB", (12, 9), "red").save(tmp_path / "pictures" / name / f"{number}.png")
    found = open_images(str(tmp_path / "pictures"), 8)
    assert found.train[0].shape == (8, 3, 8, 8) and found.test[1].tolist() == [0, 1]


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_take_small_images(name):
    assert NETWORKS[name](4, 3)(torch.zeros(2, 3, 14, 14)).shape == (2, 4)


@pytest.mark.train
def test_the_command_prints_and_writes(study, tmp_path, monkeypatch, capsys):
    small = {"[0.6, 0.7]": "[0.6]", "[2, [3, 5, 8]]": "[2]", "[0, 1]": "[0]"}
    for before, after in small.items():
        study.write_text(study.read_text().replace(before, after))
    monkeypatch.setattr(
        sys, "argv", ["crisp-prune", "compare", str(study), "--out", str(tmp_path / "out"), "-f", "json"]
    )
    with pytest.raises(SystemExit) as ended:
        run()
    assert not ended.value.code
    told = json.loads(capsys.readouterr().out)
    assert [row["method"] for row in told["rows"]] == ["dense", "crisp", "two of four"]
    assert Path(tmp_path / "out" / "results.json").exists()


class Weights:
    """Costs that are kept weights x positions."""

    def costs(self, layers):
        return tuple(float(each.layer.macs * (1 if each.mask is None else each.mask.mean())) for each in layers)


@pytest.mark.train
def test_methods_with_a_driver_meet_the_budgets_of_the_study(study, tmp_path, monkeypatch):
    monkeypatch.setattr(cell_module, "find_budget", lambda arch, metric: Weights())
    text = (
        study.read_text().split("methods:")[0]
        + """methods:
  - {name: dense, kind: dense}
  - {name: uniform, pattern: block, block: 16, driver: uniform}
  - {name: amc, pattern: block, block: 16, driver: amc}
sparsities: []
budgets: ["0.5x"]
evaluations: 3
classes: [2]
seeds: [0]
epochs: 1
per_class: 8
pretrain_epochs: 1
batch_size: 4
pairs: [[amc, uniform]]
"""
    )
    study.write_text(text)
    asked = read_study(study)
    reached = compare(asked, tmp_path / "out", 1, lambda *_: None)
    dense, uniform, amc = reached.rows
    assert dense.cost is None and uniform.target == amc.target == pytest.approx(0.5)
    assert 0.4 < uniform.cost <= 0.5 and len(amc.trail) == 3 and uniform.trail == ()
    assert [row.cost for row in rows_of(reached.rows)] == [None, uniform.cost, amc.cost]
    kept = json.loads(write_results(asked, reached, tmp_path / "out").read_text())
    assert len(kept["cells"][2]["trail"]) == 3
    pytest.importorskip("matplotlib", reason="figures are drawn by matplotlib")
    made = {path.name for path in draw(reached.rows, tmp_path / "out")}
    assert {"accuracy-against-cost-2.png", "accuracy-of-choices.png"} <= made
