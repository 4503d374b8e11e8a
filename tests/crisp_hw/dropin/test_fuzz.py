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
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from crisp_hw.cli.run_model import ModelRun, run_model
from crisp_hw.machine.ending import ended
from crisp_hw.timeloop.yaml.documents import load_documents

pytestmark = pytest.mark.fuzz

HERE = Path(__file__).parent / "documents"
CASES = Path(__file__).parents[2] / "golden" / "cases"
FAMILIES = ("formats", "leak", "skip", "stc", "conv", "banded", "imperfect", "bandwidth", "network", "crisp")
COUNT = int(os.environ.get("CRISP_HW_FUZZ", "500"))
WRONG = [
    *(None, True, -1, 0, 1.5, "nonsense", "", [], {}, [1], {"a": 1}, 1e300, 2**70, "M=0", float("inf")),
    *("x" * 300, "é\x07", float("nan"), -0.0, [[]], "{{", "M=2,3,4", "=", "=1", " ", "1e3", "0x10", "-1", 10**18),
]
NUMBERS = [0, -1, -0.0, 1, 2, 3, 0.5, 1e-320, 1e300, float("nan"), float("inf"), 2**31, 2**32, 2**63, 2**64, "7", True]
JUNK = [
    "",
    "{",
    "}",
    "[",
    "*x",
    "&y",
    "!z ",
    ": ",
    "\t",
    "\x00",
    "- ",
    "<<: ",
    "\n",
    "---\n",
    "...\n",
    "%",
    "\\",
    "'",
    '"',
    "?",
]
TEMPLATES = [
    *("{{ x }}", "{% if %}", "{{ 1/0 }}", "{% for i in range(10**9) %}x{% endfor %}", "{{ ''.__class__.__mro__ }}"),
    *("{% include 'all.yaml' %}", "{{ include('all.yaml') }}", "{{ include_text('none.yaml') }}", "{% include '' %}"),
    *(
        "{{ include_all('.') }}",
        "{{ find_path('') }}",
        "{{ cwd() }}",
        "{% set a = 1 %}",
        "{# remark #}",
        "{{ 'a' * 9999 }}",
    ),
    *(
        "{{ add_to_path(3) }}",
        "{{ path_exists(none) }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{{ 3 | nofilter }}",
    ),
]


class Tagged(yaml.SafeDumper):
    """Writes the tags of the front end's nodes back."""


class Node(dict):
    """A mapping with a tag."""

    tag = ""


Tagged.add_representer(Node, lambda dumper, node: dumper.represent_mapping(node.tag or "tag:yaml.org,2002:map", node))
Tagged.ignore_aliases = lambda self, data: True


def unmarked(value):
    if isinstance(value, dict):
        node = Node({key: unmarked(item) for key, item in value.items()})
        node.tag = getattr(value, "tag", "")
        return node
    if isinstance(value, list):
        return [unmarked(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    return next(kind(value) for kind in (str, int, float) if isinstance(value, kind))


def originals():
    names = ("dense-flat.yaml", "dense-nodes.yaml", "stc-nodes.yaml")
    found = [unmarked(load_documents([HERE / name])) for name in names]
    nodes = found[1]["architecture"]["nodes"]
    nodes[:] = [node for node in nodes if node.get("enabled", True)]  # nothing in a disabled one matters
    for family in FAMILIES:
        with gzip.open(CASES / f"{family}.jsonl.gz", "rt") as lines:
            found += [unmarked(json.loads(line)["input"]) for line, _ in zip(lines, range(2), strict=False)]
    return found


def dumped(document):
    return yaml.dump(dict(document), Dumper=Tagged, sort_keys=False, allow_unicode=True)


def containers(value):
    yield value
    for item in value.values() if isinstance(value, dict) else value:
        if isinstance(item, dict | list):
            yield from containers(item)


def mutated(document, rng):
    """A changed copy, and the key that a result must mention if there is one (None: any result will do)."""
    copied = copy.deepcopy(document)
    places = [place for place in containers(copied) if place and place is not copied.get("variables")]
    place = rng.choice(places)
    if isinstance(place, list):
        return copied, _spoil_list(place, rng)
    key = rng.choice(list(place))
    match rng.choice(["rename", "add", "retype", "retype", "delete", "swap"]):
        case "rename":
            new = rng.choice([key + "x", "z" + key, key[::-1] + "q", key.upper() + "_"])
            place[new] = place.pop(key)
            return copied, new
        case "add":
            place["surprise"] = rng.choice(WRONG)
            return copied, "surprise"
        case "retype":
            place[key] = rng.choice(WRONG)
        case "delete":
            del place[key]
        case "swap":
            other = rng.choice(list(place))
            place[key], place[other] = place[other], place[key]
    return copied, None


def _spoil_list(place, rng):
    position = rng.randrange(len(place))
    match rng.choice(["drop", "double", "replace"]):
        case "drop":
            del place[position]
        case "double":
            place.insert(position, copy.deepcopy(place[position]))
        case "replace":
            place[position] = rng.choice(WRONG)


def renumbered(document, rng):
    """A copy with one to three numbers changed."""
    copied = copy.deepcopy(document)
    places = [
        (place, key)
        for place in containers(copied)
        for key in (place if isinstance(place, dict) else range(len(place)))
        if isinstance(place[key], int | float) and not isinstance(place[key], bool)
    ]
    for _ in range(rng.choice([1, 1, 2, 3])):
        place, key = rng.choice(places)
        place[key] = rng.choice(NUMBERS)
    return copied


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


def lines_changed(text, rng):
    """The text with a line twice, gone, shifted, elsewhere or cut off."""
    lines = text.splitlines(keepends=True)
    at, to = rng.randrange(len(lines)), rng.randrange(len(lines))
    match rng.choice(["twice", "gone", "shifted", "moved", "cut", "block"]):
        case "twice":
            lines.insert(at, lines[at])
        case "gone":
            del lines[at]
        case "shifted":
            lines[at] = rng.choice(["  " + lines[at], lines[at][1:], "\t" + lines[at]])
        case "moved":
            lines.insert(to, lines.pop(at))
        case "cut":
            lines[at:] = [lines[at][: rng.randrange(len(lines[at]))]]
        case "block":
            lines[at:at] = lines[min(at, to) : max(at, to)]
    return "".join(lines)


def junked(text, rng, junk):
    start = rng.randrange(len(text))
    return text[:start] + rng.choice(junk) + text[start + rng.randrange(4) :]


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
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = ended("crisp-hw", lambda: run_model(ModelRun(tuple(paths), folder / "out", "json")))
    return code, out.getvalue(), err.getvalue()


def check(paths, folder, mention=None):
    """True where there is a result; then every file is there, and says what was left out."""
    code, out, err = outcome(paths, folder)
    assert code in (0, 2, 3), err
    if code:
        assert out == ""
        assert err.startswith("crisp-hw: error: ") and err.count("\n") == 1 and len(err) > 30, err
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
        except Exception as error:
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
