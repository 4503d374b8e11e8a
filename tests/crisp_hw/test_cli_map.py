"""`crisp-hw map`: exit codes, what is shown and what is written."""

import csv
import json
import re
import signal
from dataclasses import replace

import pytest
import yaml
from typer.testing import CliRunner

import crisp_hw.cli.map
import crisp_hw.mapper.parallel
from crisp_hw.cli import app
from crisp_hw.cli.map import share_of, size_of
from crisp_hw.errors import InputError
from crisp_hw.mapper.search import search

WRITTEN = ["map.txt", "map.yaml", "pareto.csv", "stats.json", "stats.txt"]
DOCUMENTS = {
    "architecture": {
        "version": "0.4",
        "subtree": [
            {
                "name": "system",
                "local": [
                    {"name": "DRAM[1..1]", "class": "DRAM", "attributes": {"width": 16, "word_bits": 16}},
                    {"name": "RF[1..1]", "class": "SRAM", "attributes": {"depth": 8, "width": 16, "word_bits": 16}},
                    {"name": "MAC[1..2]", "class": "intmac", "attributes": {"datawidth": 16, "meshX": 2}},
                ],
            }
        ],
    },
    "problem": {
        "shape": {
            "name": "gemv",
            "dimensions": ["M", "K"],
            "data_spaces": [
                {"name": "A", "projection": [[["M"]], [["K"]]]},
                {"name": "B", "projection": [[["K"]]]},
                {"name": "Z", "projection": [[["M"]]], "read_write": True},
            ],
        },
        "instance": {"M": 4, "K": 2},
    },
    "architecture_constraints": {"targets": [{"target": "RF", "type": "bypass", "bypass": ["A"]}]},
    "mapper": {"optimization_metrics": ["delay", "energy"]},
}


@pytest.fixture
def run(tmp_path):
    def run_with(*arguments, **documents):
        path = tmp_path / "all.yaml"
        path.write_text(yaml.safe_dump({**DOCUMENTS, **documents}))
        return CliRunner().invoke(app, ["map", str(path), "-o", str(tmp_path / "out"), *arguments])

    return run_with


