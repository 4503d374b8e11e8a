"""Two evaluations side by side: ratios, tolerances, and what one of them alone has."""

from dataclasses import replace

import pytest

from crisp_hw.errors import InputError
from crisp_hw.report.compared import compare
from crisp_hw.report.comparison import comparison_document
from crisp_hw.spec.evaluation import NetworkEvaluation


@pytest.fixture
def other(row):
    """As the network of the other tests, with c2 on b 1 % slower."""
    rows = [row(arch, layer, assumptions=(f"{layer}: padded",)) for arch in ("a", "b") for layer in ("c1", "c2")]
    return NetworkEvaluation("net", (*rows[:3], row("b", "c2", cycles=101)))


def figure(found, arch, layer, key):
    (one,) = (each for each in found.figures if (each.arch_a, each.layer, each.key) == (arch, layer, key))
    return one


def test_an_evaluation_equals_itself(network):
    found = compare(network, network)
    assert found.equal and found.beyond == () and len(found.figures) > 100
    assert comparison_document(found, ("x", "x")).summary["verdict"] == (f"all {_numbers(found)} figures are equal",)


def _numbers(found):
    return sum(not each.text for each in found.figures)


def test_ratios_are_of_the_second_over_the_first(network, other):
    found = compare(network, other)
    assert not found.equal
    assert figure(found, "b", "c2", "cycles").ratio == 1.01 and figure(found, "b", None, "cycles").ratio == 1.005
    assert figure(found, "b", "c2", "speedup").ratio == pytest.approx(100 / 101)
    assert figure(found, "a", "c2", "cycles").ratio == 1.0
    assert {(each.arch_a, each.layer) for each in found.beyond} == {("b", None), ("b", "c2")}


@pytest.mark.parametrize(("tolerance", "equal"), [(0.0, False), (0.0099, False), (0.01, True), (0.5, True)])
def test_the_tolerance_is_a_share_of_the_first(network, other, tolerance, equal):
    found = compare(network, other, tolerance=tolerance)
    assert found.equal == equal
    said = comparison_document(found, ("x", "y")).summary["verdict"][0]
    assert ("differ" in said) != equal and ("within" in said) == equal


def test_what_one_alone_has_is_named_and_is_a_difference(network, row):
    more = NetworkEvaluation("net", (*network.rows[:2], row("a", "c3"), row("z", "c1")))
    found = compare(network, more, tolerance=9.0)
    assert not found.equal and not found.beyond
    lines = comparison_document(found, ("x", "y")).remarks["missing"]
    assert lines == ("b: in a alone", "z: in b alone", "a: in b alone is c3")
    verdict = comparison_document(found, ("x", "y")).summary["verdict"]
    assert verdict[0].startswith("the two differ: one alone has what stands below; all ")  # the exit code is 1
    assert figure(found, "a", None, "cycles").ratio == 1.0  # the layer that is missing there is in neither sum


def test_two_accelerators_of_one_evaluation(other):
    found = compare(other, other, ["a", "b"])
    assert figure(found, "a", "c2", "cycles").b == 101 and found.figures[0].arch_b == "b"
    document = comparison_document(found, ("x", "x"))
    assert document.tables[0].rows[0][0] == "a -> b" and document.tables[1].title == "layers that differ, b/a"
    assert [row[1] for row in document.tables[1].rows] == ["c2"]


def test_texts_are_told_but_not_measured(network):
    first = network.rows[0]
    other = replace(network, rows=(replace(first, descriptor=replace(first.descriptor, role="nm")), *network.rows[1:]))
    found = compare(network, other)
    assert found.equal
    (line,) = comparison_document(found, ("x", "y")).remarks["texts"]
    assert line == "role differs 1 times, for example c1 on a: hybrid against nm"


def test_a_figure_that_was_zero_has_no_ratio(network, row):
    rows = [row("a", "c1", pj=(0, 4, 2)), row("a", "c2", pj=(0, 4, 2))]
    found = compare(NetworkEvaluation("net", tuple(rows)), network, ["a"])
    assert figure(found, "a", "c1", "dram_uj").ratio is None
    assert figure(found, "a", "c1", "dram_uj").beyond(1e9)


@pytest.mark.parametrize(
    ("archs", "said"),
    [
        (["x"], "x is not in the first evaluation; there are a, b"),
        (["a", "y"], "y is not in the second evaluation; there are a, b"),
        (["a", "b", "a"], "3 accelerators are named; name one, or one of each evaluation"),
    ],
)
def test_accelerators_that_are_not_there(network, archs, said):
    with pytest.raises(InputError, match=said):
        compare(network, network, archs)


def test_evaluations_with_nothing_in_common(network, row):
    with pytest.raises(InputError, match="no accelerator in common: a, b and z; name one of each"):
        compare(network, NetworkEvaluation("net", (row("z", "c1"),)))
    with pytest.raises(InputError, match="no layer in common"):
        compare(network, NetworkEvaluation("net", (row("a", "other"),)))
