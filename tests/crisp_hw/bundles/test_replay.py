"""Packed, loaded, replayed: the same numbers, or the names of those that are not."""

import json
import re
from dataclasses import replace

import pytest

from crisp_hw import api
from crisp_hw.bundles import load, pack, read_files, replay, replay_document, write_files
from crisp_hw.bundles.archive import sha256
from crisp_hw.errors import InputError
from crisp_hw.spec.evaluation import NetworkEvaluation
from crisp_hw.spec.layer import Layer, Workload
from crisp_hw.spec.patterns import NM

OPTIONS = {"objective": "cycles", "layers": None}
SOURCE = {"workload": "small", "nm": "2:4"}


@pytest.fixture(scope="module")
def network():
    layers = (Layer("a", "linear", 32, 64), Layer("b", "linear", 64, 32), Layer("../c d", "linear", 16, 64))
    source = api.WorkloadPattern(Workload("small", layers), NM(2, 4))
    return api.evaluate(source, ["crisp-stc", "dense"]).network


@pytest.fixture(scope="module")
def content(network):
    return pack(network, "embedded", SOURCE, OPTIONS, None)


@pytest.fixture
def written(content, tmp_path):
    path = tmp_path / "b.zip"
    path.write_bytes(content)
    return path


@pytest.fixture
def changed(written):
    """Rewrite entries of the bundle; unless `honest`, the manifest keeps the old checksums."""

    def edit(change, honest=True):
        files = change(read_files(written))
        if honest:
            manifest = json.loads(files["manifest.json"])
            parts = {name: text for name, text in files.items() if name != "manifest.json"}
            manifest["files"] = {name: {"bytes": len(t), "sha256": sha256(t)} for name, t in parts.items()}
            files["manifest.json"] = json.dumps(manifest).encode()
        written.write_bytes(write_files(files))
        return written

    return edit


def test_the_same_evaluation_gives_the_same_bytes(network, content):
    assert pack(network, "embedded", SOURCE, OPTIONS, None) == content


def test_results_come_back_to_the_last_bit(network, written):
    assert list(load(written).results) == [replace(row.result) for row in network.rows]


def test_documents_are_those_that_render_writes(network, written):
    assert list(load(written).documents) == [api.rendered(row) for row in network.rows]


def test_the_manifest_says_where_the_numbers_come_from(written):
    manifest = load(written).manifest
    assert (manifest.network, manifest.backend, manifest.tool) == ("small", "embedded", None)
    assert {"crisp-hw", "numpy", "python"} <= manifest.versions.keys()
    assert (manifest.source, manifest.options) == (SOURCE, OPTIONS)
    assert [(each.arch, each.layer) for each in manifest.designs][:3] == [
        ("crisp-stc", "a"),
        ("crisp-stc", "b"),
        ("crisp-stc", "../c d"),
    ]


def test_seeds_of_the_pruning_are_kept(network):
    provenance = {"seed": 7, "config": {"data_seed": 3, "lr": 0.1}, "note": "x"}
    seeds = json.loads(
        _files(pack(replace(network, provenance=provenance), "embedded", SOURCE, OPTIONS, None))["manifest.json"]
    )["seeds"]
    assert seeds == {"seed": 7, "config.data_seed": 3}


def _files(content):
    import io
    import zipfile

    with zipfile.ZipFile(io.BytesIO(content)) as whole:
        return {name: whole.read(name) for name in whole.namelist()}


def test_a_replay_is_equal(written):
    found = list(replay(load(written)))
    assert [each.equal for each in found] == [True] * 6
    document = replay_document(load(written), found)
    assert document.remarks["verdict"] == ("6 of 6 designs as recorded",)
    assert document.remarks["versions"] == ()
    assert len(document.tables) == 1


