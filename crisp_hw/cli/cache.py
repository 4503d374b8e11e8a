"""`crisp-hw cache`."""

import sys
from typing import TYPE_CHECKING

from crisp_hw.cli.options import FormatOption
from crisp_hw.cli.output import show
from crisp_hw.command_line.program import new_group

if TYPE_CHECKING:
    from crisp_hw.machine.store import Store

app = new_group(
    "Show or delete what is kept of past searches, of the answers of CACTI and Accelergy, and of the script that draws "
    "the charts of a page. The folder is $CRISP_HW_CACHE, else $XDG_CACHE_HOME/crisp-hw, else ~/.cache/crisp-hw."
)


@app.command()
def info(form: FormatOption = "table") -> None:
    """Say where the folder is and what it holds."""
    from crisp_hw.machine.store import info as info_of
    from crisp_hw.report.kept import kept_document

    show(kept_document([info_of(each) for each in _stores()]), form)


@app.command()
def clear() -> None:
    """Delete everything that is kept."""
    from crisp_hw.machine.store import clear as clear_all

    found = _stores()
    sys.stdout.write(f"deleted {clear_all(found)} files in {found[0].folder}\n")


def _stores() -> "list[Store]":
    """All kinds of kept results, in one folder; InputError where that cannot be one."""
    from crisp_hw.characterization import accelergy, cacti
    from crisp_hw.machine.store import Store, cache_folder, check_folder
    from crisp_hw.report.page import library
    from crisp_hw.searches import version

    folder = cache_folder()
    check_folder(folder)
    tools = (Store(folder, each.KIND, each.RECORD) for each in (cacti, accelergy))
    charts = Store(folder, library.KIND, library.library_version())
    return [Store(folder, version.KIND, version.engine_version()), *tools, charts]
