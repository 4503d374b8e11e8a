"""Architecture files to begin with: a packaged one in full, or a short one that changes it."""

from typing import Any

import yaml

from crisp_hw.accelerators.files import arch_path, resolved
from crisp_hw.data_files import data_folder
from crisp_hw.errors import InputError
from crisp_hw.machine.files import read_text
from crisp_hw.machine.positions import MarkedDict, plain

_SHORT = """\
# {name}: {base} with other numbers. What does not stand here is as in {base}; `crisp-hw arch show {base}` lists it,
# `crisp-hw arch copy {base} FILE` writes it in full, and `crisp-hw arch check` names every mistake of this file.
schema: crisp-hw/arch/2
name: {name}
extends: {base}
# Every number stands with its source. For example:
# levels:
#   {level}:
#     {size}: {{value: {other}, source: "the memory of this design"}}
#     read_bandwidth: {{value: 32, source: "its datasheet, words per cycle"}}
#     write_bandwidth: {{value: 32, source: "its datasheet, words per cycle"}}
"""
MOST_KB = 2048  # the largest memory that arch/energy/sram-grid.yaml has
_WIDE = 10_000  # columns, so that an entry stays on its line


def short_text(name: str, base: str) -> str:
    """A file that extends a packaged accelerator and shows, in comments, how a number is changed.

    >>> print(short_text("mine", "stc").splitlines()[4])
    extends: stc
    """
    level, size, words = _resized(resolved(arch_path(base)))
    return _SHORT.format(
        name=name, base=base, level=level, size=size, other=words * 2 if words <= MOST_KB // 2 else words // 2
    )


def _resized(document: MarkedDict) -> tuple[str, str, int]:
    """The outermost level that has a size: its name, the field of the size, and the size."""
    for name, level in document["levels"].items():
        for field in ("size_kb", "size_words"):
            if field in level:
                given = level[field]
                return name, field, given["value"] if isinstance(given, dict) else given
    raise InputError("no level has a size", hint="an accelerator needs one on the chip")


def full_text(base: str, name: str) -> str:
    """The file of a packaged accelerator under another name, with everything that it extends written out.

    >>> text = full_text("crisp-stc", "mine")
    >>> "name: mine" in text and "extends" not in text
    True
    """
    path = arch_path(base)
    source = read_text(data_folder("arch") / "fabric.yaml")
    document = plain(resolved(path)) | {"name": name}
    lines = [_comment_above(read_text(path), "schema"), _comment_above(source, "schema").replace("\n#\n", "\n")]
    for key, value in document.items():
        if key == "constraints":
            lines.append(f"\n{_comment_above(source, key)}")
        lines.append(_entry(key, value))
    return "".join(lines)


def _entry(key: str, value: Any) -> str:
    """A key of the top: what has parts in parts has a line for each of them."""
    if not isinstance(value, dict) or not any(isinstance(each, dict) for each in value.values()):
        return f"{key}: {_flow(value)}\n"
    deep = key == "levels"
    lines = [f"{key}:\n"]
    for name, each in value.items():
        if deep:
            lines += [f"  {name}:\n", *(f"    {field}: {_flow(part)}\n" for field, part in each.items())]
        else:
            lines.append(f"  {name}: {_flow(each)}\n")
    return "".join(lines)


def _flow(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=_WIDE, allow_unicode=True)
    return text.removesuffix("...\n").strip()


def _comment_above(text: str, key: str) -> str:
    """The lines of comment that stand directly above a key of the top."""
    lines = text.splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith(f"{key}:"))
    start = place
    while start and lines[start - 1].startswith("#"):
        start -= 1
    return "".join(f"{line}\n" for line in lines[start:place])