def test_a_recorded_count_that_is_wrong_is_named(changed):
    def change(files):
        text = files["designs/0001/result.json"].decode()
        files["designs/0001/result.json"] = re.sub(r'"cycles": \d+', '"cycles": 1', text, count=1).encode()
        return files

    bundle = load(changed(change))
    found = list(replay(bundle))
    assert [each.equal for each in found] == [True, False, True, True, True, True]
    (record,) = replay_document(bundle, found).records
    assert (record["arch"], record["layer"], record["figure"], record["recorded"]) == ("crisp-stc", "b", "cycles", "1")


def test_another_document_gives_other_numbers(changed):
    def change(files):
        for name in [name for name in files if name.endswith("architecture.yaml")]:
            text = files[name].decode()
            files[name] = text.replace("read_bandwidth: 24.0", "read_bandwidth: 3.0").encode()
        return files

    found = list(replay(load(changed(change))))
    assert any("SMEM slowdown" in {each.what for each in one.differences} for one in found)


def test_a_document_that_is_refused_now_is_told(changed):
    def change(files):
        files["designs/0000/mapping.yaml"] = b"mapping: 7"
        return files

    first, *others = replay(load(changed(change)))
    assert not first.equal
    assert "mapping" in first.error
    assert all(each.equal for each in others)


def test_other_versions_are_said(changed):
    def change(files):
        manifest = json.loads(files["manifest.json"])
        manifest["versions"]["numpy"] = "1.0"
        return {**files, "manifest.json": json.dumps(manifest).encode()}

    bundle = load(changed(change))
    (line,) = replay_document(bundle, list(replay(bundle))).remarks["versions"]
    assert line.startswith("numpy 1.0 then, ")


def test_an_unknown_backend_is_refused(written):
    with pytest.raises(InputError, match="unknown backend 'embeded'"):
        list(replay(load(written), "embeded"))


@pytest.mark.parametrize("part", ["designs/0000/result.json", "designs/0003/problem.yaml"])
def test_a_changed_part_is_named(part, changed):
    path = changed(lambda files: {**files, part: files[part] + b" "}, honest=False)
    with pytest.raises(InputError, match=f"{part} is not what manifest.json says"):
        load(path)


def test_parts_too_many_or_too_few_are_named(changed):
    path = changed(lambda files: {**files, "extra": b""}, honest=False)
    with pytest.raises(InputError, match="disagree about extra"):
        load(path)


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        (b"", "manifest.json: it is not JSON"),
        (b"{}", "manifest.json: format is missing"),
        (b"[" * 100_000, "manifest.json"),
        (b'{"format": "crisp-hw/bundle/2"}', "format should be crisp-hw/bundle/1"),
    ],
)
def test_a_manifest_that_is_none(manifest, words, changed):
    path = changed(lambda files: {**files, "manifest.json": manifest}, honest=False)
    with pytest.raises(InputError, match=words):
        load(path)


def test_no_manifest_at_all(tmp_path):
    (tmp_path / "b.zip").write_bytes(write_files({"a": b""}))
    with pytest.raises(InputError, match=r"has no manifest\.json"):
        load(tmp_path / "b.zip")


@pytest.mark.parametrize(("old", "new"), [(b'"cycles": ', b'"cycles": "many"; '), (b'"valid"', b'"invalid"')])
def test_a_result_that_is_none(old, new, changed):
    name = "designs/0000/result.json"
    path = changed(lambda files: {**files, name: files[name].replace(old, new, 1)})
    with pytest.raises(InputError, match=name):
        load(path)


def test_a_name_that_is_not_there(changed):
    def change(files):
        manifest = json.loads(files["manifest.json"])
        manifest["designs"][0]["documents"]["architecture.yaml"] = "/etc/passwd"
        return {**files, "manifest.json": json.dumps(manifest).encode()}

    with pytest.raises(InputError, match="names /etc/passwd, which is not there"):
        load(changed(change))


def test_an_empty_evaluation_can_be_packed(tmp_path):
    (tmp_path / "b.zip").write_bytes(pack(NetworkEvaluation("none", ()), "embedded", {}, {}, None))
    assert list(replay(load(tmp_path / "b.zip"))) == []
