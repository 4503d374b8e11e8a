"""What makes the site is looked at where the extra `docs` is installed."""

from importlib.util import find_spec

DOCS = ("site_hooks.py", "docs_site", "notebooks.py")
collect_ignore = [] if find_spec("mkdocs") and find_spec("nbclient") else list(DOCS)
