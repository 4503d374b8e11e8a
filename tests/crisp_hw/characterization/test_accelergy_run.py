"""Accelergy where it may not write: its home, its plug-ins, and what is kept of its answers."""

import json
import shutil
from pathlib import Path

import pytest

from crisp_hw.accelerators import load_arch
from crisp_hw.characterization.accelergy import KIND, RECORD, ask_accelergy
from crisp_hw.characterization.accelergy_run import CONFIG, fingerprint
from crisp_hw.characterization.components import circuits
from crisp_hw.errors import InputError
from crisp_hw.machine.store import Store, cache_folder, info

pytestmark = pytest.mark.process

RECORDED = Path(__file__).with_name("accelergy")
EDGE = load_arch("crisp-stc")
PARTS = circuits(EDGE.architecture, EDGE.constraints.keeps)
# As Accelergy does: a configuration is made in the home where there is none, and CACTI's plug-in writes beside itself.
# Whoever runs the tests may write everywhere (root), so a folder without the bit counts as one that refuses.
BODY = """echo run >> {runs}
config=$HOME/.config/accelergy/accelergy_config.yaml
refuse() {{ echo "PermissionError: [Errno 13] Permission denied: '$1'"; exit 1; }}
[ -n "$(find "$HOME" -maxdepth 0 -perm -u+w)" ] || refuse "$HOME/.config"
mkdir -p "$HOME/.config/accelergy"
[ -f "$config" ] || echo '{{"version": 0.4, "estimator_plug_ins": ["{plug_ins}"]}}' > "$config"
place=$(sed -n 's/.*"estimator_plug_ins": *\\["\\([^"]*\\)".*/\\1/p' "$config")
[ -f "$place/cacti.estimator.yaml" ] || {{ echo "Can not find an energy estimator for SRAM.read()"; exit 1; }}
[ -n "$(find "$place" -maxdepth 0 -perm -u+w)" ] || {{ {refusal}; }}
echo asked > "$place/SRAM.cfg"
mkdir out && cp {recorded}/*.yaml out
"""
LOUD, SILENT = 'refuse "$place/SRAM.cfg"', 'echo "Can not find an energy estimator for SRAM.read()"; exit 1'


@pytest.fixture
def accelergy(executable, tmp_path, monkeypatch):
    """The command, its plug-ins as they are installed, and the home of the user; each may be shut."""
    (tmp_path / "bin").mkdir()
    plug_ins, home, runs = tmp_path / "plug-ins", tmp_path / "home", tmp_path / "runs"
    plug_ins.mkdir()
    home.mkdir()
    (plug_ins / "cacti.estimator.yaml").write_text("version: 0.4\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")

    def install(refusal=LOUD, configured=False):
        text = BODY.format(runs=runs, plug_ins=plug_ins, recorded=RECORDED, refusal=refusal)
        executable("bin/accelergy", text)
        if configured:
            (home / CONFIG).parent.mkdir(parents=True)
            (home / CONFIG).write_text(json.dumps({"version": 0.4, "estimator_plug_ins": [str(plug_ins)]}))
        return tmp_path

    yield install
    for folder in (home, plug_ins):
        folder.chmod(0o755)


def runs(place):
    return len((place / "runs").read_text().split())


def test_it_runs_with_a_home_of_its_own(accelergy):
    place = accelergy()
    (place / "home").chmod(0o555)
    ask_accelergy(PARTS, 45)
    assert list((place / "home").iterdir()) == []
    assert (place / "plug-ins" / "SRAM.cfg").exists()  # it may write there, and does


@pytest.mark.parametrize("configured", [False, True])
@pytest.mark.parametrize("refusal", [LOUD, SILENT])
def test_plug_ins_that_may_not_be_written_are_copied(refusal, configured, accelergy, monkeypatch):
    place = accelergy(refusal, configured)
    (place / "plug-ins").chmod(0o555)
    monkeypatch.setattr("os.access", lambda path, mode: bool(Path(path).stat().st_mode & 0o200))
    found = ask_accelergy(PARTS, 45)
    assert {each.name for each in found.components} >= {"SMEM", "MAC"}
    assert [path.name for path in (place / "plug-ins").iterdir()] == ["cacti.estimator.yaml"]
    assert runs(place) == 2


def test_a_permission_that_is_missing_even_so_is_named(accelergy):
    place = accelergy('refuse "/opt/elsewhere/SRAM.cfg"')
    text = (place / "bin" / "accelergy").read_text()
    (place / "bin" / "accelergy").write_text(text.replace('[ -n "$(find "$place"', '[ -z "$(find "$place"'))
    with pytest.raises(InputError) as caught:
        ask_accelergy(PARTS, 45)
    said = str(caught.value)
    assert "accelergy may not write /opt/elsewhere/SRAM.cfg (permission denied)" in said
    assert "tmpfs" in said
    assert "install" not in said


def test_another_fault_is_run_once_and_no_permission(accelergy):
    place = accelergy()
    shutil.rmtree(place / "plug-ins")
    (place / "plug-ins").mkdir()
    with pytest.raises(InputError, match="Can not find an energy estimator") as caught:
        ask_accelergy(PARTS, 45)
    assert runs(place) == 1
    assert "install version 0.4" not in str(caught.value)
    assert "accelergy-cacti-plug-in" in str(caught.value)


def test_answers_are_kept(accelergy):
    place = accelergy()
    first = ask_accelergy(PARTS, 45)
    assert ask_accelergy(PARTS, 45) == first
    assert runs(place) == 1
    assert info(Store(cache_folder(), KIND, RECORD)).entries == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda place: (place / "bin" / "accelergy").open("a").write("# newer\n"),
        lambda place: (place / "home" / CONFIG).write_text(
            json.dumps({"version": 0.4, "estimator_plug_ins": [str(place / "plug-ins")], "math_functions": []})
        ),
        lambda place: (place / "plug-ins" / "cacti.estimator.yaml").write_text("version: 0.5\n"),
        lambda place: (place / "plug-ins" / "wrapper.py").write_text("ACCURACY = 80\n"),
    ],
)
def test_another_installation_is_asked_again(change, accelergy):
    place = accelergy(configured=True)
    ask_accelergy(PARTS, 45)
    before = fingerprint(place / "bin" / "accelergy")
    change(place)
    assert fingerprint(place / "bin" / "accelergy") != before
    ask_accelergy(PARTS, 45)
    assert runs(place) == 2


def test_what_fails_is_not_kept(accelergy):
    place = accelergy()
    (place / "plug-ins" / "cacti.estimator.yaml").unlink()
    for _ in range(2):
        with pytest.raises(InputError):
            ask_accelergy(PARTS, 45)
    assert runs(place) == 2
    assert info(Store(cache_folder(), KIND, RECORD)).entries == 0


def test_a_kept_answer_that_is_damaged_is_asked_again(accelergy):
    place = accelergy()
    first = ask_accelergy(PARTS, 45)
    (entry,) = (cache_folder() / KIND / RECORD).glob("*.json")
    entry.write_text("{}")
    assert ask_accelergy(PARTS, 45) == first
    assert runs(place) == 2
