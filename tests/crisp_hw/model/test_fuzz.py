"""Documents with one thing wrong: a sentence, or a result that says what it left out; never a traceback.

CRISP_HW_FUZZ sets the number of documents (500).
"""

import copy
import gzip
import json
import os
import random
from pathlib import Path

import pytest
import yaml

from crisp_hw.errors import CrispError
from crisp_hw.model import evaluate_files, texts_of
from crisp_hw.timeloop.documents import load_documents

HERE = Path(__file__).parent / "documents"
CASES = Path(__file__).parents[2] / "golden" / "cases"
COUNT = int(os.environ.get("CRISP_HW_FUZZ", "500"))
WRONG = [
    None,
    True,
    -1,
    0,
    1.5,
    "nonsense",
    "",
    [],
    {},
    [1],
    {"a": 1},
    1e300,
    2**70,
    "M=0",
    float("inf"),
    "x" * 300,
    "é\x07",
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
    for family in ("formats", "leak", "skip", "stc", "conv"):
        with gzip.open(CASES / f"{family}.jsonl.gz", "rt") as lines:
            found += [unmarked(json.loads(line)["input"]) for line, _ in zip(lines, range(2), strict=False)]
    return found


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


def outcome(paths):
    """The result and its files, or the sentence."""
    try:
        evaluated = evaluate_files(paths)
        return evaluated.result, texts_of(evaluated)
    except CrispError as error:
        return str(error), None


@pytest.fixture(scope="module")
def documents():
    return originals()


def test_originals_have_results(documents, tmp_path):
    for number, document in enumerate(documents):
        path = tmp_path / f"{number}.yaml"
        path.write_text(yaml.dump(dict(document), Dumper=Tagged, sort_keys=False))
        found, texts = outcome([path])
        assert texts is not None or "does not fit" in found, found


def test_a_wrong_document_is_refused_or_says_what_it_left_out(documents, tmp_path):
    rng = random.Random(20)
    path, accepted = tmp_path / "wrong.yaml", 0
    for number in range(COUNT):
        changed, mention = mutated(documents[number % len(documents)], rng)
        path.write_text(yaml.dump(dict(changed), Dumper=Tagged, sort_keys=False, allow_unicode=True))
        found, texts = outcome([path])
        if texts is None:
            assert found.strip(), number
            assert len(found.splitlines()) <= 3, found
            continue
        accepted += 1
        assert found.cycles >= 0
        if mention is not None:
            assert any(mention in note for note in found.skipped), (number, mention, found.skipped)
    assert 0 < accepted < COUNT


def test_broken_text_is_refused(documents, tmp_path):
    rng = random.Random(21)
    path = tmp_path / "broken.yaml"
    texts = [yaml.dump(dict(document), Dumper=Tagged, sort_keys=False) for document in documents[:5]]
    for number in range(COUNT // 5):
        text = texts[number % len(texts)]
        start = rng.randrange(len(text))
        junk = rng.choice(
            ["", "{", "}", "[", "*x", "&y", "!z ", ": ", "\t", "\x00", "{{ x }}", "{% if %}", "- ", "<<: ", "\n"]
        )
        path.write_text(text[:start] + junk + text[start + rng.randrange(4) :])
        found, files = outcome([path])
        assert files is not None or found.strip()
