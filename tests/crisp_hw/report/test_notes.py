"""Notes lose nothing: every text of every layer is covered by exactly one line, whatever its numbers."""

from hypothesis import given
from hypothesis import strategies as st

from crisp_hw.report.notes import NUMBER, Note, gathered, note_line, notes
from crisp_hw.spec.evaluation import NetworkEvaluation

texts = st.builds("{} of {}:{} {}".format, *[st.integers(0, 99)] * 3, st.sampled_from(["blocks", "rows"]))
entries = st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["c1", "c2", "c3"]), texts), max_size=12)


def covers(note, entry):
    arch, layer, text = entry
    if arch not in note.archs or layer not in note.layers or text.split()[-1] != note.text.split()[-1]:
        return False
    ranges = [part.split("–") for part in note.text.rsplit(" ", 1)[0].replace(" of ", ":").split(":")]
    return all(
        float(bounds[0]) <= float(number) <= float(bounds[-1])
        for bounds, number in zip(ranges, NUMBER.findall(text), strict=True)
    )


@given(entries)
def test_every_text_is_covered_once(found):
    lines = gathered(found)
    assert all(sum(covers(note, entry) for note in lines) == 1 for entry in found)
    assert len(lines) <= 2 * len({text.split()[-1] for *_, text in found})


def test_one_line_for_54_layers(row):
    rows = [
        row(layer=f"c{i}", assumptions=(f"c{i}: K padded from {i} to {i + 1} columns", "fabric assumed"))
        for i in range(3, 57)
    ]
    network = NetworkEvaluation("net", tuple(rows), assumptions=("one sample", "fabric assumed"))
    found = notes(network)
    assert [note.text for note in found] == ["one sample", "K padded from 3–56 to 4–57 columns", "fabric assumed"]
    assert all(len(note.layers) == 54 for note in found[1:])
    layers = [each.layer for each in rows]
    assert note_line(found[1], ["a"], layers) == "K padded from 3–56 to 4–57 columns [all 54 layers]"


def test_accelerators_that_assume_different_things_have_their_own_lines(row):
    rows = [row(arch, name, assumptions=(f"{name}: {text}",)) for arch, name, text in
            (("a", "c1", "padded"), ("a", "c2", "padded"), ("b", "c1", "padded"))]  # fmt: skip
    assert notes(NetworkEvaluation("net", tuple(rows))) == (
        Note("padded", ("a",), ("c1", "c2")),
        Note("padded", ("b",), ("c1",)),
    )


def test_assumptions_of_the_dense_run_are_said(row):
    from dataclasses import replace

    made = row()
    made = replace(made, dense=replace(made.dense, assumptions=("conv: the dense run is padded",)))
    assert [note.text for note in notes(NetworkEvaluation("net", (made,)))] == ["the dense run is padded"]


def test_a_line_lists_three_names_and_counts_the_rest():
    note = Note("padded", ("a",), ("c1", "c2", "c3", "c4"))
    assert note_line(note, ["a", "b"], ["c1", "c2", "c3", "c4", "c5"]) == "padded [a: c1, c2, c3 and 1 more]"


def test_numbers_inside_names_stay():
    found = gathered(
        [("", "x", "arXiv 2311.14272, see layer1.0 and B64"), ("", "y", "arXiv 2311.14272, see layer1.0 and B64")]
    )
    assert [note.text for note in found] == ["arXiv 2311.14272, see layer1.0 and B64"]


def test_a_number_with_separators_is_one_number():
    found = gathered(
        [("", "x", "12,544 cycles found, 9,801 a lower bound"), ("", "y", "544 cycles found, 98 a lower bound")]
    )
    assert [note.text for note in found] == ["544–12,544 cycles found, 98–9,801 a lower bound"]
