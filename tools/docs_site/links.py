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
    elif path.startswith("docs/"):
        found = path.removeprefix("docs/")
    elif repository:
        return f"{repository}/{'tree' if (ROOT / path).is_dir() else 'blob'}/HEAD/{path}"
    elif (ROOT / path).is_dir():
        return posixpath.relpath(path, posixpath.dirname(page) or ".")  # mkdocs says that there is no such page
    else:
        found = add(path)
    return posixpath.relpath(found, posixpath.dirname(page) or ".")
