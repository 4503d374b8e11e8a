"""Tables: alignment, width, and names that would like to be markup, escapes or markdown."""

import csv
import io

import pytest
from rich.console import Console

from crisp_hw.documents.columns import Column, cell, table
from crisp_hw.documents.tables import csv_text, fitted, markdown_table, rich_table, table_width
from crisp_hw.report.evaluation import LAYER, TOTAL, evaluation_document, layer_tables, total_table
from crisp_hw.report.records import headline, layer_records, total_records
from crisp_hw.spec.evaluation import NetworkEvaluation
from crisp_hw.spec.vocabulary import columns


def tables(network, wide=False):
    return layer_tables(headline(network), layer_records(network), wide)


def totals(network):
    return total_table(headline(network), total_records(network))


def printed(content, width=120):
    console = Console(file=io.StringIO(), width=width + 1, color_system=None)
    console.print(rich_table(fitted(content, width).table))
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("value", "style", "text"),
    [
        (4096, "whole", "4,096"),
        (0.0012345, "number", "0.00123"),
        (0.00012, "number", "0.00012"),
        (99.96, "number", "100"),
        (12.345, "number", "12.3"),
        (123456.7, "number", "123,457"),
        (0.0, "number", "0"),
        (1.0, "ratio", "1.00x"),
        (0.0556, "share", "5.6 %"),
        (None, "ratio", "–"),
        ("2:4", "text", "2:4"),
    ],
)
def test_cells(value, style, text):
    assert cell(value, style) == text


def test_numbers_stand_on_the_right_of_their_column(row):
    network = NetworkEvaluation("net", (row(layer="a", cycles=5), row(layer="b", cycles=1_234_567)))
    lines = printed(tables(network)[0])
    small, large = (next(line for line in lines if line.startswith(f" {name} ")) for name in "ab")
    assert "1,234,567" in large
    assert small.index(" 5 ") + 2 == large.index("1,234,567") + len("1,234,567")


def test_a_table_per_accelerator_in_order(network):
    assert [content.title for content in tables(network)] == [f"net, 2:4, blocks of 64 on {arch}" for arch in "ab"]
    assert [r[0] for r in totals(network).rows] == ["a", "b"]


def test_resnet_sized_tables_fit_120_columns(row):
    """The widest name of ResNet-50, cycles in the millions: only columns for wider screens give way."""
    big = row(layer="layer1.0.downsample.0", cycles=16_057_259, dense_cycles=96_057_259, pj=(3e9, 2e9, 1e9))
    own = row(layer="layer1.0.downsample.0", cycles=903_168, dense_cycles=903_168, pj=(3e8, 2e8, 1e8))
    late = {column.key for column in columns((*LAYER, *TOTAL)) if column.priority >= 5}  # for wider screens
    assert {column.key for column in fitted(tables(NetworkEvaluation("n", (own,)))[0], 120).left_out} <= late
    for content in (*tables(NetworkEvaluation("n", (big,))), totals(NetworkEvaluation("n", (big,)))):
        assert [column.key for column in fitted(content, 120).left_out if column.key not in late] == []
        lines = printed(content)
        assert max(map(len, lines)) <= 120
        assert any("16,057,259" in line for line in lines)
    assert any(
        line.startswith(" layer1.0.downsample.0 ") for line in printed(tables(NetworkEvaluation("n", (big,)))[0])
    )


def test_a_screen_of_40_columns_has_a_name_cycles_speedup_and_a_gain(network):
    shown = fitted(totals(network), 40).table
    assert {"arch", "cycles", "speedup", "energy_gain"} <= {column.key for column in shown.columns}
    assert table_width(shown) <= 40


def test_wide_shows_every_key(network):
    (content, _) = tables(network, wide=True)
    assert [column.key for column in content.columns] == [
        key for key, value in layer_records(network)[0].items() if value is not None
    ]
    assert max(map(len, printed(content, table_width(content)))) <= table_width(content)


