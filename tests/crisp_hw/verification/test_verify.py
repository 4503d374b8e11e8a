"""One set of documents through both backends, Timeloop's part played by recorded runs."""

import gzip
import json
import sys
from pathlib import Path

import pytest

from crisp_hw.validation.compare import Difference
from crisp_hw.verification import Verified, verification_document, verify_documents

STATS = Path(__file__).parents[2] / "golden" / "stats"


@pytest.fixture
def play(tmp_path, monkeypatch):
    """Put a recorded run on PATH as timeloop-model; returns its documents."""

    def put(name, edit=lambda text: text):
        run = json.loads(gzip.decompress((STATS / f"{name}.json.gz").read_bytes()))
        run["files"] = {file: edit(text) for file, text in run["files"].items()}
        (tmp_path / "run.json").write_text(json.dumps(run))
        program = tmp_path / "timeloop-model"
        program.write_text(
            f"#!{sys.executable} -S\nimport json\nrun = json.load(open({str(tmp_path / 'run.json')!r}))\n"
            "print(run['log'])\n"
            "[open(name, 'w').write(text) for name, text in run['files'].items()]\nraise SystemExit(run['status'])\n"
        )
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        return run["documents"]

    return put


@pytest.mark.parametrize("name", ["crisp-stc", "stc", "dstc", "dense", "too-small"])
def test_what_was_recorded_agrees(name, play):
    found = verify_documents(name, play(name))
    assert found.equal, found.differences or found.error
    assert found.embedded.valid == found.timeloop.result.valid == (name != "too-small")


def test_other_cycles_are_a_difference(play):
    found = verify_documents("stc", play("stc", lambda text: text.replace("4608", "4609")))
    assert not found.equal
    assert {"cycles", "MAC cycles computes", "SMEM cycles"} <= {each.what for each in found.differences}


def test_what_timeloop_refuses_is_told(play):
    found = verify_documents("x", {**play("unknown-format"), **play("crisp-stc"), "z.yaml": "problem: {}"})
    assert not found.equal
    assert "'problem' is there a second time" in found.error


def test_what_the_embedded_engine_refuses_is_told(play):
    found = verify_documents("unknown", play("unknown-action"))
    assert not found.equal
    assert "skippping" in found.error


def test_the_document_lists_every_difference(play):
    found = [
        verify_documents("good", play("stc")),
        verify_documents("bad", play("stc", lambda text: text.replace("4608", "4609"))),
        verify_documents("refused", {"a.yaml": "mapping: []"}),
    ]
    document = verification_document(found)
    assert [row[1] for row in document.tables[0].rows] == ["equal", "different", "refused"]
    assert len(document.records) == len(found[1].differences)
    assert {record["documents"] for record in document.records} == {"bad"}
    assert document.remarks["verdict"] == ("1 of 3 sets of documents agree in every figure",)
    assert document.content["documents"][0]["cycles"] == document.content["documents"][0]["timeloop_cycles"] == 4608


def test_a_long_list_is_shortened_in_the_table_alone():
    many = tuple(Difference(f"SMEM A figure {number}", "count", number, number + 1) for number in range(40))
    document = verification_document([Verified("bad", many)])
    assert len(document.tables[1].rows) == 12
    assert len(document.records) == len(document.content["differences"]) == 40
    assert document.remarks["not shown"] == ("28 more differences; --format csv or json lists all",)
