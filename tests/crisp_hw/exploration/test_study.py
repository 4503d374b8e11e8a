"""Studies as a whole: what is judged, what is kept, what comes of it."""

import json
from pathlib import Path

import pytest
from exploring import SPACE, TABLE

import crisp_hw
from crisp_hw.data_files import data_folder
from crisp_hw.errors import InputError
from crisp_hw.exploration import judge as judging
from crisp_hw.exploration.curve import curve_of
from crisp_hw.spec.accelerator import changed
from crisp_hw.spec.layer import Workload


@pytest.fixture(scope="module")
def study():
    return crisp_hw.explore(TABLE, space=SPACE)


def test_a_point_costs_what_evaluate_says(study):
    frame = study.to_frame()
    assert len(frame) == 12 and set(frame["state"]) == {"feasible"}
    one = frame.iloc[5]
    arch = crisp_hw.load_arch("crisp-stc").replace(smem_bandwidth=int(one["smem_bandwidth"]), rf_kb=int(one["rf_kb"]))
    totals = crisp_hw.evaluate(TABLE, arch, nm=one["nm"]).totals().iloc[0]
    for key in ("cycles", "energy_uj", "on_chip_mm2", "speedup", "edp_uj_ms"):
        assert one[key] == totals[key]
    assert one["area_mm2"] == totals["on_chip_mm2"]


def test_the_front_is_that_of_brute_force(study):
    frame = study.to_frame()
    costs = frame[["cycles", "energy_uj", "area_mm2"]].to_numpy()
    beaten = [any((b <= a).all() and (b < a).any() for b in costs) for a in costs]
    assert sorted(study.pareto()["trial"]) == [place for place, lost in enumerate(beaten) if not lost]


def test_the_best_is_the_least_where_a_condition_holds(study):
    frame = study.to_frame()
    assert study.best()["cycles"] == frame["cycles"].min()
    assert study.best("speedup")["speedup"] == frame["speedup"].max()
    narrow = study.best("energy_uj", where="smem_bandwidth < 16 and nm == '2:4'")
    chosen = frame[(frame["smem_bandwidth"] < 16) & (frame["nm"] == "2:4")]
    assert narrow["energy_uj"] == chosen["energy_uj"].min() and narrow["nm"] == "2:4"
    with pytest.raises(InputError, match="no point of 12 is the best"):
        study.best(where="smem_bandwidth > 100")
    with pytest.raises(InputError, match="no figure 'cycels'"):
        study.best("cycels")
    with pytest.raises(InputError, match="where reads aera_mm2, which is no axis and no figure; did you mean area_mm2"):
        study.best(where="aera_mm2 < 1")
    with pytest.raises(InputError, match="where is 5"):
        study.best(where=5)


def test_it_tells_itself_in_a_few_lines(study):
    first, *rest = repr(study).splitlines()
    assert first == "Study of two: 12 points, 12 of them feasible" and len(rest) == 4


def test_what_does_not_fit_stays_with_its_reason():
    found = crisp_hw.explore(TABLE, space={"smem_kb": [0.001, 64], "cores": [4, 8]}, conditions=["cores < 8"], nm="2:4")
    states = found.to_frame().set_index(["smem_kb", "cores"])[["state", "reason"]]
    assert states.loc[(64, 4), "state"] == "feasible"
    assert states.loc[(64, 8), "reason"] == "the condition cores < 8 does not hold"
    assert "not a whole number of vectors" in states.loc[(0.001, 4), "reason"]


def test_nothing_is_judged_twice(tmp_path, monkeypatch):
    first = crisp_hw.explore(TABLE, space=SPACE, store=tmp_path)
    monkeypatch.setattr("crisp_hw.exploration.judge._figures", lambda *_: pytest.fail("judged again"))
    again = crisp_hw.explore(TABLE, space=SPACE, store=tmp_path)
    assert again.to_frame().equals(first.to_frame())
    part = crisp_hw.explore(
        TABLE, space={"rf_kb": [2], "nm": ["1:4"], "smem_bandwidth": [16]}, store=tmp_path, method="random", trials=5
    )
    assert part.to_frame()["cycles"].nunique() == 1


def test_another_network_accelerator_or_option_is_judged_anew(tmp_path):
    ask = {"space": {"smem_bandwidth": [8, 16]}, "store": tmp_path, "nm": "2:4"}
    first = crisp_hw.explore(TABLE, **ask)
    seen = []
    for change in (
        {"base": "stc"},
        {"nm": "1:4"},
        {"block": 16, "sparsity": 0.8},
        {"overheads": False},
        {"layers": "a"},
    ):
        crisp_hw.explore(TABLE, **{**ask, **change}, progress=lambda *told: seen.append(told))
    assert len(seen) == 10
    crisp_hw.explore(TABLE, **ask, progress=lambda *told: seen.append(told))
    assert len(seen) == 10 and len(first) == 2


