"""`crisp-hw cache`."""

import sys

import typer

from crisp_hw.cli.options import FormatOption
from crisp_hw.cli.output import show

app = typer.Typer(
    help="What past searches found: in $CRISP_HW_CACHE, else in $XDG_CACHE_HOME/crisp-hw or ~/.cache/crisp-hw.",
    no_args_is_help=True,
)


@app.command()
def info(form: FormatOption = "table") -> None:
    """Where the folder is, and what it holds."""
    from crisp_hw.report.searches import store_document
    from crisp_hw.searches import store

    show(store_document(store.info(store.default_store())), form)


@app.command()
def clear() -> None:
    """Delete all of it."""
    from crisp_hw.searches import store

    where = store.default_store()
    sys.stdout.write(f"deleted {store.clear(where)} files in {where.folder}\n")
