"""What mkdocs cannot do by itself: pages made of other files, and links that leave docs/."""

import logging
from pathlib import Path

from docs_site.links import folder_page, linked_folders, listing, rewritten
from docs_site.notebook_pages import notebook_files
from docs_site.reference import python_page, yaml_page
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

log = logging.getLogger("mkdocs.hooks")  # --strict counts what is said here
ROOT = Path(__file__).parents[1]
# a page of the site, and the file outside docs/ that it shows
SHOWN = {
    "index.md": "README.md",
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
    "security.md": "SECURITY.md",
    "recorded-cases.md": "tests/golden/README.md",
}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made."""
    made = {name: (ROOT / source).read_text(encoding="utf-8") for name, source in SHOWN.items()}
    made["reference/python.md"] = python_page()
    made["reference/yaml-files.md"] = yaml_page()
    sources = {SHOWN.get(name, f"docs/{name}"): text for name, text in made.items()}
    sources |= {f"docs/{file.src_uri}": file.content_string for file in files.documentation_pages()}
    for folder in linked_folders(sources):
        made[folder_page(folder)] = listing(folder)
    for name, content in made.items():
        files.append(File.generated(config, name, content=content))
    for notebook in [file for file in files if file.src_uri.endswith(".ipynb")]:
        files.remove(notebook)
        for name, output in notebook_files(ROOT / "docs" / notebook.src_uri, notebook.src_uri).items():
            files.append(File.generated(config, name, content=output))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Point links that leave docs/ to where their target is on the site."""
    source = SHOWN.get(page.file.src_uri, f"docs/{page.file.src_uri}")
    pages = {target: name for name, target in SHOWN.items()}

    def add(path: str) -> str:
        """Carry a file of the repository along; returns where it is on the site."""
        if path.endswith(".md"):
            log.warning(f"{source} links {path}, a page: give it a place in tools/site_hooks.py: SHOWN")
            return "index.md"
        name = f"files/{path}"
        if files.get_file_from_path(name) is None:
            files.append(File.generated(config, name, content=(ROOT / path).read_bytes()))
        return name

    return rewritten(markdown, source, page.file.src_uri, pages, add)
