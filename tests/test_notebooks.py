"""The notebooks of docs give today what is kept in them."""

from pathlib import Path

import pytest

pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

import nbformat
from nbformat.v4 import new_code_cell, new_notebook
from notebooks import differences, execute

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted(path.name for path in (ROOT / "docs" / "notebooks").glob("*.ipynb"))
OLD_PROCESSOR = {"ATEN_CPU_CAPABILITY": "default", "MKL_CBWR": "COMPATIBLE"}  # how PyTorch rounds without vector units


def kept(name):
    return nbformat.read(ROOT / "docs" / "notebooks" / name, as_version=4)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_cell_was_executed_in_order(name):
    cells = [cell for cell in kept(name).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_executed_again_on_another_processor_it_gives_the_same(name, monkeypatch):
    pytest.importorskip("torch")
    for variable, value in OLD_PROCESSOR.items():
        monkeypatch.setenv(variable, value)
    assert "\n\n".join(differences(kept(name), execute(ROOT / "docs" / "notebooks" / name))) == ""


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """A notebook that prints, gives a value, draws, and has a value that depends on the machine."""
    path = tmp_path_factory.mktemp("notebook") / "small.ipynb"
    drawn = "from IPython.display import Image, display\ndisplay(Image(data=b'\\x89PNG\\r\\n\\x1a\\n' + b'0' * 24))"
    cells = [new_code_cell("print(1.25)\n2 + 2"), new_code_cell(drawn), new_code_cell("object()")]
    cells.append(new_code_cell("import os\nos.getpid()", metadata={"tags": ["differs"]}))
    nbformat.write(new_notebook(cells=cells), path)
    first = execute(path)
    nbformat.write(first, path)
    return path, first


@pytest.mark.slow
@pytest.mark.process
class TestDifferences:
    def test_there_are_none_where_nothing_changed(self, executed):
        path, first = executed
        assert differences(first, execute(path)) == []

    @pytest.mark.parametrize("edit", ["print", "value", "picture"])
    def test_what_changed_is_found(self, executed, edit):
        path, first = executed
        now = nbformat.read(path, as_version=4)
        match edit:
            case "print":
                now.cells[0].outputs[0].text = "1.26\n"
            case "value":
                now.cells[0].outputs[1].data["text/plain"] = "5"
            case "picture":
                now.cells[1].outputs = []
        assert len(differences(first, now)) == 1

    def test_an_error_is_raised(self, tmp_path):
        nbformat.write(new_notebook(cells=[new_code_cell("1 / 0")]), tmp_path / "wrong.ipynb")
        with pytest.raises(Exception, match="ZeroDivisionError"):
            execute(tmp_path / "wrong.ipynb")
