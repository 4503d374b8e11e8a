"""The backend on programs that stand in for Timeloop: as recorded, and with everything that can go wrong."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from crisp_hw.backends import backend
from crisp_hw.backends.timeloop import Settings, ToolError, run, run_documents, run_point
from crisp_hw.characterization.accelergy_run import CONFIG
from crisp_hw.engine.evaluate import evaluate
from crisp_hw.errors import InputError
from crisp_hw.machine import process
from crisp_hw.validation.results import Tolerance, compare_results

from .conftest import VALID

pytestmark = pytest.mark.process

STATS, NEST, XML = (f"timeloop-model.{end}" for end in ("stats.txt", "map.txt", "map+stats.xml"))


def kept_log(message):
    return Path(re.search(r"kept in (\S+)", message)[1])


@pytest.mark.parametrize("name", (*VALID, "network"))
def test_recorded_figures_are_the_embedded_ones(name, replaying, point_of):
    replaying(name)
    point = point_of(name)
    assert compare_results(evaluate(point), backend("timeloop")(point)) == []


@pytest.mark.parametrize("name", (*VALID, "network"))
def test_so_are_those_of_stats_alone(name, replaying, point_of):
    replaying(name, lambda file, text: text if file == STATS else None)
    found = backend("timeloop")(point_of(name))
    assert compare_results(evaluate(point_of(name)), found, Tolerance(rounded=True)) == []
    assert any("rounded to two decimals" in note for note in found.assumptions)


def test_a_wrong_count_is_found(replaying, point_of):
    def edit(file, text):
        return re.sub(r"(Actual scalar reads \(per-instance\) +: )(\d+)", r"\g<1>1\2", text) if file == STATS else None

    replaying("stc", edit)
    differences = compare_results(
        evaluate(point_of("stc")), backend("timeloop")(point_of("stc")), Tolerance(rounded=True)
    )
    assert "LRF A random_reads" in {each.what for each in differences}


def test_nothing_is_left_of_a_run(replaying, point_of, tmp_path):
    replaying("dense")
    run_point(point_of("dense"))
    assert list(tmp_path.glob("crisp-hw-timeloop-*")) == []


def test_the_documents_run_unchanged(stand_in, point_of, recorded, tmp_path):
    copy = tmp_path / "seen"
    copy.mkdir()
    stand_in(f"import shutil, sys\nfor name in sys.argv[1:]: shutil.copy(name, {str(copy)!r})\nraise SystemExit(1)")
    documents = recorded("stc")["documents"]
    with pytest.raises(ToolError):
        run_documents(documents, point_of("stc"))
    assert {path.name: path.read_text() for path in copy.iterdir()} == documents


def test_what_does_not_fit_is_an_invalid_result(replaying, point_of):
    replaying("too-small")
    found = backend("timeloop")(point_of("too-small"))
    assert not found.valid
    assert found.reasons == ("level RF: 1024 words of capacity needed, 10 there",)
    assert compare_results(evaluate(point_of("too-small")), found) == []


def test_a_missing_rank_is_an_invalid_result(replaying, point_of, recorded):
    replaying("too-few-ranks")
    found = run_documents(recorded("too-few-ranks")["documents"], point_of("stc")).result
    assert not found.valid
    assert "fewer ranks" in found.reasons[0]


def test_contradicting_safs_are_an_invalid_result(stand_in, point_of):
    stand_in("print(' illegal operand probability, can be due to rounding', flush=True)\nimport os; os.abort()")
    found = backend("timeloop")(point_of("stc"))
    assert not found.valid
    assert "more computes than the zeros" in found.reasons[0]


@pytest.mark.parametrize(
    ("name", "words"),
    [("unknown-action", "action optimization type not recognized"), ("missing-key", "the key 'mapping' is missing")],
)
def test_refused_documents_are_named_and_kept(name, words, replaying, point_of, recorded):
    replaying(name)
    with pytest.raises(InputError, match=words) as caught:
        run_documents(recorded(name)["documents"], point_of("stc"))
    log = kept_log(str(caught.value))
    assert log.read_text().strip() == recorded(name)["log"].strip()
    assert {path.name for path in log.parent.glob("*.yaml")} == recorded(name)["documents"].keys()


def test_a_crash_is_named_and_its_log_kept(replaying, point_of, recorded):
    replaying("aborts")
    with pytest.raises(ToolError, match=r"died of SIGABRT \(uncaught std::out_of_range: map::at\)") as caught:
        run_documents(recorded("aborts")["documents"], point_of("stc"))
    assert "map::at" in kept_log(str(caught.value)).read_text()


def test_a_hang_is_ended(stand_in, point_of):
    stand_in("import time\nprint('thinking', flush=True)\ntime.sleep(60)")
    with pytest.raises(ToolError, match="without a result; allow more time") as caught:
        run_point(point_of("stc"), Settings(limit_s=0.5))
    assert kept_log(str(caught.value)).read_text() == "thinking\n"


def test_a_flood_is_ended(stand_in, point_of, monkeypatch):
    monkeypatch.setattr(process, "LOG_BYTES", 50_000)
    stand_in("while True: print('x' * 1000)")
    with pytest.raises(ToolError, match="printed more than"):
        run_point(point_of("stc"))


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("pass", "ended without an error, but wrote no timeloop-model.stats.txt"),
        ("raise SystemExit(7)", "ended with status 7 without saying why"),
        (f"open({STATS!r}, 'w').write('')", "holds no level"),
        (f"open({STATS!r}, 'wb').write(bytes(range(256)) * 99)", "holds no level"),
        (f"import os; os.mkdir({STATS!r})", "wrote no timeloop-model.stats.txt"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "died of SIGSEGV"),
    ],
)
def test_output_that_is_none(code, words, stand_in, point_of):
    stand_in(code)
    with pytest.raises(ToolError, match=words):
        run_point(point_of("stc"))


def test_output_that_is_too_long(stand_in, point_of, monkeypatch):
    monkeypatch.setattr(run, "_OUTPUT_BYTES", 1000)
    stand_in(f"open({STATS!r}, 'w').write('x' * 2000)")
    with pytest.raises(ToolError, match=r"into timeloop-model.stats.txt, more than"):
        run_point(point_of("stc"))


@pytest.mark.parametrize("file", [STATS, XML])
def test_output_that_is_cut_off(file, replaying, point_of):
    replaying("stc", lambda name, text: text[: len(text) // 3] if name == file else text)
    with pytest.raises(ToolError, match="did not finish it"):
        run_point(point_of("stc"))


def test_another_mapping_than_asked_for_is_refused(replaying, point_of):
    replaying("stc", lambda name, text: text.replace("[0:4)", "[0:2)") if name == NEST else text)
    with pytest.raises(ToolError, match="ran the loops"):
        run_point(point_of("stc"))


def test_the_table_that_accelergy_made_is_read(replaying, point_of, recorded):
    replaying("stc")
    assert run_point(point_of("stc")).energy is None
    documents = recorded("stc")["documents"]
    bare = {name: text for name, text in documents.items() if name not in ("ERT.yaml", "ART.yaml")}
    made = {f"timeloop-model.{name}": documents[name] for name in ("ERT.yaml", "ART.yaml")}
    replaying("stc", documents=bare, files={**recorded("stc")["files"], **made})
    found = run_documents(bare, point_of("stc"))
    assert dict(found.energy.actions) == dict(point_of("stc").design.energy.actions)
    assert found.tables == made


@pytest.mark.parametrize("home", [None, "missing", "there", "configured"])
def test_accelergy_finds_a_home_that_it_can_write(home, stand_in, point_of, tmp_path, monkeypatch):
    stand_in(f"import os\nopen({str(tmp_path / 'home-seen')!r}, 'w').write(os.environ['HOME'])\nraise SystemExit(7)")
    place = tmp_path / str(home)
    if home in ("there", "configured"):
        place.mkdir()
    if home == "configured":
        (place / CONFIG).parent.mkdir(parents=True)
        (place / CONFIG).touch()
    if home is None:
        monkeypatch.delenv("HOME")
    else:
        monkeypatch.setenv("HOME", str(place))
    with pytest.raises(ToolError, match="ended with status 7"):
        run_point(point_of("stc"))
    seen = (tmp_path / "home-seen").read_text()
    assert (seen == str(place)) == (home in ("there", "configured"))
    assert seen.startswith(str(tmp_path))


def test_another_dialect_is_refused(point_of):
    point = point_of("stc")
    other = replace(point, design=replace(point.design, dialect="micro22"))
    with pytest.raises(InputError, match="cannot speak the dialect micro22"):
        run_documents({}, other)


@pytest.mark.parametrize("name", ["../a.yaml", "a.txt", "-o.yaml", "x/a.yaml"])
def test_names_that_are_no_documents(name, replaying, point_of):
    replaying("stc")
    with pytest.raises(InputError, match="plain file name"):
        run_documents({name: "mapping: []"}, point_of("stc"))


def test_no_timeloop_at_all(point_of, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match="is not installed") as caught:
        run_point(point_of("stc"))
    assert caught.value.exit_code == 4


def test_the_mapper_gets_a_space_of_one(stand_in, point_of, tmp_path):
    copy = tmp_path / "seen"
    copy.mkdir()
    code = f"import shutil, sys\nfor name in sys.argv[1:]: shutil.copy(name, {str(copy)!r})\nraise SystemExit(1)"
    stand_in(code, "timeloop-mapper")
    with pytest.raises(ToolError, match="timeloop-mapper: ended with status 1"):
        run_point(point_of("stc"))
    names = {path.name for path in copy.iterdir()}
    assert {"constraints.yaml", "mapper.yaml"} <= names
    assert "mapping.yaml" not in names
