"""Documents with something wrong, through the command: exit code 0, 2 or 3 and a sentence; never a traceback.

CRISP_HW_FUZZ sets the number of documents (500).
"""

import contextlib
import copy
import gzip
import io
import json
import os
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from limits import limits
from mutator import JUNK, TEMPLATES, containers, dumped, junked, lines_changed, mutated, renumbered, unmarked
from sentences import sentence

from crisp_hw.cli.run_model import FilesAsked, ModelRun, run_model
from crisp_hw.machine.ending import ended
from crisp_hw.timeloop.yaml.documents import load_documents

pytestmark = pytest.mark.fuzz

HERE = Path(__file__).parent / "documents"
CASES = Path(__file__).parents[2] / "golden" / "cases"
FAMILIES = ("formats", "leak", "skip", "stc", "conv", "banded", "imperfect", "bandwidth", "network", "crisp")
COUNT = int(os.environ.get("CRISP_HW_FUZZ", "500"))


def originals():
    names = ("dense-flat.yaml", "dense-nodes.yaml", "stc-nodes.yaml")
    found = [unmarked(load_documents([HERE / name])) for name in names]
    nodes = found[1]["architecture"]["nodes"]
    nodes[:] = [node for node in nodes if node.get("enabled", True)]  # nothing in a disabled one matters
    for family in FAMILIES:
        with gzip.open(CASES / f"{family}.jsonl.gz", "rt") as lines:
            found += [unmarked(json.loads(line)["input"]) for line, _ in zip(lines, range(2), strict=False)]
    return found


def retagged(document, rng):
    """A copy with another class, type or tag somewhere."""
    copied = copy.deepcopy(document)
    names = ("class", "type", "format", "distribution", "name", "target", "subclass")
    found = [(place, key) for place in containers(copied) if isinstance(place, dict) for key in place if key in names]
    place, key = rng.choice(found)
    place[key] = rng.choice(
        ["SRAM", "DRAM", "mac", "dummy", "skipping", "gating", "UB", "RLE", "banded", "A", "Z", "DRAM[1..2]"]
    )
    if rng.random() < 0.2:
        place.tag = rng.choice(
            ["!Component", "!Container", "!Foo", "!Nothing", "!Parallel", "!!python/object:os.system"]
        )
    return copied


def spread(document, rng, folder):
    """The documents of one file in several, of which one may be empty, missing, there twice, or no text."""
    paths = []
    for key, value in document.items():
        paths.append(folder / f"{key}.yaml")
        paths[-1].write_text(dumped({key: value}))
    odd = rng.choice(paths)
    match rng.choice(["fine", "empty", "missing", "twice", "bytes", "folder", "utf16", "list"]):
        case "empty":
            odd.write_text(rng.choice(["", "\n", "# nothing\n", "---\n", "null\n"]))
        case "missing":
            odd.unlink()
        case "twice":
            paths.append(odd)
        case "bytes":
            odd.write_bytes(rng.randbytes(40) + odd.read_bytes())
        case "folder":
            paths.append(folder)
        case "utf16":
            odd.write_bytes(odd.read_text().encode("utf-16"))
        case "list":
            odd.write_text("- 1\n- 2\n")
    rng.shuffle(paths)
    return paths


SORTS = (
    "structure",
    "structure",
    "structure",
    "numbers",
    "numbers",
    "tags",
    "lines",
    "lines",
    "junk",
    "template",
    "files",
)


def wrong(document, rng, folder):
    """(files, key that a result must mention or None) of a document with something wrong."""
    path, mention = folder / "all.yaml", None
    sort = rng.choice(SORTS)
    match sort:
        case "structure":
            document, mention = mutated(document, rng)
        case "numbers":
            document = renumbered(document, rng)
        case "tags":
            document = retagged(document, rng)
        case "files":
            return spread(document, rng, folder), None
    text = dumped(document)
    match sort:
        case "lines":
            text = lines_changed(text, rng)
        case "junk":
            text = junked(text, rng, JUNK)
        case "template":
            text = junked(text, rng, TEMPLATES)
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    return [path], mention


def outcome(paths, folder):
    """(exit code, stdout, stderr) of `crisp-hw model`; whatever is no error of the user's making comes through."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), limits():
        code = ended("crisp-hw", lambda: run_model(ModelRun(FilesAsked(tuple(paths)), folder / "out", "json")))
    return code, out.getvalue(), err.getvalue()


def check(paths, folder, mention=None):
    """True where there is a result; then every file is there, and says what was left out."""
    code, out, err = outcome(paths, folder)
    assert code in (0, 2, 3), err
    if code:
        assert out == ""
        sentence(err, folder, *paths)
        return False
    found = json.loads(out)
    assert found["valid"] and found["cycles"] >= 0
    assert json.loads((folder / "out" / "stats.json").read_text()) == found
    assert mention is None or any(mention in note for note in found["skipped"]), (mention, found["skipped"])
    return True


@pytest.fixture(scope="module")
def documents():
    return originals()


def test_originals_have_results(documents, tmp_path):
    for number, document in enumerate(documents):
        path = tmp_path / f"{number}.yaml"
        path.write_text(dumped(document))
        code, _, err = outcome([path], tmp_path)
        assert code == 0 or "does not fit" in err, err


def test_a_wrong_document_is_refused_or_says_what_it_left_out(documents, tmp_path):
    accepted = 0
    for number in range(COUNT):
        rng = random.Random(20 + number)
        folder = tmp_path / str(number % 20)
        folder.mkdir(exist_ok=True)
        try:
            accepted += check(*_reordered(wrong(documents[number % len(documents)], rng, folder), folder))
        except BaseException as error:
            raise AssertionError(f"document {number}, in {folder}") from error
    assert 0 < accepted < COUNT


def _reordered(files, folder):
    paths, mention = files
    return paths, folder, mention


texts = st.text(alphabet=st.sampled_from("ab0-:[]{},'\"#&*!|>%@`~ \n\t.=\\é\x00"), max_size=60)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=max(20, COUNT // 10))
@given(data=st.data(), value=values)
def test_any_value_anywhere(documents, tmp_path, data, value):
    document = copy.deepcopy(data.draw(st.sampled_from(documents)))
    place = data.draw(st.sampled_from([place for place in containers(document) if place]))
    place[data.draw(st.sampled_from(list(place) if isinstance(place, dict) else list(range(len(place)))))] = value
    path = tmp_path / "value.yaml"
    path.write_text(dumped(document), encoding="utf-8", errors="surrogatepass")
    check([path], tmp_path)


@settings(max_examples=max(20, COUNT // 10))
@given(text=texts)
def test_any_text(tmp_path, text):
    path = tmp_path / "text.yaml"
    path.write_bytes(text.encode("utf-8", errors="surrogatepass"))
    assert not check([path], tmp_path)
