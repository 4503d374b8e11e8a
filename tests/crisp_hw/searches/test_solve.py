"""One search: looked up, checked by the engine, made where that fails."""

import base64
import json
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from crisp_hw.engine.evaluate import evaluate, evaluate_point
from crisp_hw.errors import MappingError
from crisp_hw.machine.store import write
from crisp_hw.mapper.found import Found
from crisp_hw.mapper.search import search
from crisp_hw.mapper.tally import FrontPoint
from crisp_hw.searches.pool import solving
from crisp_hw.searches.solve import confirmed, recall, solve, task_of
from crisp_hw.spec.constraints import Constraints, Factor, LevelConstraint
from crisp_hw.spec.design import DesignPoint
from crisp_hw.spec.mapping import Loop, LoopMapping, LoopNest
from crisp_hw.spec.options import SearchOptions
from crisp_hw.spec.spelling import spelled


def test_what_is_solved_is_what_search_and_engine_say(task):
    subject = task(4, 6, 8)
    solved = solve(subject)
    assert solved.found == search(subject.design, subject.constraints, "energy")
    assert solved.result == evaluate(DesignPoint(subject.design, solved.found.mapping))


def test_a_kept_search_comes_back_to_the_last_bit(task, store, monkeypatch):
    subject = task(4, 6, 8)
    assert recall(subject, store) is None
    solved = solve(subject, store)
    monkeypatch.setattr("crisp_hw.mapper.search.search", None)
    assert recall(subject, store) == solved
    assert repr(recall(subject, store).found.energy_pj) == repr(solved.found.energy_pj)


def test_of_several_that_want_the_same_one_searches(task, store, monkeypatch):
    subject, made = task(4, 6, 8), []
    both = threading.Barrier(4)

    def slow(*given, **named):
        made.append(1)
        time.sleep(0.2)  # the others come meanwhile
        return search(*given, **named)

    def ask(_):
        both.wait()
        return solve(subject, store)

    monkeypatch.setattr("crisp_hw.mapper.search.search", slow)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(ask, range(4)))
    assert len(made) == 1 and all(each == found[0] for each in found)
    assert [path.name for path in store.path("").parent.iterdir()] == [f"{subject.key}.json"]


def test_a_claim_of_a_killed_process_stops_nobody(task, store):
    subject = task(4, 6, 8)
    left = store.path(subject.key).parent / f".{subject.key[:16]}.tmp"
    left.parent.mkdir(parents=True)
    left.touch()
    assert solve(subject, store).found == search(subject.design, subject.constraints, "energy")
    assert not left.exists()


def test_without_a_store_nothing_is_written(task, own_cache):
    solve(task(2, 2, 2))
    assert not own_cache.exists()


words = st.frozensets(st.text("ABZ", min_size=1, max_size=1))
loops = st.builds(Loop, st.integers(0, 9), st.text("MNK", min_size=1, max_size=1), st.sampled_from(["temporal", "x"]))
nests = st.builds(LoopNest, st.lists(loops, max_size=4).map(tuple), st.lists(words, max_size=3).map(tuple))
mappings = st.builds(
    LoopMapping,
    nests,
    st.lists(st.integers(1, 2**62), max_size=4).map(tuple),
    st.none() | st.lists(st.integers(1, 9), max_size=4).map(tuple),
)


@pytest.mark.slow
@settings(max_examples=200)
@given(mappings, st.floats(0, allow_nan=False))
def test_mappings_and_floats_survive_json(mapping, energy_pj):
    adapter = TypeAdapter(Found)
    front = (FrontPoint(7, energy_pj / 3, mapping),)
    found = Found(mapping, 2**53 + 1, energy_pj, "edp", 1, 2, 3, {"lanes": 4}, True, energy_pj / 7, False, front)
    again = adapter.validate_json(json.dumps(adapter.dump_python(found, mode="json")), strict=True)
    assert again == found and again.energy_pj.hex() == energy_pj.hex()


def rewrite(store, key, change):
    """Change an entry and make its checksum right again: what an older or wrong engine might have left."""
    path = store.path(key)
    entry = json.loads(path.read_text())
    solved = json.loads(zlib.decompress(base64.b64decode(entry["content"]["solved"])))
    change(solved)
    entry["content"] = {"solved": base64.b64encode(zlib.compress(json.dumps(solved).encode())).decode()}
    entry["sha256"] = sha256(f"{key} {json.dumps(entry['content'])}".encode()).hexdigest()
    path.write_text(json.dumps(entry))


def other_bounds(solved):
    bounds = solved["found"]["mapping"]["bounds"]
    first = next(i for i, bound in enumerate(bounds) if bound > 1)
    bounds[first] += 1


