"""What metadata accesses cost in a run of Timeloop: its counts, at the prices of the table."""

import re

import pytest

from crisp_hw.backends.timeloop import run_documents, run_point
from crisp_hw.backends.timeloop.metadata import DATA
from crisp_hw.engine.evaluate import evaluate

from .conftest import VALID

pytestmark = pytest.mark.process

STATS = "timeloop-model.stats.txt"


def metadata(result):
    """pJ per instance of every level, tensor and action."""
    return {
        (level.name, tensor, action): pj
        for level in result.levels
        for tensor, counts in level.tensors.items()
        for action, pj in counts.action_energy_pj.items()
        if "_metadata_" in action
    }


@pytest.mark.parametrize("name", (*VALID, "network"))
@pytest.mark.parametrize("archive", [True, False])
def test_it_is_what_the_embedded_engine_says(name, archive, replaying, point_of):
    replaying(name, lambda file, text: text if archive or file == STATS else None)
    ours, theirs = evaluate(point_of(name)), run_point(point_of(name)).result
    assert metadata(theirs) == pytest.approx(metadata(ours))
    assert bool(metadata(theirs)) == (name != "dense")


@pytest.mark.parametrize("name", (*VALID, "network"))
def test_the_parts_of_a_tensor_are_its_energy(name, replaying, point_of):
    replaying(name)
    for level in run_point(point_of(name)).result.levels:
        for counts in level.tensors.values():
            assert sum(counts.action_energy_pj.values()) == pytest.approx(counts.energy_pj)
            assert counts.action_energy_pj[DATA] >= -1e-9 * counts.energy_pj


def test_it_follows_timeloops_counts_and_not_the_engines(replaying, point_of):
    """Twice the metadata reads cost twice as much; the total stays Timeloop's."""

    def edit(file, text):
        if file != STATS:
            return None
        return re.sub(r"(format reads .*\n +Rank 0 \(metadata, payload\): \()4608", r"\g<1>9216", text)

    replaying("stc", edit)
    ours, theirs = evaluate(point_of("stc")), run_point(point_of("stc")).result
    key = ("LRF", "A", "random_metadata_reads")
    assert metadata(theirs)[key] == pytest.approx(2 * metadata(ours)[key])
    assert theirs.levels[0].energy_pj == pytest.approx(ours.levels[0].energy_pj, rel=1e-4)


def test_a_table_that_accelergy_made_has_the_prices(replaying, point_of, recorded):
    run = recorded("stc")
    bare = {name: text for name, text in run["documents"].items() if name not in ("ERT.yaml", "ART.yaml")}
    dearer = re.sub(r"(metadata_read, arguments: \{\}, energy: )([\d.]+)", r"\g<1>10\2", run["documents"]["ERT.yaml"])
    assert dearer != run["documents"]["ERT.yaml"]
    replaying("stc", documents=bare, files={**run["files"], "timeloop-model.ERT.yaml": dearer})
    found = run_documents(bare, point_of("stc"))
    ours, theirs = metadata(evaluate(point_of("stc"))), metadata(found.result)
    assert all(theirs[key] > ours[key] for key in ours if key[2] == "random_metadata_reads")
