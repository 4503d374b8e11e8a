"""The installed Timeloop, where there is one: the packaged accelerators, both programs, and its refusals."""

import shutil

import pytest

from crisp_hw import api
from crisp_hw.backends.timeloop import Settings, ToolError, run_documents, run_point
from crisp_hw.engine.evaluate import evaluate
from crisp_hw.errors import InputError
from crisp_hw.spec.patterns import NM
from crisp_hw.validation.agreement import CLOSE_COUNTS, CLOSE_ENERGY
from crisp_hw.validation.results import Tolerance, compare_results

from .conftest import VALID

pytestmark = pytest.mark.skipif(
    shutil.which("timeloop-model") is None, reason="timeloop-model is not on PATH (github.com/NVlabs/timeloop)"
)
HYPERGEOMETRIC = Tolerance(CLOSE_COUNTS, CLOSE_ENERGY)  # docs/validation.md: Boost approximates large tensors


@pytest.mark.parametrize("name", VALID)
def test_a_recorded_run_can_be_repeated(name, point_of, recorded):
    found = run_documents(recorded(name)["documents"], point_of(name), Settings("timeloop-model"))
    assert compare_results(evaluate(point_of(name)), found.result) == []


@pytest.mark.parametrize("name", VALID)
def test_the_mapper_finds_the_one_mapping(name, point_of):
    if shutil.which("timeloop-mapper") is None:
        pytest.skip("timeloop-mapper is not on PATH")
    found = run_point(point_of(name), Settings("timeloop-mapper"))
    assert compare_results(evaluate(point_of(name)), found.result) == []


@pytest.mark.parametrize("arch", api.list_arch())
@pytest.mark.parametrize("layer", ["layer3.1.conv2", "layer4.2.conv3", "fc"])
def test_layers_of_resnet50(arch, layer):
    (row,) = api.evaluate(api.WorkloadPattern("resnet50", NM(2, 4), 64, 0.9), arch, layers=layer).network.rows
    allowed = HYPERGEOMETRIC if arch == "dstc" else Tolerance()
    assert compare_results(row.result, run_point(row.point).result, allowed) == []


def test_a_depthwise_layer():
    source = api.WorkloadPattern("mobilenetv2", NM(2, 4))
    (row,) = api.evaluate(source, "crisp-stc", layers="features.3.conv.1.0").network.rows
    assert compare_results(row.result, run_point(row.point).result) == []


def test_it_refuses_what_it_refused(point_of, recorded, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))  # kept logs go away with the test's own folder
    with pytest.raises(InputError, match="unrecognized metadata format name: CQ"):
        run_documents(recorded("unknown-format")["documents"], point_of("stc"))
    with pytest.raises(ToolError, match="SIGABRT"):
        run_documents(recorded("aborts")["documents"], point_of("stc"))


def test_both_call_the_same_mapping_too_large(point_of, recorded):
    found = run_documents(recorded("too-small")["documents"], point_of("too-small"))
    assert compare_results(evaluate(point_of("too-small")), found.result) == []
    assert not found.result.valid
