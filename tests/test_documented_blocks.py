"""Every block of code of README and docs does what the page says: commands, their output, values, files.

The blocks of a page are one story in one temporary folder, which begins as a clone does; tests/support says how.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from documented_pages import Story, UnreadablePage, blocks, run_page

ROOT = Path(__file__).parents[1]
PAGES = [
    str(path.relative_to(ROOT)) for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md"))
]
RUN = [page for page in sorted(PAGES) if "```" in (ROOT / page).read_text(encoding="utf-8")]  # read in the test
CLONE = (
    "examples",
    "arch",
    "workloads",
    "tests/golden/queued",
    "benchmarks/results",
)  # what readers find
MADE = "demo-out"  # what README makes first; other pages find it there

# Everything that is left out. A new entry needs a reason that no machine of a reader's could lift.
NOT_RUN = {
    ("CONTRIBUTING.md", "installs packages"): 1,
    ("README.md", "installs packages"): 1,
    ("README.md", "prunes a network of the reader's"): 1,
    ("README.md", "needs Docker"): 1,
    ("README.md", "runs the test suite"): 1,
    ("docs/backends.md", "needs Timeloop"): 2,
    ("docs/docker.md", "needs Docker"): 4,
    ("docs/how-to/foreign-checkpoint.md", "installs packages"): 2,
    ("docs/how-to/foreign-checkpoint.md", "needs timm"): 1,
    ("docs/install.md", "installs packages"): 3,
    ("docs/reproduce.md", "needs the network, and then the folder"): 1,
    ("docs/transformers.md", "needs a GPU"): 1,
    ("docs/validation.md", "runs the test suite"): 1,
}


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    """The folder demo-out, as `make demo` leaves it before anything is evaluated."""
    pytest.importorskip("torch")
    pytest.importorskip("sklearn")
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # of all workers: the first one trains, the others wait for it
    with (folder / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / MADE).exists():
            script = [sys.executable, str(ROOT / "examples" / "digits.py"), "--out", str(folder / "half")]
            subprocess.run(script, check=True, capture_output=True)
            (folder / "half").rename(folder / MADE)
    return folder / MADE


@pytest.fixture
def story(tmp_path, monkeypatch):
    """An empty story: a folder like a clone, a terminal of 120 columns, searches of its own."""
    pytest.importorskip("matplotlib.font_manager")  # when it first looks for fonts it says so
    folder = tmp_path / "story"
    for name in CLONE:
        shutil.copytree(ROOT / name, folder / name)
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "CRISP_HW_CACHE": str(tmp_path / "searches"),
        "COLUMNS": "120",
        "NO_COLOR": "1",
        "MPLBACKEND": "Agg",
        "OMP_NUM_THREADS": "1",  # threads that wait for each other on busy cores take minutes
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(folder)
    return Story(folder, environment)


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.parametrize("page", RUN)
def test_every_block_does_what_the_page_says(page, story, request):
    found = blocks(ROOT / page, page)
    if page != "README.md" and any(MADE in block.source for block in found if block.runs):
        shutil.copytree(request.getfixturevalue("demo"), story.folder / MADE)
    if wrong := list(run_page(found, story)):
        pytest.fail("\n\n".join(wrong), pytrace=False)


def test_what_is_not_run_is_listed_with_its_reason():
    left_out = Counter((page, each.reason) for page in PAGES for each in blocks(ROOT / page, page) if each.reason)
    assert left_out == NOT_RUN


def page_of(tmp_path, text):
    (tmp_path / "page.md").write_text(text, encoding="utf-8")
    return blocks(tmp_path / "page.md", "page.md")


@pytest.fixture
def told(tmp_path, monkeypatch):
    """What is wrong with a page of this text."""
    folder = tmp_path / "told"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return lambda text: list(run_page(page_of(tmp_path, text), Story(folder, {})))


@pytest.mark.process
class TestCommands:
    def test_output_is_compared_to_the_digit(self, told):
        (wrong,) = told("text\n\n```console\n$ echo 1.25\n1.26\n```\n")
        assert wrong.startswith("page.md:4: $ echo 1.25: prints otherwise") and "-1.26\n+1.25" in wrong

    def test_dots_stand_for_lines_and_parts_of_them(self, told):
        assert told("```console\n$ seq 9; echo took 3.2 s\n1\n...\n9\ntook ... s\n```\n") == []

    def test_dots_do_not_stand_for_what_comes_behind(self, told):
        assert len(told("```console\n$ seq 9\n1\n...\n8\n```\n")) == 1

    def test_folder_and_files_last_from_block_to_block(self, told):
        first = "```console\n$ mkdir inner && cd inner\n$ echo kept > file\n```\n"
        assert told(f"{first}\n```console\n$ cat ../inner/\\\nfile\nkept\n```\n") == []

    def test_a_failure_is_wrong_and_a_promised_one_is_right(self, told):
        assert "exit code 3, not 0" in told("```console\n$ exit 3\n```\n")[0]
        assert told("<!-- exit code: 3 -->\n```console\n$ true\n$ exit 3\n```\n") == []

    def test_what_readers_bring_is_made_out_of_their_sight(self, told):
        unseen = "<!-- invisible-code-block: console\n$ echo theirs > mine.txt\n-->\n"
        assert told(f"{unseen}\n```console\n$ cat mine.txt\ntheirs\n```\n") == []

    def test_a_marked_block_is_a_file(self, told):
        assert told("<!-- file: a/b.yaml -->\n```yaml\nx: 1\n```\n\n```console\n$ cat a/b.yaml\nx: 1\n```\n") == []


class TestPython:
    @pytest.mark.parametrize(
        "code",
        [
            "x = 2  # prose\nx + 1  # 3",
            "1, 'a'  # 1, \"a\"",
            "(1, 2)  # (1, 2)",
            "print('a\\nb')\n#> a\n#> b",
            "int('x')  # ValueError: invalid literal ...",
            "[1.5, 2.5]  # [1.5, ...]",
        ],
    )
    def test_comments_that_are_true(self, told, code):
        assert told(f"```python\n{code}\n```\n") == []

    @pytest.mark.parametrize("code", ["1 + 1  # 3", "print(1)\n#> 2", "int('x')  # 5", "1  # ValueError: ..."])
    def test_comments_that_are_not(self, told, code):
        (wrong,) = told(f"a\n\n```python\nimport os\n{code}\n```\n")
        assert wrong.startswith("page.md:4: ") and "(line 5)" in wrong

    def test_names_last_from_block_to_block(self, told):
        assert told("```python\nx = 1\n```\n\n```python\nx  # 1\n```\n") == []


class TestReading:
    def test_an_unknown_language_is_refused(self, tmp_path):
        with pytest.raises(UnreadablePage, match=r"page\.md:2: nobody knows how to run 'pyhton'"):
            page_of(tmp_path, "```pyhton\n1\n```\n")

    def test_an_unknown_mark_is_refused(self, tmp_path):
        with pytest.raises(UnreadablePage, match="<!-- skip: "):
            page_of(tmp_path, "<!-- skip: why -->\n```python\n1\n```\n")

    def test_what_is_left_out_says_why(self, tmp_path):
        (block,) = page_of(tmp_path, "<!-- not run: needs Docker -->\n```console\n$ docker\n```\n")
        assert block.reason == "needs Docker" and not block.runs

    def test_yaml_is_yaml(self, told):
        assert len(told("```yaml\na: [1\n```\n")) == 1 and told("```yaml\na: 1\n```\n") == []
