"""Lines of what a template makes are those of the files that the user wrote."""

import pytest

from crisp_hw.machine.positions import MarkedDict, MarkedList
from crisp_hw.timeloop.yaml.documents import load_documents

TEMPLATE = """\
{% for round in [1, 2] -%}
{% endfor %}
{% macro twice(what) %}
- {{ what }}
- {{ what }}
{% endmacro %}
before: {{ 1 +
           1 }}
{{ include_text('parts.yaml') }}
listed:
{%- for name in ['a', 'b'] %}
  - name: {{ name }}
    {% if name == 'b' -%}
    last: yes
    {% endif -%}
{%- endfor %}
made: {{ twice('x') }}
after: 'text
  of two lines'
"""
PARTS = "# a remark\nfirst: 1\nsecond:\n  third: 3\n"


def lines_of(value, path=()):
    """Where every key of a document stands: file and line by path."""
    found = {}
    if isinstance(value, MarkedDict):
        for key, inside in value.items():
            mark = value.keys_at[key]
            found[(*path, key)] = (mark.file.rpartition("/")[2], mark.line)
            found |= lines_of(inside, (*path, key))
    elif isinstance(value, MarkedList):
        for number, inside in enumerate(value):
            found |= lines_of(inside, (*path, number))
    return found


def test_loops_conditions_macros_and_included_texts(tmp_path):
    (tmp_path / "main.yaml.j2").write_text(TEMPLATE)
    (tmp_path / "parts.yaml").write_text(PARTS)
    assert lines_of(load_documents([tmp_path / "main.yaml.j2"])) == {
        ("before",): ("main.yaml.j2", 7),
        ("first",): ("parts.yaml", 2),
        ("second",): ("parts.yaml", 3),
        ("second", "third"): ("parts.yaml", 4),
        ("listed",): ("main.yaml.j2", 10),
        ("listed", 0, "name"): ("main.yaml.j2", 12),
        ("listed", 1, "name"): ("main.yaml.j2", 12),
        ("listed", 1, "last"): ("main.yaml.j2", 14),
        ("made",): ("main.yaml.j2", 17),
        ("after",): ("main.yaml.j2", 18),
    }


@pytest.mark.parametrize("text", ["8", "8\n"])
def test_an_included_text_of_one_line_is_the_text_alone(text, tmp_path):
    (tmp_path / "main.yaml.j2").write_text("a: {{ include_text('eight.yaml') | int + 1 }}")
    (tmp_path / "eight.yaml").write_text(text)
    assert load_documents([tmp_path / "main.yaml.j2"]) == {"a": 9}
