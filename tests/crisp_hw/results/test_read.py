"""Files that hold no whole result are refused in one sentence that names the file and the next step."""

import json

import pytest
from evaluations import evaluation

from crisp_hw import api
from crisp_hw.bundles import pack, read_files, write_files
from crisp_hw.bundles.archive import sha256
from crisp_hw.errors import InputError
from crisp_hw.report.files import result_text
from crisp_hw.results.file import checksum

FOREIGN = ("pydantic", "json", "Expecting", "<class", "Traceback", "Input should")


@pytest.fixture(scope="module")
def text():
    return result_text(evaluation("dense").network)


def refused(path):
    with pytest.raises(InputError) as raised:
        api.Evaluation.load(path)
    said = str(raised.value)
    named = said.replace("result.json", "")
    assert said.startswith(str(path)) and len(said) < 400 and not any(word in named for word in FOREIGN), said
    return said


def edited(text, change, honest=True):
    """The text with its content changed; `honest` makes the checksum fit."""
    content = json.loads(text)
    change(content)
    if honest:
        content["sha256"] = checksum(content)
    return json.dumps(content)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty; give result.json of"),
        ("{", "ends in the middle"),
        ("[1, 2]", "but a list of 2 values; give"),
        ("{}", "is no result (it has no schema); give"),
        ('{"schema": 3}', "but 3; give"),
        ('{"schema": "crisp-hw/doctor/1"}', "but 'crisp-hw/doctor/1'; give"),
        ('{"schema": "crisp-hw/result/1"}', "is of version 1, which holds tables alone; evaluate again"),
        ('{"schema": "crisp-hw/result/11"}', "is of version 11, and this program reads 2; install a newer"),
        ('{"schema": "crisp-hw/result/2"}', "is not as it was written"),
        ('{"a" 1}', "is not JSON (a colon is missing after a key, column 6)"),
        ('{"a": NaN}', "holds NaN, which is no number"),
        ("[" * 100_000, "is nested too deeply"),
        ("9" * 5000, "a whole number of thousands of digits"),
    ],
)
def test_what_is_no_result_is_named(content, said, tmp_path):
    (tmp_path / "result.json").write_text(content)
    assert said in refused(tmp_path / "result.json")


def test_a_result_that_ends_early_is_not_taken_for_one(text, tmp_path):
    path = tmp_path / "result.json"
    for size in range(0, len(text) - 2, len(text) // 60):
        path.write_text(text[:size])
        refused(path)


def test_a_changed_number_is_noticed(text, tmp_path):
    path = tmp_path / "result.json"
    path.write_text(edited(text, lambda content: content["layers"][0].update(cycles=1), honest=False))
    assert "is not as it was written" in refused(path)
    path.write_text(json.dumps(json.loads(text), sort_keys=True, indent=7))
    assert api.Evaluation.load(path) == evaluation("dense")


def spoil(*keys, to):
    def change(content):
        *first, last = keys
        for key in first:
            content = content[key]
        content[last] = to

    return change


@pytest.mark.parametrize(
    ("keys", "to", "said"),
    [
        (("evaluation",), 3, "evaluation"),
        (("evaluation", "rows", 0, "descriptor"), 99, "number 99 of descriptors, of which there are 4"),
        (("evaluation", "rows", 0, "result", "result"), -1, "number -1 of results"),
        (("evaluation", "rows", 0, "tried"), "7", "rows.0.tried"),
        (("evaluation", "parts", "architectures", 0, "levels"), None, "parts.architectures.0.levels"),
    ],
)
def test_a_forged_evaluation_is_refused(keys, to, said, text, tmp_path):
    path = tmp_path / "result.json"
    path.write_text(edited(text, spoil(*keys, to=to)))
    assert said in refused(path)


def test_masks_that_do_not_unpack_are_refused(tmp_path):
    path = tmp_path / "result.json"
    text = result_text(evaluation("actual density").network)
    name = next(iter(json.loads(text)["evaluation"]["masks"]))
    for to, said in (("", "end early"), ("!", "cannot be unpacked"), ("eJwDAAAAAAE=", "not one bit for each")):
        path.write_text(edited(text, spoil("evaluation", "masks", name, to=to)))
        assert said in refused(path)


def test_a_folder_is_read_by_its_result(text, tmp_path):
    assert "the folder has no result.json" in refused(tmp_path)
    (tmp_path / "result.json").write_text(text)
    assert api.Evaluation.load(tmp_path) == evaluation("dense")
    assert "cannot be read" in refused(tmp_path / "missing")


def test_a_bundle_holds_the_evaluation(tmp_path):
    path = tmp_path / "any name"
    path.write_bytes(pack(evaluation("hybrid density").network, "embedded", {}, {}, None))
    assert api.Evaluation.load(path) == evaluation("hybrid density")
    path.write_bytes(path.read_bytes()[:-30])
    refused(path)


def test_a_bundle_of_an_older_version_says_so(tmp_path):
    path = tmp_path / "old.zip"
    path.write_bytes(pack(evaluation("dense").network, "embedded", {}, {}, None))
    files = read_files(path)
    del files["result.json"]
    manifest = json.loads(files["manifest.json"])
    del manifest["evaluation"], manifest["files"]["result.json"]
    path.write_bytes(write_files({**files, "manifest.json": json.dumps(manifest).encode()}))
    assert "a bundle without a whole evaluation; `crisp-hw replay` reads it" in refused(path)


def test_a_bundle_with_a_spoilt_evaluation_names_the_entry(tmp_path):
    path = tmp_path / "spoilt.zip"
    path.write_bytes(pack(evaluation("dense").network, "embedded", {}, {}, None))
    files = read_files(path)
    files["result.json"] = b"{}"
    manifest = json.loads(files["manifest.json"])
    manifest["files"]["result.json"] = {"bytes": 2, "sha256": sha256(b"{}")}
    path.write_bytes(write_files({**files, "manifest.json": json.dumps(manifest).encode()}))
    assert refused(path).startswith(f"{path}/result.json: is no result")


def test_an_evaluation_is_not_written_as_a_bundle(tmp_path):
    with pytest.raises(InputError, match="write it with `crisp-hw bundle`"):
        evaluation("dense").save(tmp_path / "r.zip")
