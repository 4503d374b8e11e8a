"""Files with one mistake: each is refused with its line, and with the words that are valid there."""

import random

import pytest
import yaml

from crisp_hw.accelerators.check import mistakes
from crisp_hw.accelerators.templates import full_text
from crisp_hw.encode.scope import CALLS, NAMES

BASES = (
    "crisp-stc",
    "dstc",
    "eie",
    "eyeriss-v1",
    "eyeriss-v2-pe",
    "highlight",
    "s2ta",
    "stc-flexible",
    "systolic",
    "vegeta",
)


def places(part, above=()):
    """Every mapping of a document, with its keys."""
    if isinstance(part, dict):
        yield above
    if isinstance(part, dict | list):
        each = part.items() if isinstance(part, dict) else enumerate(part)
        for key, value in each:
            yield from places(value, (*above, key))


def at(document, keys):
    for key in keys:
        document = document[key]
    return document


def misspelled_key(document, rng):
    """A field of the schema with a letter too many: the fields that there are."""
    names = ("levels", "features", "parameters", "constraints", "at_most", "across", "pads")  # of which keys are names
    known = [keys for keys in places(document) if not (keys and keys[-1] in names) and len(keys) > 1]
    found = at(document, rng.choice([keys for keys in known if at(document, keys)]))
    name = rng.choice([*found])
    found[name + "x"] = found.pop(name)
    return name + "x", ()


def unknown_level(document, rng):
    case = rng.choice(document["runs"])
    case["actions"] = [{"level": "Nowhere", "type": "skipping", "options": [{"target": "A", "condition_on": ["B"]}]}]
    return "level", document["levels"]


def unknown_name(document, rng):
    rng.choice(document["runs"])["when"] = "densty < 0.5"
    return "densty", NAMES


def unknown_function(document, rng):
    rng.choice(document["runs"])["when"] = "ceil_lg2(8) > 2"
    return "ceil_lg2", CALLS


def broken_formula(document, rng):
    rng.choice(document["runs"])["when"] = rng.choice(["1 +", "n >", "(m", "rows ** ** 2"])
    return "when", ()


def broken_remark(document, rng):
    rng.choice(document["runs"])["say"] = ["{nonzero} weights"]
    return "nonzero", NAMES


def unknown_dimension(document, rng):
    level = rng.choice([*document["constraints"]])
    document["constraints"][level]["temporal"] = ["W"]
    return "W", ("M", "N", "K")


def unknown_tensor(document, rng):
    document["constraints"][rng.choice([*document["constraints"]])]["keep"] = ["C"]
    return "keep", ("A", "B", "Z")


def lacking_constraint(document, rng):
    name = rng.choice([*document["constraints"]])
    del document["constraints"][name]
    return name, ()


def impossible_number(document, rng):
    level = document["levels"][rng.choice([*document["levels"]])]
    level["read_bandwidth"] = {"value": rng.choice([0, -4, "fast"]), "source": "a mistake of the test"}
    return "read_bandwidth", ()


def unknown_features(document, rng):
    rng.choice(document["runs"])["features"] = ["nothing"]
    return "nothing", document.get("features", ())


def unknown_circuit(document, rng):
    rng.choice(document["runs"])["charges"] = [{"circuit": "selektion", "per": "computes"}]
    return "circuit", ("selection",)


def unknown_problem(document, rng):
    rng.choice(document["runs"])["problem"] = "matmul"
    return "problem", ("gemm", "gathered", "convolution")


KINDS = [
    *(misspelled_key, unknown_level, unknown_name, unknown_function, broken_formula, broken_remark, unknown_dimension),
    *(unknown_tensor, lacking_constraint, impossible_number, unknown_features, unknown_circuit, unknown_problem),
]


def mutated(seed, folder):
    """A packaged accelerator in full with one mistake, what the mistake is called, and some word that is valid."""
    rng = random.Random(seed)
    document = yaml.safe_load(full_text(BASES[seed % len(BASES)], "mine"))
    said, valid = KINDS[seed % len(KINDS)](document, rng)
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return path, said, valid


@pytest.mark.parametrize("seed", range(100))
def test_a_mistake_is_refused_with_its_line_and_what_is_valid(seed, tmp_path):
    path, said, valid = mutated(seed, tmp_path)
    found = mistakes(path)
    assert found, f"{KINDS[seed % len(KINDS)].__name__} is not noticed"
    texts = [str(each) for each in found]
    assert all(f"{path}:" in text and text.split(f"{path}:")[1][0].isdigit() for text in texts), texts
    assert any(said in text for text in texts), texts
    assert not valid or any(word in text for text in texts for word in valid), texts
