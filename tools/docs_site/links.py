"""Links between the files of the repository, turned into links of the site."""

import os
import posixpath
import re
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"(?P<before>\]\()(?P<target>[^)\s#]+)(?P<anchor>#[^)\s]*)?(?P<after>\))")
ELSEWHERE = re.compile(r"^(?:[a-z][a-z0-9+.-]*:|/)")


def rewritten(markdown: str, source: str, page: str, pages: dict[str, str], add: Callable[[str], str]) -> str:
    """The text of a page with its links right on the site; those that point nowhere stay, and mkdocs complains.

    Parameters
    ----------
    markdown
        The text.
    source
        The file of the repository that it stands in, from whose folder its links count.
    page
        Where it is on the site, such as `index.md`.
    pages
        Pages of the site that are files outside docs/, by those files.
    add
        Carries a file of the repository along and says where; used when no address of the repository is known.

    Examples
    --------
    >>> rewritten("[a](docs/model.md#x) [b](LICENSE)", "README.md", "index.md", {}, lambda path: f"files/{path}")
    '[a](model.md#x) [b](files/LICENSE)'
    >>> rewritten("[a](docs/notebooks/own-model.ipynb)", "README.md", "index.md", {}, str)
    '[a](notebooks/own-model.md)'
    """

    def one(match: re.Match[str]) -> str:
        target = match["target"]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
        if ELSEWHERE.match(target) or not (ROOT / path).exists():
            return match[0]
        return f"{match['before']}{place(path, page, pages, add)}{match['anchor'] or ''}{match['after']}"

    return LINK.sub(one, markdown)


def place(path: str, page: str, pages: dict[str, str], add: Callable[[str], str]) -> str:
    """Where a file of the repository is, seen from a page of the site."""
    repository = os.environ.get("CRISP_HW_URL", "").rstrip("/")
    if path in pages:
        found = pages[path]
    elif (ROOT / path).is_dir():
        found = folder_page(path)
    elif path.startswith("docs/"):
        found = re.sub(r"\.ipynb$", ".md", path.removeprefix("docs/"))  # what notebook_pages makes of a notebook
    elif repository:
        return f"{repository}/blob/HEAD/{path}"
    else:
        found = add(path)
    return posixpath.relpath(found, posixpath.dirname(page) or ".")


def linked_folders(sources: dict[str, str]) -> list[str]:
    """The folders of the repository that pages link, given the texts of the pages by their files."""
    found = set()
    for source, text in sources.items():
        for match in LINK.finditer(text):
            path = posixpath.normpath(posixpath.join(posixpath.dirname(source), match["target"]))
            if not ELSEWHERE.match(match["target"]) and (ROOT / path).is_dir():
                found.add(path)
    return sorted(found)


def folder_page(folder: str) -> str:
    """Where the page of a folder is on the site."""
    return f"files/{folder}.md"


def listing(folder: str) -> str:
    """The page of a folder: its files, linked as from docs/ in the repository."""
    here = posixpath.dirname(f"docs/{folder_page(folder)}")
    names = sorted(str(path.relative_to(ROOT)) for path in (ROOT / folder).iterdir() if path.is_file())
    lines = [f"- [{posixpath.basename(name)}]({posixpath.relpath(name, here)})" for name in names]
    return "\n".join([f"# {folder}", "", *lines]) + "\n"
