"""Templates of strangers: what would run, grow or wait for ever is a sentence, and what templates need still works."""

import os

import pytest

from crisp_hw.errors import InputError
from crisp_hw.machine.positions import plain
from crisp_hw.timeloop.yaml.documents import InputFiles, load_documents


def load(folder, text, include=()):
    (folder / "in.yaml").write_text(text)
    return plain(load_documents(InputFiles((folder / "in.yaml",), tuple(include))))


DOUBLING = "".join(f"{{% set a{i} = [a{i - 1}, a{i - 1}, a{i - 1}, a{i - 1}] %}}" for i in range(1, 20))
JOINING = "".join(f"{{% set a{i} = a{i - 1} ~ a{i - 1} ~ a{i - 1} ~ a{i - 1} %}}" for i in range(1, 20))
BLOCKS = "".join(f"{{% set a{i} %}}{{{{ a{i - 1} * 4 }}}}{{% endset %}}" for i in range(1, 20))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "200,000 steps"),
        ("{% for a in range(99999) if false %}{% endfor %}" * 20, "200,000 steps"),
        ("{% set r = range(9999)|list %}{% for a in r %}{% for b in r %}{% endfor %}{% endfor %}", "200,000 steps"),
        ("{% for a in range(99999) %}{{ range(99999)|sum }}{% endfor %}", "200,000 steps"),
        ("{% set r = range(99999)|list %}{% for a in range(99999) %}{{ 'x' in r }}{% endfor %}", "200,000 steps"),
        ("{% set r = range(99999)|list %}{% for a in range(99999) %}{{ r.count(1) }}{% endfor %}", "200,000 steps"),
        ("{% set r = range(99999)|list %}{% for a in r %}{{ r[::2]|first }}{% endfor %}", "200,000 steps"),
        ("{% macro f(n) %}{% if n %}{{ f(n-1) }}{{ f(n-1) }}{% endif %}{% endmacro %}{{ f(60) }}", "200,000 steps"),
        ("{% for a in [[1]] recursive %}{{ loop(a) }}{{ loop([a]) }}{% endfor %}", "cannot be filled in"),
        ("{% set a0 = 1 %}" + DOUBLING + "{{ a19 }}", "steps"),
        ("{% set a0 = 'xxxxxxxxxx' %}" + JOINING, "characters of text"),
        ("{% set a0 = 'xxxxxxxxxx' %}" + BLOCKS, "characters of text"),
        ("{% for a in range(99999) %}" + "x" * 1000 + "{% endfor %}", "characters of text"),
        ("{{ 'x' * 10 ** 9 }}", "characters of text"),
        ("{{ [1] * 10 ** 9 }}", "steps"),
        ("{{ 10 ** 9999 }}", "more than 1024 bits"),
        ("{% set a = 2 ** 1000 %}{{ a * a }}", "more than 1024 bits"),
        ("{{ 'x'|center(10 ** 9) }}", "there is no filter center"),
        ("{{ 'x'.center(10 ** 9) }}", "texts have no center here"),
        ("{{ ('x'|attr('ljust'))(10 ** 9) }}", "texts have no ljust here"),
        ("{{ '%999999999d' % 1 }}", "widths of formats"),
        ("{{ '{:999999999}'.format(1) }}", "widths of formats"),
        ("{{ '{:{}}'.format(1, 999999999) }}", "widths of formats"),
        ("{{ 'x'|indent(10 ** 9, true) }}", "characters of text"),
        ("{{ ('x' * 9999)|replace('x', 'y' * 9999) }}", "characters of text"),
        ("{{ ('x' * 9999).replace('x', 'y' * 9999) }}", "characters of text"),
        ("{{ ('y' * 9999).join('x' * 9999) }}", "characters of text"),
        ("{{ 2.5|round(10 ** 9, 'ceil') }}", "20 digits"),
        ("{{ [[1], [2]]|sum(start=[]) }}", "only numbers add up"),
        ("{{ 1 }}" * 20_001, "more than 20,000 expressions"),
        ("# {{ 1 }}" + "x" * 2**18, "a template of more than 262,144 characters"),
        ("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", "cannot be filled in"),
        ("{{ " + "[" * 150 + "1" + "]" * 150 + " }}", "cannot be filled in"),
        ("{{ " + "1+" * 20_000 + "1 }}", "cannot be filled in"),
        ("{% include 'in.yaml' %}", "cannot be filled in"),
        ("{% include 'gone.yaml' %}", "there is no file gone.yaml"),
        ("{{ lipsum(9999) }}", "lipsum is not set"),
    ],
)
def test_what_would_never_end_is_a_sentence(tmp_path, text, said):
    with pytest.raises(InputError, match=said) as caught:
        load(tmp_path, f"problem: 1\n{text}")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 600


