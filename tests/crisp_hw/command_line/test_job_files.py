"""Job files: every option of a command in YAML, read strictly, with the command line above them."""

from dataclasses import replace
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from crisp_hw import cli as hw
from crisp_hw.command_line.job_files import FOLDER_OR_FACTORY, NAME_OR_FILE, entries_of, read_job
from crisp_hw.command_line.program import commands_of
from crisp_hw.errors import InputError
from crisp_prune import cli as prune

PROGRAMS = {"crisp-hw": hw.app, "crisp-prune": prune.app}
ALL = [(program, words) for program, app in PROGRAMS.items() for words, _ in commands_of(app)]
FC = "source: resnet50\nlayers: fc\narch: stc\n"


def run(*words, program="crisp-hw", code=0):
    result = CliRunner().invoke(PROGRAMS[program], [str(word) for word in words], prog_name=program)
    assert result.exit_code == code, result.output
    return result


def leaf(program, words):
    found = get_command(PROGRAMS[program])
    for word in words.split():
        found = found.commands[word]
    return found


def entries(program, words):
    from typer import Context

    command = leaf(program, words)
    return entries_of(command, Context(command, info_name=words))


@pytest.fixture
def job(tmp_path):
    def put(text, name="job.yaml"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text)
        return path

    return put


@pytest.mark.parametrize(("program", "words"), ALL)
def test_every_option_of_every_command_has_its_key(program, words):
    keys = set(entries(program, words))
    unheard = {"config", "help"}
    for each in leaf(program, words).params:
        flags = {name.lstrip("-") for name in each.opts if name.startswith("--")}
        assert not flags or flags & (keys | unheard), flags  # one of them is the key where an option has several
    arguments = [each for each in leaf(program, words).params if each.param_type_name == "argument"]
    assert len(keys) == len([each for each in leaf(program, words).params if each.name not in unheard])
    assert len(arguments) <= len(keys)


def test_a_job_is_the_command_line_that_it_spells(job):
    text = f"{FC}set: [smem_bandwidth=32, rf_kb=2]\nnm: 2:4\nsparsity: 0.5\nobjective: energy\nblock-index: false\n"
    spelled = (
        "resnet50",
        "--layers",
        "fc",
        "-a",
        "stc",
        "--set",
        "smem_bandwidth=32",
        "--set",
        "rf_kb=2",
        "--nm",
        "2:4",
    )
    more = ("--sparsity", "0.5", "--objective", "energy", "--no-block-index", "-f", "json")
    by_job = run("evaluate", "--config", job(text), "-f", "json").stdout
    assert by_job == run("evaluate", *spelled, *more).stdout != ""


def test_what_must_be_given_may_stand_in_the_file(job, tmp_path):
    run("bundle", "--config", job(f"{FC}out: made/result.zip\n"))
    assert (tmp_path / "made" / "result.zip").is_file()
    run("arch", "copy", "--config", job("name: stc\nfile: stc.yaml\nforce: true\n"))
    run("arch", "check", "--config", job("files: [stc.yaml]\n"))


def test_the_command_line_has_priority_and_v_says_over_what(job):
    path = job(f"{FC}format: csv\nquiet: true\n")
    said = run("evaluate", "vgg16", "--layers", "*.6", "--config", path, "-f", "json", "-v")
    assert said.stdout == run("evaluate", "vgg16", "--layers", "*.6", "-a", "stc", "-f", "json").stdout
    lines = [line for line in said.stderr.splitlines() if "overridden" in line]
    assert [line.rpartition("/")[2] for line in lines] == [
        "job.yaml:1: source is overridden by the command line",
        "job.yaml:2: layers is overridden by the command line",
        "job.yaml:4: format is overridden by the command line",
        "job.yaml:5: quiet is overridden by the command line",
    ]
    assert run("evaluate", "vgg16", "--layers", "*.6", "--config", path, "-f", "json").stderr == ""


@pytest.mark.slow
def test_paths_begin_at_the_folder_of_the_file(job, tmp_path, monkeypatch):
    run("arch", "new", "mine", "-o", tmp_path / "deep" / "mine.yaml")
    run("workload", "copy", "vgg16", tmp_path / "deep" / "net.yaml")
    text = "source: net.yaml\nlayers: '*.6'\narch: [mine.yaml, 'mine.yaml:cores=2', stc]\nout: results\nplot: false\n"
    path = job(text, "deep/job.yaml")
    monkeypatch.chdir("/")
    found = run("evaluate", "--config", path, "-f", "csv").stdout
    assert [line.partition(",")[0] for line in found.splitlines()] == ["arch", "mine", "mine[cores=2]", "stc"] or found
    assert (tmp_path / "deep" / "results" / "result.json").is_file()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("source: resnet50\narchs: stc\n", "job.yaml:2: job.archs: is not known here; did you mean arch?"),
        ("source: resnet50\nconfig: other.yaml\n", "job.yaml:2: job.config: is not known here"),
        ("objective: speed\n", "job.yaml:1: job.objective: should be cycles, energy or edp, found 'speed'"),
        ("nm: 2:4\nsparsity: much\n", "job.yaml:2: job.sparsity: should be a number, found 'much'"),
        ("set: {rf_kb: 2}\n", "job.yaml:1: job.set: should be a list, found a mapping of 1 keys"),
        ("cache: maybe\n", "job.yaml:1: job.cache: should be true or false, found 'maybe'"),
        ("block: 6.5\n", "job.yaml:1: job.block"),
        ("jobs: 1\njobs: 2\n", "job.yaml:2: the key 'jobs' is there already, in line 1"),
        ("layers: ''\n", "job.layers: is empty"),
        ("- a\n", "is not a mapping of fields"),
        ("", "the file is empty"),
        ("a: [", "job.yaml:"),
    ],
)
def test_what_a_job_may_not_say_is_refused_with_its_line(job, text, said):
    refused = run("evaluate", "--config", job(text), code=2)
    assert refused.stdout == "" and said in refused.stderr and refused.stderr.count("\n") == 1


