"""The chart library of a page: Vega, Vega-Lite and vega-embed as one script, which its package takes a second to join.

So the script is kept beside searches, under the version of the package (`machine.store`).
"""

from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, distribution

from crisp_hw.machine.store import open_store, read, write

KIND = "charts"
LIBRARY = "vl-convert-python"
SCRIPT = "window.vegaEmbed = vegaEmbed;"
"""What the script does with the library."""
_LICENCES = ("License-Expression", "License")


def library_version() -> str:
    """The version of the package; "none" where it is not installed."""
    try:
        return distribution(LIBRARY).version
    except PackageNotFoundError:
        return "none"


@cache
def library() -> str:
    """Vega, Vega-Lite and vega-embed as one script; empty where the package is not installed."""
    try:
        import vl_convert
    except ImportError:
        return ""
    store, key = open_store(KIND, library_version()), sha256(SCRIPT.encode()).hexdigest()
    kept = read(store, key) if store else None
    if isinstance(kept, str):
        return kept
    made = str(vl_convert.javascript_bundle(SCRIPT))
    if store:
        write(store, key, made)
    return made


@cache
def licence() -> str:
    """The name, version and licence of the chart library, as its package says."""
    try:
        found = distribution(LIBRARY)
    except PackageNotFoundError:
        return ""
    import vl_convert

    parts = f"Vega {vl_convert.get_vega_version()}, Vega-Lite, vega-embed {vl_convert.get_vega_embed_version()}"
    named = next((found.metadata[key] for key in _LICENCES if key in found.metadata), "unknown")
    return f"{parts}, from {LIBRARY} {found.version}, licence {named}"