OTHER = "holds other cycles, energy or counts than the engine computes now"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda solved: solved["result"].update(cycles=solved["result"]["cycles"] + 1), OTHER),
        (lambda solved: solved["result"].update(energy_pj=solved["result"]["energy_pj"] * (1 + 1e-15)), OTHER),
        (lambda solved: solved["result"].update(valid=False), OTHER),
        (lambda solved: solved["result"]["levels"][0]["tensors"]["A"].update(reads=7), OTHER),
        (lambda solved: solved.update(rounded=["something"]), OTHER),
        (lambda solved: solved.pop("found"), "holds no search"),
        (lambda solved: solved.pop("result"), "holds no search"),
        (lambda solved: solved["found"].pop("mapping"), "holds no search"),
        (lambda solved: solved["found"].update(cycles="many"), "holds no search"),
        (lambda solved: solved["found"]["mapping"]["bounds"].pop(), "does not fit the design"),
        (other_bounds, "does not fit the design"),
    ],
)
def test_what_the_engine_does_not_confirm_is_searched_anew(task, store, caplog, change, message):
    subject = task(4, 6, 8)
    solved = solve(subject, store)
    rewrite(store, subject.key, change)
    with solving(store=store) as answer:
        answer.announce([subject])
        assert answer(subject) == solved == recall(subject, store)
    assert message in caplog.text and "not used" in caplog.text


@pytest.mark.parametrize("content", [{}, {"solved": 7}, {"solved": "!"}, {"solved": "AAAA"}, ["solved"]])
def test_an_entry_that_holds_something_else_is_searched_anew(task, store, content):
    subject = task(4, 6, 8)
    write(store, subject.key, content)
    assert recall(subject, store) is None
    assert solve(subject, store) == recall(subject, store)


def test_another_mapping_of_other_cost_is_noticed(task, store, caplog):
    """The entry of a smaller memory under the key of a larger one: valid there, but not what the counts say."""
    subject, other = task(4, 6, 8), task(4, 6, 8, words=16)
    solve(subject, store)
    worse = solve(other).found.mapping
    plain = TypeAdapter(LoopMapping).dump_python(worse, mode="json")
    rewrite(store, subject.key, lambda solved: solved["found"].update(mapping=plain))
    assert not confirmed(subject, recall(subject, store), store)
    assert OTHER in caplog.text


def test_an_engine_that_counts_otherwise_is_noticed_until_it_confirms_an_entry(task, store, monkeypatch):
    subjects = [task(4, 6, 8), task(4, 6, 9), task(4, 6, 10)]
    kept = [solve(each, store) for each in subjects]
    counted = []

    def spied(point, dearer=2):
        counted.append(point)
        return evaluate_point(replace(point, design=replace(point.design, energy=priced(point, dearer))))

    def priced(point, times):
        actions = point.design.energy.actions
        return replace(
            point.design.energy, actions={c: {a: pj * times for a, pj in of.items()} for c, of in actions.items()}
        )

    monkeypatch.setattr("crisp_hw.engine.evaluate.evaluate_point", spied)
    with solving(store=store) as answer:
        answer.announce(subjects)
        assert [answer(each).result.energy_pj for each in subjects] == [2 * each.result.energy_pj for each in kept]
    assert len(counted) == 6  # each was counted again, and once more when it was searched again
    monkeypatch.setattr("crisp_hw.engine.evaluate.evaluate_point", lambda point: spied(point, 1))
    for each, before in zip(subjects, kept, strict=True):
        write(store, each.key, {"solved": base64.b64encode(zlib.compress(spelled(before).encode())).decode()})
    counted.clear()
    with solving(store=store) as answer:
        answer.announce(subjects)
        assert [answer(each) for each in subjects] == kept
    assert len(counted) == 1  # the first, which the engine confirms


def test_objective_constraints_and_design_make_the_key(task):
    subject = task(4, 6, 8)
    closed = Constraints((LevelConstraint("RF", "temporal", {"M": Factor("=", 1)}),))
    keys = [
        subject.key,
        task(4, 6, 9).key,
        task(4, 6, 8, words=65).key,
        task_of(subject.design, subject.constraints, "cycles").key,
        task_of(subject.design, closed, "energy").key,
        task_of(subject.design, subject.constraints, "energy", SearchOptions(budget=10)).key,
        task_of(subject.design, subject.constraints, "energy", SearchOptions(seed=1)).key,
    ]
    assert len(set(keys)) == 7
    assert task(4, 6, 8).key == subject.key


def test_a_search_without_a_mapping_raises_and_keeps_nothing(task, store):
    subject = task(4, 6, 8, words=2)
    with pytest.raises(MappingError, match="level RF needs"):
        solve(subject, store)
    assert recall(subject, store) is None


def test_what_a_budget_cut_is_not_kept_as_proven(store, task):
    """It is what this budget and this seed find, and no answer to anybody who asks for more."""
    subject = task(4, 6, 8)
    cut = task_of(subject.design, subject.constraints, "energy", SearchOptions(budget=20))
    solved = solve(cut, store)
    assert not solved.found.proven and solved.found.gap is not None
    assert recall(cut, store) == solved
    assert recall(subject, store) is None
    assert solve(subject, store).found.proven


def test_an_interrupted_search_is_an_interrupt(task, store, monkeypatch):
    subject = task(4, 6, 8)
    found = solve(subject).found
    monkeypatch.setattr("crisp_hw.mapper.search.search", lambda *_, **__: replace(found, interrupted=True))
    with pytest.raises(KeyboardInterrupt):
        solve(subject, store)
    assert not store.path(subject.key).exists()
