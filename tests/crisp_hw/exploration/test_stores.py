"""What is kept is found again, by content, also after a process that was killed while it wrote."""

import optuna
import pytest

from crisp_hw.errors import InputError
from crisp_hw.exploration.axes import space_of
from crisp_hw.exploration.journal import JOURNAL
from crisp_hw.exploration.stores import FRESH, Kept
from crisp_hw.spec.study import Judged, Objective

SPACE = space_of({"a": [1, 2], "nm": ["2:4", None]})
CYCLES = (Objective("cycles"),)
GOOD, BAD = Judged({"cycles": 3, "binds": "MAC", "ms": 0.1}), Judged({}, "does not fit")


def filled(store):
    kept = Kept(store, SPACE, CYCLES)
    kept.keep("k1", {"a": 1, "nm": None}, GOOD)
    kept.keep("k2", {"a": 2}, BAD)
    return kept


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["folder", "sqlite"])
def test_points_are_found_again(tmp_path, kind):
    store = tmp_path / "study" if kind == "folder" else f"sqlite:///{tmp_path}/study.db"
    filled(store)
    again = Kept(store, SPACE, CYCLES)
    assert (again.known("k1"), again.known("k2"), again.known("k3"), len(again)) == (GOOD, BAD, None, 2)


def test_another_space_finds_the_same_points(tmp_path):
    filled(tmp_path)
    other = Kept(tmp_path, space_of({"a": [1, 2, 3]}), (Objective("speedup", maximised=True),))
    assert other.known("k1") == GOOD
    other.keep("k3", {"a": 3}, BAD)
    assert len(Kept(tmp_path, SPACE, CYCLES)) == 3


@pytest.mark.parametrize("kind", ["folder", "sqlite"])
def test_many_names_do_not_stand_in_every_line(tmp_path, kind):
    names = [f"network-with-a-long-name-{number}" for number in range(200)]
    space = space_of({"network": names, "cores": [2, 4]})
    store = tmp_path if kind == "folder" else f"sqlite:///{tmp_path}/study.db"
    kept = Kept(store, space, CYCLES)
    for number, name in enumerate(names[:50]):
        kept.keep(f"k{number}", {"network": name, "cores": 2}, GOOD)
    size = sum(path.stat().st_size for path in tmp_path.iterdir())
    assert size < 50 * 2000 + 200_000 * (kind == "sqlite")  # SQLite has pages of tables beside the points
    told = optuna.load_study(storage=kept._study._storage, study_name=kept._study.study_name).trials[49]
    assert told.params == {"network": 49, "cores": 2} and told.user_attrs["network"] == names[49]
    assert Kept(store, space, CYCLES).known("k49") == GOOD


def test_what_was_written_does_not_stay_in_memory(tmp_path):
    kept = Kept(tmp_path, SPACE, CYCLES)
    for number in range(FRESH + 10):
        kept.keep(f"k{number}", {"a": 1}, GOOD)
    storage = kept._study._storage
    assert len(storage.get_all_trials(kept._study._study_id)) == 10
    whole = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(tmp_path / JOURNAL)))
    (study,) = whole.get_all_studies()
    assert len(whole.get_all_trials(study._study_id)) == FRESH + 10


def test_two_that_write_at_the_same_time_have_their_studies_each(tmp_path):
    one, other = Kept(tmp_path, SPACE, CYCLES), Kept(tmp_path, space_of({"a": [1, 2, 3]}), CYCLES)
    for number in range(FRESH + 10):
        one.keep(f"one{number}", {"a": 1}, GOOD)
        other.keep(f"other{number}", {"a": 3}, GOOD)
    whole = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(tmp_path / JOURNAL)))
    found = {
        study.study_name: {trial.params["a"] for trial in whole.get_all_trials(study._study_id)}
        for study in whole.get_all_studies()
    }
    assert found == {one._study.study_name: {1}, other._study.study_name: {3}}
    assert len(Kept(tmp_path, SPACE, CYCLES)) == 2 * (FRESH + 10)


@pytest.mark.parametrize("text", ["nothing\n", "[1]\n{}\n", "3\n"])
def test_a_file_of_somebody_elses_is_told(tmp_path, text):
    (tmp_path / JOURNAL).write_text(text + '{"op_code": 0}\n')
    with pytest.raises(InputError, match=r"points\.log: is no journal of a study from line 1 on"):
        Kept(tmp_path, SPACE, CYCLES).keep("k", {"a": 1}, GOOD)


@pytest.mark.parametrize("cut", [1, 20, 200])
def test_a_line_that_was_torn_is_the_only_loss(tmp_path, cut):
    filled(tmp_path)
    path = tmp_path / JOURNAL
    path.write_bytes(path.read_bytes()[:-cut])
    kept = Kept(tmp_path, SPACE, CYCLES)
    assert kept.known("k1") == GOOD and kept.known("k2") is None
    kept.keep("k2", {"a": 2}, BAD)
    assert Kept(tmp_path, SPACE, CYCLES).known("k2") == BAD


def test_without_a_store_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert filled(None).known("k1") == GOOD
    assert not list(tmp_path.iterdir())


def test_a_file_is_no_store(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="is a file"):
        Kept(tmp_path / "file", SPACE, CYCLES)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("nosuch://x", "it is no URL of a kind of database"),
        ("sqlite:////proc/nothing/x.db", "there is no such database, or it does not answer"),
        ("mysql://nowhere/x", "its driver is not installed"),
    ],
)
def test_a_database_that_does_not_open_is_told(url, why):
    with pytest.raises(InputError, match=f"the store cannot be opened: {why}"):
        Kept(url, SPACE, CYCLES)