def test_names_are_not_obeyed(row):
    network = NetworkEvaluation("net", (row(layer="[red]x[/red]\x1b[31m|<b>"),))
    content = tables(network)[0]
    assert any("[red]x[/red]?[31m|<b>" in line for line in printed(content))
    assert "| [red]x[/red]?[31m\\|&lt;b> |" in markdown_table(content)


def test_markdown_has_as_many_cells_in_every_line(network):
    lines = markdown_table(totals(network)).splitlines()
    assert len(lines) == 4 and len({line.count("|") for line in lines}) == 1
    assert lines[0].startswith("| arch | cycles |") and lines[1].startswith("|:---|---:|")


def test_csv_reads_back_exactly(row):
    network = NetworkEvaluation("net", (row(layer='odd, "name" here', cycles=3, dense_cycles=1),))
    (back,) = csv.DictReader(io.StringIO(csv_text(layer_records(network))))
    assert back["layer"] == 'odd, "name" here'
    assert float(back["speedup"]) == 1 / 3


def test_the_document_says_what_was_assumed_and_skipped(network):
    remarks = evaluation_document(network).remarks
    assert remarks["assumptions"] == ("one sample", "padded [all 2 layers]")
    assert remarks["skipped"][0] == "relu: elementwise"
    assert remarks["provenance"] == ("seed: 3",)


def test_prose_does_not_widen_a_table():
    prose = table("t", (Column("a", "a", "prose"),), [{"a": "word " * 100}])
    assert table_width(prose) == 41
    assert sum("word" in line for line in printed(prose)) > 3


def test_columns_give_way_by_priority():
    columns = tuple(Column(key, key, priority=priority) for key, priority in zip("abcde", (0, 2, 1, 2, 0), strict=True))
    content = table("t", columns, [dict.fromkeys("abcde", "x" * 10)])
    kept = {width: "".join(c.key for c in fitted(content, width).table.columns) for width in (59, 58, 46, 34, 1)}
    assert kept == {59: "abcde", 58: "abce", 46: "ace", 34: "ae", 1: "ae"}
    assert [c.key for c in fitted(content, 40).left_out] == ["b", "d"]
    assert fitted(content, 46).table.rows == (("x" * 10,) * 3,)


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_a_table_is_never_wider_than_its_place(network, width):
    for content in (*tables(network), totals(network), *tables(network, wide=True)):
        assert max(map(len, printed(content, width))) <= width


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+SUM(A1)", "'+SUM(A1)"),
        ("-cmd|x", "'-cmd|x"),
        ("@import", "'@import"),
        ("  =1", "'  =1"),
        ("\t=1", "?=1"),
        ("a\nb\r\x1b[31m\x00", "a?b??[31m?"),
        ("-1.5", "-1.5"),
        ("+3e4", "+3e4"),
        ("conv1.weight", "conv1.weight"),
        ("2:4", "2:4"),
    ],
)
def test_names_do_nothing_in_a_spreadsheet(row, name, cell):
    network = NetworkEvaluation("net", (row(layer=name, cycles=3),))
    text = csv_text(layer_records(network))
    (back,) = csv.DictReader(io.StringIO(text))
    assert back["layer"] == cell
    assert text.count("\n") == 2 and text.replace("\n", "").isprintable()


def test_negative_numbers_stay_numbers():
    assert csv_text([{"a": -1.5, "b": -3, "c": None, "d": True}]) == "a,b,c,d\n-1.5,-3,,True\n"


def test_a_name_of_two_lines_is_one_row_everywhere(row):
    network = NetworkEvaluation("net", (row(layer="two\nlines\x1b[2J", cycles=3),))
    content = layer_tables(headline(network), layer_records(network), False)[0]
    assert sum("two?lines?[2J" in line for line in printed(content)) == 1
    assert len(markdown_table(content).splitlines()) == 3
