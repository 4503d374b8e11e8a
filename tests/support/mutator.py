"""Texts and values with something wrong: what every test of odd inputs changes at random, on a seed."""

import copy

import yaml

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
    for _ in range(rng.choice([1, 1, 2, 3]) if places else 0):
        place, key = rng.choice(places)
        place[key] = rng.choice(NUMBERS)
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
    start = rng.randrange(max(1, len(text)))
    return text[:start] + rng.choice(junk) + text[start + rng.randrange(4) :]