def test_the_line_of_what_goes_wrong_is_told(tmp_path):
    with pytest.raises(InputError, match=r"in\.yaml:3: the template cannot be filled in"):
        load(tmp_path, "problem: 1\n\nx: {{ 10 ** 9999 }}")


def test_what_templates_need_works(tmp_path):
    text = """
    {% set sizes = {'M': 4, 'K': 8} %}{% macro twice(n) %}{{ 2 * n }}{% endmacro %}
    rows: [{% for d in sizes %}{{ d }}{{ ', ' if not loop.last }}{% endfor %}]
    length: {% for d in sizes %}{{ loop.length if loop.first }}{% endfor %}
    joined: "{{ sizes|map('upper')|join('+') }}{{ 'a' ~ 1 ~ 'b' }}{{ '%02d' % 7 }}{{ '{}-{:.2f}'.format('x', 1.5) }}"
    twice: {{ twice(21) }}
    least: {{ [3, 1, 2]|min }}
    total: {{ range(5)|sum }}
    rounded: {{ 2.345|round(1) }}
    known: {{ 'M' in sizes }}
    """
    assert load(tmp_path, "\n".join(line.strip() for line in text.splitlines())) == {
        "rows": ["M", "K"],
        "length": 2,
        "joined": "M+Ka1b07x-1.50",
        "twice": 42,
        "least": 1,
        "total": 10,
        "rounded": 2.3,
        "known": True,
    }


@pytest.mark.parametrize(
    "text",
    [
        "a: {{ include('../secret.yaml') }}",
        "a: {{ include('OUTSIDE/secret.yaml') }}",
        "{{ include_text('../secret.yaml') }}",
        "a: {{ include('link.yaml') }}",
        "a: {{ include('folder/secret.yaml') }}",
        "a: {{ find_path('../secret.yaml') }}",
        "{{ add_to_path('..') }}",
        "{% include 'link.yaml' %}",
    ],
)
def test_files_elsewhere_are_included_only_where_their_folder_is_named(tmp_path, text):
    (tmp_path / "secret.yaml").write_text("b: 1")
    inside = tmp_path / "mine"
    inside.mkdir()
    (inside / "link.yaml").symlink_to(tmp_path / "secret.yaml")
    (inside / "folder").symlink_to(tmp_path)
    text = text.replace("OUTSIDE", str(tmp_path))
    with pytest.raises(InputError, match=r"outside of the folders of the files given; allow its folder with --include"):
        load(inside, text)
    load(inside, f"z: 1\n{text}", [tmp_path])


def test_no_pattern_looks_through_what_lies_above(tmp_path):
    with pytest.raises(InputError, match=r"looks for \.\./\.\./\*\*/\*\.yaml, which is not in"):
        load(tmp_path, "a: {{ include_all('../../**/*.yaml') }}")


def test_a_folder_to_include_from_exists(tmp_path):
    with pytest.raises(InputError, match="gone: is no folder to include from"):
        load(tmp_path, "a: 1", [tmp_path / "gone"])


@pytest.mark.parametrize("call", ["{{ include('p.yaml') }}", "{% include 'p.yaml' %}", "{{ include_text('p.yaml') }}"])
def test_a_pipe_is_not_waited_for(tmp_path, call):
    os.mkfifo(tmp_path / "p.yaml")
    with pytest.raises(InputError, match="it is a pipe, not a regular file"):
        load(tmp_path, f"a: {call}")


def test_a_pattern_finds_so_many_files_only(tmp_path):
    (tmp_path / "many").mkdir()
    for number in range(1001):
        (tmp_path / "many" / f"{number}.yaml").write_text("a: 1")
    with pytest.raises(InputError, match="finds more than 1000 files"):
        load(tmp_path, "a: {{ include_all('many/*') }}")
