"""What was saved is loaded again: the same value, so the same tables, frames, figures and documents."""

import io
import json
import pickle
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, get_args, get_type_hints

import pytest
from evaluations import KINDS, evaluation
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from crisp_hw import api
from crisp_hw.documents.document import markdown_text
from crisp_hw.report.evaluation import evaluation_document
from crisp_hw.report.files import result_text
from crisp_hw.report.plots import KINDS as FIGURES
from crisp_hw.results import read_result_text
from crisp_hw.results.keep import kept
from crisp_hw.results.saved import (
    SavedCheck,
    SavedEvaluation,
    SavedPoint,
    SavedProblem,
    SavedRow,
    SavedTensor,
)
from crisp_hw.spec import patterns
from crisp_hw.spec.design import Design
from crisp_hw.spec.evaluation import DensityCheck, LayerEvaluation, NetworkEvaluation
from crisp_hw.spec.mapping import LoopMapping
from crisp_hw.spec.problem import Problem, Tensor

pytestmark = pytest.mark.slow


def told(found):
    """Everything that is printed, framed and written as text of an evaluation."""
    network = found.network
    documents = [evaluation_document(network, wide) for wide in (False, True)]
    return [
        [(each.tables, dict(each.remarks), each.records, each.content) for each in documents],
        [markdown_text(each) for each in documents],
        found.to_frame().to_csv(),
        found.totals().to_csv(),
        result_text(network),
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_an_evaluation_is_the_same_after_it_was_loaded(kind, tmp_path):
    found = evaluation(kind)
    (file,) = found.save(tmp_path / "result.json")
    again = api.Evaluation.load(file)
    assert told(again) == told(found)
    if kind not in ("masks", "actual density"):  # what was said of those holds a tuple, which JSON does not know
        assert again == found


@pytest.mark.parametrize("kind", KINDS)
def test_a_loaded_evaluation_renders_the_same_documents(kind, tmp_path):
    found = evaluation(kind)
    (file,) = found.save(tmp_path / "result.json")
    if kind in ("hybrid density", "actual density"):
        for each in (found, api.Evaluation.load(file)):
            with pytest.raises(api.CrispError, match="no document to render"):
                api.render(each, tmp_path / "no")
        return
    first, second = api.render(found, tmp_path / "a"), api.render(api.Evaluation.load(file), tmp_path / "b")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second] != []


@pytest.mark.parametrize("kind", FIGURES)
def test_figures_of_a_loaded_evaluation_are_the_same_pictures(kind, tmp_path):
    found = evaluation("actual density")
    (file,) = found.save(tmp_path / "result.json")
    chosen = {"layer": "blocks", "arch": "crisp-stc"} if kind == "mapping" else {}
    for name, each in (("a", found), ("b", api.Evaluation.load(file))):
        each.plot(kind, save=tmp_path / f"{name}.png", **chosen)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_equal_parts_of_rows_are_kept_once():
    saved = kept(evaluation("dense").network)
    assert len(saved.parts.descriptors) == 4 < len(saved.rows)
    assert len(saved.parts.results) < 2 * len(saved.rows)


def test_every_field_is_kept():
    """Of nouns that are kept as they are a new field travels by itself; these are kept in a form of their own."""
    for kept_as, noun, other in (
        (SavedRow, LayerEvaluation, set()),
        (SavedEvaluation, NetworkEvaluation, {"parts", "masks"}),
        (SavedCheck, DensityCheck, set()),
        (SavedProblem, Problem, set()),
        (SavedTensor, Tensor, set()),
    ):
        assert {field.name for field in fields(kept_as)} == {field.name for field in fields(noun)} | other
    design = {field.name for field in fields(Design)} - {"architecture", "problem", "sparse", "energy"}
    mapping = {field.name for field in fields(LoopMapping)}
    parts = {"architecture", "problem", "sparse", "energy", "nest", "assumptions"}
    assert {field.name for field in fields(SavedPoint)} == design | mapping | parts


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
SHARES = st.floats(0, 1)