def test_an_interrupt_keeps_all_there_is(tmp_path):

    def stop(done, many, judged):
        if done == 7:
            raise KeyboardInterrupt

    ask = {"space": SPACE, "store": tmp_path, "method": "tpe", "trials": 12, "batch": 4}
    found = crisp_hw.explore(TABLE, **ask, progress=stop)
    assert found.interrupted and 4 < len(found) < 12
    seen = []
    whole = crisp_hw.explore(TABLE, **ask, progress=lambda done, *_: seen.append(done))
    assert whole.to_frame().equals(crisp_hw.explore(TABLE, **{**ask, "store": None}).to_frame())
    assert len(whole) == 12 and len(seen) < 12 - 5


def test_accelerators_networks_and_options_are_axes():
    other = crisp_hw.load_arch("stc").replace(name="own", smem_kb=64)
    found = crisp_hw.explore(
        TABLE,
        space={
            "network": [TABLE, "lenet"] if "lenet" in crisp_hw.list_workloads() else [TABLE],
            "arch": ["stc", other],
            "objective": ["cycles", "energy"],
        },
        nm="2:4",
    ).to_frame()
    assert (
        set(found["arch"]) == {"stc", "own"}
        and set(found["network"]) == {"two"}
        and set(found["state"]) == {"feasible"}
    )
    alone = crisp_hw.evaluate(TABLE, other, nm="2:4", objective="energy").totals().iloc[0]
    one = found[(found["arch"] == "own") & (found["objective"] == "energy")].iloc[0]
    assert one["energy_uj"] == alone["energy_uj"] and one["cycles"] == alone["cycles"]


def test_accuracy_and_energy_are_weighed_together():
    curve = {0.5: 0.76, 0.7: 0.72}
    space = {"sparsity": [0.5, 0.6, 0.7, 0.75], "smem_bandwidth": [8, 32]}
    found = crisp_hw.explore(
        TABLE, space=space, nm="2:4", block=16, accuracy=curve, objectives=("edp_uj_ms", "accuracy")
    )
    frame = found.to_frame().set_index(["sparsity", "smem_bandwidth"])
    assert frame.loc[(0.6, 8), "accuracy"] == pytest.approx(0.74)
    assert "accuracy at sparsity 0.75 is not known" in frame.loc[(0.75, 8), "reason"]
    front = found.pareto()
    assert front["edp_uj_ms"].is_monotonic_increasing and front["accuracy"].is_monotonic_increasing


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"space": {"smem_ports": [1]}}, "axis smem_ports is no number of crisp-stc"),
        ({"space": {"cores": [4]}, "objectives": "cycels"}, "cycels"),
        ({"space": {"cores": [4]}, "objectives": ("accuracy",)}, "accuracy is not known"),
        ({"space": {"cores": [4]}, "objectives": ("cycles", "cycles")}, "given twice"),
        ({"space": {"cores": [4]}, "trials": 0}, "trials is 0"),
        ({"space": {"cores": [4]}, "batch": 0}, "batch is 0"),
        ({"space": {"cores": [4]}, "batch": 4}, "batch 4 has no effect on grid"),
        ({"space": {"cores": [4]}, "method": "random", "batch": 4}, "batch 4 has no effect on random"),
        ({"space": {"cores": {"low": 1, "high": 9.5}}}, "no end of values"),
        ({"space": {"cores": [4]}, "jobs": 3}, "jobs has no effect on a study"),
        ({"space": {"cores": [4]}, "accuracy": 3}, "accuracy is 3"),
        ({"space": {"objective": ["cycels"]}}, "cycels"),
        ({"space": {"objective": ["cycles"]}, "objective": "edp"}, "objective has no effect beside the axis"),
        ({"space": {"cores": [-1, 0.5]}}, "cores must be a positive number, not -1"),
        ({"space": {"cores": ["four"]}}, "cores must be a positive number, not 'four'"),
        ({"space": {"block": ["sixteen"]}}, "block"),
        ({"space": {"arch": ["stc"]}, "base": "dense"}, "base dense has no effect beside axis arch"),
        ({"space": {"network": ["resnet50"]}}, "network two has no effect beside axis network"),
        ({"space": {"arch": {"low": 1, "high": 3, "step": 1}}}, "axis arch lists no values"),
        ({"space": {"energy": ["referense"]}}, "no energy table referense"),
    ],
)
def test_what_cannot_be_explored_is_refused(asked, said):
    with pytest.raises(InputError, match=said):
        crisp_hw.explore(TABLE, **asked)


