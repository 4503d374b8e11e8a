"""Layers on accelerators: what is searched, how often, by whom, and that none of it changes a number."""

from dataclasses import fields, replace
from multiprocessing import active_children

import pytest

from crisp_hw import api, layer_evaluator
from crisp_hw.errors import InputError, MappingError
from crisp_hw.machine.pool import WorkerLost
from crisp_hw.machine.store import Store, cache_folder, info
from crisp_hw.mapper.search import search as mapper_search
from crisp_hw.searches import pool
from crisp_hw.searches.content import Content
from crisp_hw.searches.version import engine_version
from crisp_hw.spec.layer import Layer, Workload
from crisp_hw.spec.patterns import NM

pytestmark = pytest.mark.slow

ARCHS = ("dense", "stc", "dstc", "crisp-stc")
NETWORK = api.WorkloadPattern(
    Workload(
        "tiny",
        (
            Layer("stem", "conv2d", 16, 4, kernel=(3, 3), padding=(1, 1), input_size=(8, 8)),
            Layer("one", "linear", 64, 64, tokens=16),
            Layer("again", "linear", 64, 64, tokens=16),
            Layer("fc", "linear", 10, 64),
        ),
    ),
    NM(2, 4),
    16,
    0.8,
)


def evaluated(archs=ARCHS, **options):
    return api.evaluate(NETWORK, archs, options=api.EvaluateOptions(**options)).network


@pytest.fixture(scope="module")
def alone():
    return evaluated(cache=False)


@pytest.fixture
def searched(monkeypatch):
    """The designs that were searched in this process."""
    seen = []
    search = mapper_search

    def counting(design, *rest, **more):
        seen.append(design)
        return search(design, *rest, **more)

    monkeypatch.setattr("crisp_hw.mapper.search.search", counting)
    return seen


@pytest.mark.parametrize("jobs", [2, None])
@pytest.mark.parametrize("cache", [False, True])
def test_neither_jobs_nor_the_cache_change_anything(alone, jobs, cache, own_cache):
    for _ in range(1 + cache):  # cold, then warm
        assert evaluated(jobs=jobs, cache=cache) == alone
    assert active_children() == []


def test_what_is_equal_is_searched_once(alone, searched):
    """Equal layers, and the dense layer that every accelerator is compared with."""
    assert evaluated(cache=False) == alone
    assert len({Content().digest(design) for design in searched}) == len(searched)
    assert len(searched) < len(ARCHS) * 2 * 3  # three different layers, each pruned and dense


def test_what_is_equal_is_encoded_once(alone, monkeypatch):
    """Layers that differ in their names alone, on one accelerator."""
    encoded, encodings = [], layer_evaluator.encodings

    def counting(descriptor, accelerator, options):
        encoded.append((descriptor, accelerator.name))
        return encodings(descriptor, accelerator, options)

    monkeypatch.setattr(layer_evaluator, "encodings", counting)
    assert evaluated(cache=False) == alone
    assert len(encoded) == len(ARCHS) * 2 * 3
    assert "again" not in {descriptor.layer.name for descriptor, _ in encoded}


def test_a_second_evaluation_searches_nothing(searched, own_cache):
    first = evaluated()
    kept = len(searched)
    assert info(Store(cache_folder(), "searches", engine_version())).entries == kept > 0
    assert evaluated() == first
    assert len(searched) == kept
    by_energy = evaluated(objective="energy")  # another question
    asked = len(searched)
    assert by_energy != first and asked >= 2 * kept  # bounds on the energy leave more ways to run a layer open
    assert evaluated(objective="energy") == by_energy and len(searched) == asked


def test_without_the_cache_nothing_is_read_or_written(searched, own_cache):
    evaluated(("stc",), cache=False)
    assert not own_cache.exists()
    kept = len(searched)
    evaluated(("stc",))
    evaluated(("stc",), cache=False)
    assert len(searched) == 3 * kept


def test_damaged_entries_are_replaced(alone, own_cache, caplog):
    evaluated()
    files = sorted(own_cache.rglob("*.json"))
    for path in files[::2]:
        path.write_bytes(path.read_bytes()[:-40])
    assert evaluated() == alone
    assert caplog.text.count("is damaged; not used") == len(files[::2])
    caplog.clear()
    assert evaluated() == alone
    assert caplog.text == ""


def test_layers_that_share_an_evaluation_keep_their_own_names():
    rows = {row.layer: row for row in evaluated(("crisp-stc",), cache=False).rows}
    assert rows["one"].result.cycles == rows["again"].result.cycles
    for kind in ("point", "result"):
        one, again = (getattr(rows[name], kind).assumptions for name in ("one", "again"))
        assert any(text.startswith("one: ") for text in one)
        assert again == tuple(text.replace("one: ", "again: ") for text in one)


def test_a_mapping_that_is_not_proven_best_is_said(monkeypatch):
    search = mapper_search

    def doubtful(*given, **more):
        return replace(search(*given, **more), proven=False, gap=0.25)

    proven = evaluated(("stc",), cache=False)
    monkeypatch.setattr("crisp_hw.mapper.search.search", doubtful)
    for row, sure in zip(evaluated(("stc",), cache=False).rows, proven.rows, strict=True):
        for now, before in ((row.point, sure.point), (row.result, sure.result), (row.dense, sure.dense)):
            (said,) = set(now.assumptions) - set(before.assumptions)
            assert (
                f"{row.layer}: the mapping is not proven to be the best: best of" in said
                and "cycles found, " in said
                and said.endswith(" cycles a lower bound, at most 25.00 % above it")
            )


def narrow(name):
    """An accelerator into whose shared memory nothing fits."""
    return replace(api.load_arch(name).replace(smem_size_words=64), name=f"narrow-{name}")


@pytest.mark.parametrize("jobs", [1, 2])
def test_errors_name_layer_and_accelerator_whoever_searches(jobs):
    with pytest.raises(MappingError, match=r"^layer stem on narrow-stc: .*gemm .*SMEM needs") as caught:
        evaluated(("dense", narrow("stc"), narrow("dstc")), jobs=jobs, cache=False)
    assert type(caught.value) is MappingError
    assert active_children() == []


def test_a_lost_process_is_said_with_layer_and_accelerator(monkeypatch):
    def lost(*_):
        raise WorkerLost("a process that searched ended")

    monkeypatch.setattr(pool, "solve", lost)
    with pytest.raises(WorkerLost, match="layer stem on stc: a process that searched ended"):
        evaluated(("stc",), cache=False)


def test_jobs_must_be_positive():
    with pytest.raises(InputError, match="0 jobs: give 1 or more"):
        evaluated(("stc",), jobs=0)


def test_progress_counts_layers():
    calls = []
    options = api.EvaluateOptions(jobs=2)
    api.evaluate(NETWORK, ["stc", "dstc"], options=options, progress=lambda *call: calls.append(call))
    assert [done for _, done, _ in calls] == list(range(9)) and {total for *_, total in calls} == {8}
    assert calls[0][0] == "stc stem" and calls[-1][0] == "done"


def test_positional_options_keep_their_meaning():
    names = [field.name for field in fields(api.EvaluateOptions)]
    assert names[:5] == ["objective", "energy", "backend", "activation_density", "block_index"]