def test_a_job_that_is_not_there_is_refused():
    assert "gone.yaml: cannot be read" in run("evaluate", "--config", "gone.yaml", code=2).stderr


def test_the_format_of_a_job_holds_for_its_errors(job):
    assert '"kind": "InputError"' in run("evaluate", "--config", job("source: bert\nformat: json\n"), code=2).stdout


def test_a_number_below_the_least_is_refused_with_its_line(job):
    assert "job.yaml:1: job.budget" in run("map", "a.yaml", "--config", job("budget: 0\n"), code=2).stderr


def test_options_of_crisp_prune(job, tmp_path):
    text = "model: my_model:build\ndata: images\nvalidate: my_data:validation\nout: run.pt\nrole: ['5=nm']\nlr: 0.5\n"
    found = read_job(job(text), entries("crisp-prune", "run"), frozenset({"lr"}))
    assert found.options[:3] == ("--model=my_model:build", f"--data={tmp_path}/images", f"--out={tmp_path}/run.pt")
    assert "--validate=my_data:validation" in found.options and "--role=5=nm" in found.options
    assert len(found.overridden) == 1 and not any(each.startswith("--lr") for each in found.options)
    refused = run("run", "--config", job("modle: x\n"), program="crisp-prune", code=2)
    assert "job.modle: is not known here; did you mean model?" in refused.stderr


def test_texts_that_are_paths():
    files = ["a.yaml", "a/b.yml", "run.pt", "mine.yaml:cores=2"]
    assert [NAME_OR_FILE.found_in(text) for text in (*files, "resnet50", "crisp-stc:cores=2")] == [True] * 4 + [
        False
    ] * 2
    assert [FOLDER_OR_FACTORY.found_in(text) for text in ("images", "a.b:c")] == [True, False]


def test_a_key_that_is_no_option_of_any_command_is_refused_by_the_reader(job):
    with pytest.raises(InputError, match="is not known here"):
        read_job(Path(job("nothing: 1\n")), entries("crisp-hw", "doctor"), frozenset())


def test_a_run_of_crisp_prune_keeps_a_job_file_that_says_the_same(tmp_path, monkeypatch):
    from crisp_prune.options import job_text

    words = "--model a:b --data images --validate a:c --out made/run.pt --nm 1:4 --block 8 --role 5=nm --raw-pixels"
    more = "--max-sparsity *.1=0.9 --image-size 32 --lr 0.0001 --weights start.pt --classes random:3 --online"

    seen = []
    monkeypatch.setattr("crisp_prune.cli.commands._run", lambda job, resume, form: seen.append(job))
    monkeypatch.chdir(tmp_path)
    run("run", *words.split(), *more.split(), program="crisp-prune")
    job = seen[0]
    job.run_dir.mkdir(parents=True)
    (job.run_dir / "job.yaml").write_text(job_text(job))
    run("run", "--config", job.run_dir / "job.yaml", program="crisp-prune")
    again = seen[1]
    where = {"data": "images", "out": "made/run.pt", "run_dir": "made/run-run", "weights": "start.pt"}
    for name, path in where.items():
        assert Path(getattr(again, name)).resolve() == tmp_path / path == Path(getattr(job, name)).resolve()
    same = {name: getattr(job, name) for name in where}
    assert replace(again, **same) == job


@pytest.mark.parametrize(("said", "code"), [("0.9", 0), ("1", 2), ("max", 0), ("most", 2), ("[0.9]", 2)])
def test_a_number_or_a_word_for_one_may_stand_in_a_job_file(tmp_path, monkeypatch, said, code):
    seen = []
    monkeypatch.setattr("crisp_prune.cli.commands._run", lambda job, resume, form: seen.append(job))
    path = tmp_path / "job.yaml"
    path.write_text(f"model: a:b\ndata: images\nnm: '2:4'\nblock: 8\nout: run.pt\nsparsity: {said}\n")
    run("run", "--config", path, program="crisp-prune", code=code)
    assert [str(job.config.sparsity) for job in seen] == ([said] if code == 0 else [])