@pytest.mark.parametrize("kind", ["pareto", "sensitivity", "parallel"])
def test_figures_show_every_feasible_point(study, kind, tmp_path):
    drawn = study.plot(kind, width="column", save=tmp_path / "study.svg")
    lines = [line for axes in drawn.axes for line in axes.get_lines()]
    match kind:
        case "pareto":
            assert len(drawn.axes) == 3 and [len(line.get_xdata()) for line in lines[:2]] == [12, len(study.pareto())]
        case "sensitivity":
            assert [len(axes.patches) for axes in drawn.axes] == [3, 3, 3]
            assert all(0 <= bar.get_width() <= 1 for axes in drawn.axes for bar in axes.patches)
        case "parallel":
            assert sum(len(line.get_xdata()) == 6 for line in lines) == 12
    assert (tmp_path / "study.svg").read_text().startswith("<?xml")


def test_a_figure_that_there_is_not_is_told(study):
    with pytest.raises(InputError, match="no figure pie; choose one of pareto, sensitivity, parallel"):
        study.plot("pie")


def test_energies_are_an_axis_and_what_an_accelerator_lacks_is_a_reason(tmp_path):
    own, table = tmp_path / "own.yaml", (data_folder("arch") / "energy" / "reference.yaml").read_text()
    own.write_text(table.replace("name: reference", "name: own"))
    energies = [None, "reference", str(own)]
    ask = {"nm": "2:4", "objectives": ("cycles", "energy_uj")}
    found = crisp_hw.explore(TABLE, space={"energy": energies, "cores": [4]}, **ask).to_frame()
    for energy, told in zip(energies, found["energy_uj"], strict=True):
        arch = crisp_hw.load_arch("crisp-stc", energy).replace(cores=4)
        assert told == crisp_hw.evaluate(TABLE, arch, nm="2:4").totals().iloc[0]["energy_uj"]
    space = {"arch": ["crisp-stc", "systolic"], "energy": ["reference"]}
    both = crisp_hw.explore(TABLE, space=space, **ask).to_frame()
    assert both["state"].tolist() == ["feasible", "infeasible"] and "needs" in both["reason"][1]


def test_an_axis_of_accelerators_that_concerns_some_points_leaves_the_base_to_the_others():
    space = {"nm": ["2:4", "1:4"], "arch": {"values": ["stc"], "when": "nm == '2:4'"}}
    found = crisp_hw.explore(TABLE, base="dense", space=space).to_frame()
    cycles = [
        crisp_hw.evaluate(TABLE, arch, nm=nm).totals().iloc[0]["cycles"]
        for nm, arch in (("2:4", "stc"), ("1:4", "dense"))
    ]
    assert found["cycles"].tolist() == cycles and found["arch"].fillna("").tolist() == ["stc", ""]


def test_networks_stand_in_the_space_alone():
    other = Workload("one", TABLE.layers[:1])
    found = crisp_hw.explore(None, space={"network": [TABLE, other]}, nm="2:4")
    assert found.to_frame()["network"].tolist() == ["two", "one"]


MEASURED = {"study": str(Path(__file__).parents[3] / "benchmarks" / "results" / "sparsity-four-classes.json")}


def test_the_accuracies_of_a_study_of_pruning_are_a_curve():
    found = curve_of({**MEASURED, "method": "CRISP 2:4, block 16"})
    assert found.sparsities == (0.8, 0.9, 0.94)
    cells = json.loads(Path(MEASURED["study"]).read_text())["cells"]
    mine = [each["top1_classes"] for each in cells if each["method"] == "CRISP 2:4, block 16" and each["target"] == 0.9]
    assert len(mine) == 3 and found.at(0.9) == pytest.approx(sum(mine) / 3)
    assert curve_of({**MEASURED, "method": "block 32", "figure": "top1_all"}).at(0.8) != found.at(0.8)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"method": "CRISP 2:4, block 61"}, "did you mean CRISP 2:4, block 16"),
        ({"method": "dense"}, "no pruned network of method dense"),
        ({"study": __file__}, "is no results.json of a study"),
        ({"figure": "top5"}, "there are top1_classes, top1_all"),
        ({"methods": "dense"}, "method"),
        ({"method": None}, "accuracy is a dict"),
    ],
)
def test_what_is_no_curve_of_a_study_is_refused(change, said):
    with pytest.raises(InputError, match=said):
        curve_of({**MEASURED, "method": "block 16", **change})


def test_an_accelerator_is_characterized_once_for_the_points_that_share_it(monkeypatch):
    made = []

    def counted(base, numbers):
        made.append(numbers)
        return changed(base, numbers)

    monkeypatch.setattr(judging, "changed", counted)
    study = crisp_hw.explore(TABLE, space={"smem_kb": [64, 128], "nm": ["1:4", "2:4", None]})
    assert len(study) == 6 and sorted(each["smem_kb"] for each in made) == [64, 128]
