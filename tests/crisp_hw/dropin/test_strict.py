"""Keys that Timeloop passes over are listed, or refused where that is asked for."""

import pytest
from typer.testing import CliRunner

from crisp_hw.cli import app
from crisp_hw.dropin.map_files import map_files
from crisp_hw.dropin.model import evaluate_files
from crisp_hw.errors import InputError
from crisp_hw.timeloop.yaml.documents import InputFiles

DOCUMENTS = """
architecture:
  version: 0.3%(root)s
  subtree:
  - name: top%(node)s
    local:
    - {name: Far, class: DRAM, attributes: {width: 64, word-bits: 8}}
    - {name: Near, class: SRAM, attributes: {depth: 512, width: 8, word-bits: 8%(attribute)s}%(component)s}
    - {name: Mul, class: intmac, attributes: {datawidth: 8}}
problem:
  shape:
    dimensions: [U, V]
    data-spaces:
    - {name: A, projection: [[[U]], [[V]]]}
    - {name: B, projection: [[[V]]]}
    - {name: Z, projection: [[[U]]], read-write: true}
  instance: {U: 12, V: 20}
mapping:
- {target: Far, type: temporal, factors: U=12 V=1, permutation: VU}
- {target: Near, type: temporal, factors: U=1 V=20, permutation: VU}
%(rest)s
"""
PLACES = ("root", "node", "attribute", "component", "rest")


@pytest.fixture
def file(tmp_path):
    def written(**parts):
        """The documents with this in some places."""
        path = tmp_path / "all.yaml"
        path.write_text(DOCUMENTS % {place: parts.get(place, "") for place in PLACES})
        return path

    return written


FOREIGN = [
    ("component", ", required_actions: [read]", 8, "required_actions (Near)"),
    ("component", ", owner: someone", 8, "owner (Near)"),
    ("node", "\n    power_domain: 3", 6, "power_domain (top)"),
    ("root", "\n  author: someone", 4, "author (the whole)"),
    ("attribute", ", data_width: 16", 8, "data_width (Near)"),
    ("attribute", ", metadata_block_size: 4", 8, "metadata_block_size (Near)"),
    (
        "attribute",
        ", metadata_block_size: 2, metadata_word_bits: 4, metadata_width: 8",
        8,
        "metadata_block_size (Near)",
    ),
    ("rest", "- {target: Near, type: spatial, factors: U=1}", 21, "spatial block of Near: it has no fanout"),
]


@pytest.mark.parametrize(("place", "text", "line", "said"), FOREIGN)
def test_a_key_that_timeloop_passes_over_is_listed(file, place, text, line, said):
    plain = evaluate_files([file()]).result
    found = evaluate_files([file(**{place: text})]).result
    (note,) = found.skipped
    assert f"all.yaml:{line}: " in note
    assert said in note
    assert (found.cycles, found.energy_pj, found.levels) == (plain.cycles, plain.energy_pj, plain.levels)


@pytest.mark.parametrize(("place", "text", "line", "said"), FOREIGN)
def test_strict_refuses_it(file, place, text, line, said):
    strict = InputFiles((file(**{place: text}),), strict=True)
    with pytest.raises(InputError, match=rf"--strict: 1 thing .* no effect: .*all.yaml:{line}: ") as caught:
        evaluate_files(strict)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("place", "text", "said"),
    [
        ("component", ", atributes: {}", "did you mean 'attributes'"),
        ("component", ", subtree: []", "unknown key 'subtree'"),
        ("root", "\n  locl: []", "unknown key 'locl'"),
        ("attribute", ", metadata_block_size: 2, metadata_depth: 8", "beside metadata_depth is not modelled"),
        ("attribute", ", metadata_block_size: 3, metadata_word_bits: 4, metadata_width: 8", "no multiple of 3 x 4"),
        ("attribute", ", metadata_block_size: 0", "at least 1"),
        ("rest", "- {target: Near, type: spatial, factors: U=2}", "it has spatial factors but no fanout"),
    ],
)
def test_what_would_count_is_still_refused(file, place, text, said):
    with pytest.raises(InputError, match=said):
        evaluate_files([file(**{place: text})])


def test_strict_lets_documents_pass_that_all_count(file):
    assert evaluate_files(InputFiles((file(),), strict=True)).result.cycles == 240


def test_the_commands_know_the_option(file, tmp_path):
    path = file(component=", owner: someone")
    run = CliRunner().invoke(app, ["model", str(path), "--strict", "-o", str(tmp_path / "out")])
    assert isinstance(run.exception, InputError) or run.exit_code == 2
    assert not (tmp_path / "out").exists()
    with pytest.raises(InputError, match="--strict: 3 things in the documents have no effect"):
        map_files(InputFiles((path,), strict=True))
