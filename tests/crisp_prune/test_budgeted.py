"""`crisp-prune run --budget`: pruned to what the network may cost, also when it is resumed."""

import json
import sys

import pytest
import torch

from crisp_prune import budgeted
from crisp_prune.cli.start import run
from tests.crisp_prune.test_cli import TOY

torch.set_num_threads(1)

RUN = (
    "run", "--model", "toy_for_budgets:net", "--data", "toy_for_budgets:data", "--classes", "0,2,4", "--block", "8",
    "--epochs", "2", "--batch-size", "8", "--budget", "0.6x", "-f", "json",
)  # fmt: skip


class Weights:
    def costs(self, layers):
        return tuple(float(each.layer.macs * (1 if each.mask is None else each.mask.mean())) for each in layers)


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    (tmp_path / "toy_for_budgets.py").write_text(TOY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr(budgeted, "find_budget", lambda arch, metric: Weights())

    def say(*words):
        monkeypatch.setattr(sys, "argv", ["crisp-prune", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            run()
        return ended.value.code or 0, *capsys.readouterr()

    yield say
    sys.modules.pop("toy_for_budgets", None)


@pytest.mark.train
def test_a_run_meets_its_budget_and_resumes_with_the_same_choice(call, tmp_path, monkeypatch):
    code, out, err = call(*RUN, "--out", "run.pt", "--ratios", "uniform")
    assert not code, err
    found = json.loads(out)
    budget = found["budget"]
    assert budget["arch"] == "crisp-stc" and budget["driver"] == "uniform" and budget["metric"] == "cycles"
    assert 0.5 * budget["dense"] < budget["cost"] <= 0.6 * budget["dense"]
    assert found["accuracy"][1]["sparsity"] == pytest.approx(found["target"], abs=1e-9)
    assert json.loads((tmp_path / "run-run" / "budget.json").read_text()) == budget

    def never(arch, metric):
        raise AssertionError("the choice was made before")

    monkeypatch.setattr(budgeted, "find_budget", never)
    code, _, err = call(*RUN, "--out", "run.pt", "--ratios", "uniform")
    assert code == 2 and "holds a run already" in err  # said before anything is searched for
    code, out, err = call(*RUN, "--out", "run.pt", "--ratios", "uniform", "--resume")
    assert not code and json.loads(out)["budget"] == budget
    (tmp_path / "run-run" / "budget.json").write_text("{}")
    code, out, err = call(*RUN, "--out", "run.pt", "--ratios", "uniform", "--resume")
    assert code == 2 and "budget.json: is damaged" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((*RUN, "--sparsity", "0.9"), "--sparsity and --budget both say how much to prune"),
        ((*RUN, "--max-sparsity", "*=0.9"), "--max-sparsity and --budget both say how much to prune"),
        ((*RUN, "--ratios", "best"), "--ratios 'best' is unknown; there are uniform"),
        (("run", *RUN[1:-4], "--arch", "stc"), "--arch has no effect without --budget"),
    ],
)
def test_what_does_not_go_together_is_refused(call, words, said):
    code, _, err = call(*words, "--out", "run.pt")
    assert code == 2 and said in err