@st.composite
def blocks(draw):
    m, groups, total = draw(st.sampled_from([2, 4])), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    block, rows = m * groups, draw(st.integers(1, 4))
    kept_blocks, columns = draw(st.integers(0, total)), draw(st.integers((total - 1) * block + 1, total * block))
    pattern = patterns.Hybrid(patterns.NM(1, m), block, kept_blocks, total)
    return patterns.HybridBlocks(pattern, (rows, total * block), tuple([-1, *range(rows)][:rows]), columns)


@st.composite
def lines(draw):
    kinds = draw(
        st.lists(
            st.builds(
                lambda m, n: patterns.TwoRank(patterns.NM(1, m), patterns.NM(n, 4)),
                st.integers(1, 3),
                st.integers(0, 4),
            ),
            min_size=1,
            max_size=2,
        )
    )
    rows, columns = draw(st.integers(1, 3)), draw(st.integers(1, 9))
    which = draw(st.lists(st.integers(-1, len(kinds) - 1), min_size=rows, max_size=rows))
    return patterns.PatternedLines(tuple(kinds), tuple(which), (9, rows), 0, columns)


def masks():
    from hypothesis.extra.numpy import array_shapes, arrays

    return arrays(bool, array_shapes(max_dims=3, max_side=4)).map(patterns.Actual)


def mappings(kind):
    keys, values = get_args(kind)
    return st.dictionaries(st.from_type(keys), JSON if values is Any else st.from_type(values), max_size=2)


st.register_type_strategy(Mapping, mappings)
st.register_type_strategy(int, st.integers(-(2**70), 2**70))
st.register_type_strategy(float, NUMBERS)
st.register_type_strategy(patterns.FixedStructured, st.builds(patterns.FixedStructured, SHARES))
st.register_type_strategy(patterns.Hypergeometric, st.builds(patterns.Hypergeometric, SHARES))
st.register_type_strategy(patterns.Banded, st.builds(patterns.Banded, st.integers(0, 9)))
st.register_type_strategy(patterns.HybridBlocks, blocks())
st.register_type_strategy(patterns.Actual, masks())
st.register_type_strategy(patterns.PatternedLines, lines())


def whole(kind):
    """Values of a noun with every field drawn, those with defaults too."""
    return st.builds(kind, **dict.fromkeys(get_type_hints(kind), ...))


ROWS = whole(LayerEvaluation)
st.register_type_strategy(LayerEvaluation, ROWS)
NETWORKS = whole(NetworkEvaluation)


@settings(
    suppress_health_check=list(HealthCheck), deadline=None, max_examples=40, phases=[Phase.explicit, Phase.generate]
)
@given(NETWORKS)
def test_any_evaluation_is_the_same_after_it_was_kept(network):
    """Whatever values the fields of the nouns take, those that nothing makes today too."""
    from crisp_hw.documents.document import Document, json_text
    from crisp_hw.results import SCHEMA, whole

    head = {"schema": SCHEMA}
    text = json_text(Document("any", (), content=head, long=lambda: whole(head, network)))
    assert read_result_text(text, "any.json") == network
    assert json.loads(text)["evaluation"]["name"] == network.name


def test_the_text_does_not_depend_on_the_order_of_sets():
    found = evaluation("dense").network
    row = found.rows[0]
    nest = row.point.mapping.nest
    names = [sorted(each, reverse=True) for each in nest.keeps]
    other = replace(nest, keeps=tuple(frozenset(each) for each in names))
    turned = replace(row, point=replace(row.point, mapping=replace(row.point.mapping, nest=other)))
    assert result_text(replace(found, rows=(turned, *found.rows[1:]))) == result_text(found)


def test_equal_parts_are_kept_once_however_they_came_about():
    row = evaluation("patterns").network.rows[0]
    apart = io.BytesIO()
    writer = pickle.Pickler(apart)
    writer.fast = True  # without a memo: equal texts are no longer the same object
    writer.dump(row.result)
    copied = replace(row, result=pickle.loads(apart.getvalue()))
    assert copied.result is not row.result and pickle.dumps(copied.result) != pickle.dumps(row.result)
    once, twice = (kept(NetworkEvaluation("found", rows)).parts.results for rows in ((row,), (row, copied)))
    assert once == twice