def names(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_the_best_mapping_is_shown_and_written(run, tmp_path):
    done = run()
    assert done.exit_code == 0
    assert names(tmp_path / "out") == WRITTEN
    assert "gemv: the best mapping" in done.stdout
    assert "optimal over" in done.stdout
    assert (tmp_path / "out" / "map.txt").read_text() in done.stdout
    assert done.stdout.rstrip().endswith("<< Compute >>")
    assert "Cycles: 4\n" in (tmp_path / "out" / "stats.txt").read_text()


def test_json_is_the_file_and_says_how_it_was_found(run, tmp_path):
    data = json.loads(run("--format", "json").stdout)
    assert data == json.loads((tmp_path / "out" / "stats.json").read_text())
    search_data = data["search"]
    assert (search_data["objective"], search_data["keep_bypass_choices"]) == ("cycles", 4)
    assert search_data["tried"] >= search_data["valid"] > 0
    assert (search_data["proven"], search_data["interrupted"]) == (True, False)
    assert search_data["mapping"].startswith("DRAM[A B Z]")
    assert data["cycles"] == 4


def test_csv_is_the_front(run, tmp_path):
    (row,) = csv.DictReader(run("--format", "csv").stdout.splitlines())
    assert (tmp_path / "out" / "pareto.csv").read_text().splitlines()[1].startswith(f"4,{row['energy_pj']},1.0,DRAM[A")
    assert list(row) == ["cycles", "energy_pj", "utilization", "mapping"]


def test_the_objective_may_be_chosen(run):
    assert json.loads(run("--objective", "energy", "-f", "json").stdout)["search"]["objective"] == "energy"


def test_a_seed_that_draws_nothing_is_named(run):
    assert "--seed has no effect" in run("--seed", "3").stderr
    assert not any("--seed" in run(*words).stderr for words in ((), ("--seed", "3", "--budget", "2")))


def test_nothing_that_fits_is_exit_code_3_and_writes_nothing(run, tmp_path):
    keep = {"target": "RF", "type": "bypass", "keep": ["A", "B", "Z"]}
    big = {"target": "RF", "type": "temporal", "factors": "M=4 K=2"}
    done = run(architecture_constraints={"targets": [keep, big]})
    assert done.exit_code == 3
    assert "level RF needs 14 words of capacity and has 8, 6 too many" in done.stderr
    assert "RF temporal" in done.stderr
    assert done.stderr.count("\n") == 1
    assert names(tmp_path / "out") == []


def test_bad_input_is_exit_code_2_with_its_line(run, tmp_path):
    done = run(mapper={"optimization_metrics": ["delay"], "tiemout": 3})
    assert done.exit_code == 2
    assert "all.yaml:" in done.stderr
    assert "did you mean 'timeout'" in done.stderr
    assert run("--memory", "much").exit_code == 2
    assert run("--budget", "0").exit_code == 2
    assert names(tmp_path / "out") == []


@pytest.mark.parametrize(
    ("proven", "certificate", "said"),
    [
        (False, "interrupted: best of ", "interrupted: this is the best mapping so far, there may be better ones"),
        (True, "it meets a lower bound", "interrupted: no mapping has a better objective than this one"),
    ],
)
def test_an_interrupted_search_writes_the_best_so_far_and_says_so(
    run, tmp_path, monkeypatch, proven, certificate, said
):
    def interrupted(*arguments, **options):
        found = search(*arguments, **options)
        return replace(found, interrupted=True, proven=proven, gap=0.0 if proven else None)

    monkeypatch.setattr(crisp_hw.mapper.parallel, "search", interrupted)
    done = run()
    assert done.exit_code == 130
    assert names(tmp_path / "out") == WRITTEN
    assert certificate in " ".join(done.stdout.split())
    assert said in done.stderr
    assert json.loads((tmp_path / "out" / "stats.json").read_text())["search"]["interrupted"] is True


def when_something_is_known(monkeypatch, what):
    """Have the search meet `what` as soon as it tells of a mapping."""

    def met(*arguments, progress, **options):
        def tell(step):
            if step.best_cycles is not None:
                what()

        return search(*arguments, progress=tell, **options)

    monkeypatch.setattr(crisp_hw.mapper.parallel, "search", met)


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_a_search_that_is_told_to_end_writes_the_best_so_far(run, tmp_path, monkeypatch, signals_heard, sent, code):
    before = signal.getsignal(sent)
    when_something_is_known(monkeypatch, lambda: signal.raise_signal(sent))
    done = run()
    assert done.exit_code == code
    assert names(tmp_path / "out") == WRITTEN
    assert "interrupted: " in done.stderr
    assert signal.getsignal(sent) == before


def test_where_nobody_watches_a_line_now_and_then_says_how_far_a_search_is(run, monkeypatch):
    assert run().stderr.startswith("wrote ")  # none in the first seconds
    monkeypatch.setattr(crisp_hw.cli.output, "LINES_S", 0.0)
    assert re.search(r"^crisp-hw: .* of .* evaluated, best: 4 cycles, .* uJ", run().stderr, re.MULTILINE)
    assert run("-q").stderr == ""


def test_what_was_best_when_is_written_where_it_is_asked_for(run, tmp_path):
    done = run("--history", str(tmp_path / "over" / "time.csv"))
    assert done.exit_code == 0, done.stderr
    assert names(tmp_path / "out") == WRITTEN
    with (tmp_path / "over" / "time.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["seconds", "cycles", "energy_pj", "bound", "gap"]
    times = [float(row["seconds"]) for row in rows]
    assert times == sorted(times)
    figures = json.loads((tmp_path / "out" / "stats.json").read_text())
    assert int(rows[-1]["cycles"]) == figures["cycles"]
    assert float(rows[-1]["gap"]) == 0.0


def test_an_interrupt_before_anything_is_found_writes_nothing(run, tmp_path, monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(crisp_hw.mapper.parallel, "search", interrupted)
    done = run()
    assert done.exit_code == 130
    assert names(tmp_path / "out") == []


@pytest.mark.parametrize(
    ("text", "size"), [("1GiB", 2**30), ("512MiB", 2**29), ("2GB", 2 * 10**9), ("1.5K", 1500), ("64", 64)]
)
def test_sizes(text, size):
    assert size_of(text) == size


@pytest.mark.parametrize("text", ["", "GiB", "-1", "0", "1 TiB", "1I", "ten"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(InputError, match="is no size; write 1GiB"):
        size_of(text)


@pytest.mark.parametrize(("text", "share"), [("5%", 0.05), ("0.1", 0.1), (" 12.5 % ", 0.125), ("0", 0.0)])
def test_shares(text, share):
    assert share_of(text) == share


@pytest.mark.parametrize("text", ["", "-1%", "five", "5 percent", "%"])
def test_what_is_no_share_is_refused(text):
    with pytest.raises(InputError, match=r"is no share; write 5% or 0\.05"):
        share_of(text)


def test_python_gives_the_same_files(run, tmp_path):
    run()
    best = crisp_hw.find_mapping(tmp_path / "all.yaml")
    assert {name: (tmp_path / "out" / name).read_text() for name in WRITTEN} == best.texts()
    assert names(best.save(tmp_path / "again")[0].parent) == WRITTEN
    assert (best.found.cycles, best.found.energy_pj) == (best.result.cycles, best.result.energy_pj)


def test_python_draws_the_mapping(run, tmp_path):
    run()
    best = crisp_hw.find_mapping(tmp_path / "all.yaml")
    drawn = best.plot(width="column", save=tmp_path / "mapping.svg")
    (axes,) = drawn.axes
    shown = [text.get_text() for text in axes.texts]
    kept, loops = (tmp_path / "out" / "map.txt").read_text(), [line for line in shown if line.strip().startswith("for")]
    assert kept.count("for ") == len(loops) + sum(line.strip().startswith("across") for line in shown)
    assert {"DRAM", "RF", "MAC", "A: 4 x 2 = 8"} <= set(shown)
    assert drawn.legends[0].get_title().get_text() == "gemv: 4 cycles, bound by MAC"
    assert ">DRAM</text>" in (tmp_path / "mapping.svg").read_text()
    with pytest.raises(InputError, match="no figure totals of one mapping; choose one of mapping"):
        best.plot("totals")
