"""The readme of the package index: README.md, with links and pictures that lead somewhere from there.

On an index relative links lead nowhere. Where the repository is stands in CRISP_HW_URL when the package is built;
without it nothing is invented, and the links stay as they are.
"""

import os
import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

VARIABLE = "CRISP_HW_URL"
LINK = re.compile(r"(?P<picture>!?)(?P<text>\[[^\]]*\]\()(?P<target>(?![a-z]+:|#|/)[^)\s]+)\)")
FOR_TESTS = re.compile(r"<!--.*?-->\n+", re.DOTALL)  # what tests run out of the reader's sight


def absolute(text: str, repository: str) -> str:
    """The text with its links into the repository made absolute.

    >>> absolute("![a](docs/a.png) [b](docs/b.md#c) [d](https://example.org)", "https://example.org/x")
    '![a](https://example.org/x/raw/HEAD/docs/a.png) [b](https://example.org/x/blob/HEAD/docs/b.md#c) [d](https://example.org)'
    """

    def one(match: re.Match[str]) -> str:
        kind = "raw" if match["picture"] else "blob"
        return f"{match['picture']}{match['text']}{repository}/{kind}/HEAD/{match['target']})"

    return LINK.sub(one, text)


class Readme(MetadataHookInterface):
    """Sets the readme, and the addresses of the project where they are known."""

    PLUGIN_NAME = "custom"

    def update(self, metadata: dict[str, Any]) -> None:
        """Called by hatchling with the table [project]."""
        text = FOR_TESTS.sub("", (Path(self.root) / "README.md").read_text(encoding="utf-8"))
        repository = os.environ.get(VARIABLE, "").rstrip("/")
        if repository:
            text = absolute(text, repository)
            changes = f"{repository}/blob/HEAD/CHANGELOG.md"
            metadata["urls"] = {
                "Source": repository,
                "Changelog": changes,
                "Documentation": f"{repository}/tree/HEAD/docs",
            }
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
