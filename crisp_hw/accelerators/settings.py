"""`crisp-stc:smem_bandwidth=32,rf_kb=2`: an accelerator and what to change of it, in one text; `--set` says as much."""

from dataclasses import dataclass
from pathlib import Path

from crisp_hw.data_files import packaged
from crisp_hw.errors import InputError
from crisp_hw.machine.yaml_text import decimal
from crisp_hw.spec.kinds import wrong_kind
from crisp_hw.spec.variant import Changes, setting_text

FILES = (".yaml", ".yml")
ACCEPTED = (
    "a name of list_arch(), the path of a .yaml file, or either with changes such as "
    f"{packaged().default}:smem_bandwidth=32"
)


@dataclass(frozen=True)
class Asked:
    """The name or file of an accelerator, and what to change of it."""

    base: str | Path
    changes: Changes


def asked(name_or_path: str | Path) -> Asked:
    """Read the name or file of an accelerator, with the changes that stand behind its last colon.

    A Path, and text that ends in .yaml or .yml, is a file as a whole, whatever colons it has.

    >>> asked("crisp-stc:smem_bandwidth=32,rf_kb=none")
    Asked(base='crisp-stc', changes={'smem_bandwidth': 32, 'rf_kb': None})
    >>> asked("a:b.yaml:cores=2").base, asked("a:b.yaml").base
    ('a:b.yaml', 'a:b.yaml')
    """
    if not isinstance(name_or_path, str | Path):
        raise wrong_kind("the accelerator", name_or_path, ACCEPTED)
    if isinstance(name_or_path, Path) or name_or_path.endswith(FILES):
        return Asked(name_or_path, {})
    base, colon, texts = name_or_path.rpartition(":")
    return Asked(base, settings(texts.split(","), f"{base}:")) if colon else Asked(name_or_path, {})


def settings(texts: list[str], before: str) -> Changes:
    """Values by parameter of texts such as smem_bandwidth=32; `before` is what stands in front of one in an error.

    >>> settings(["cores=8", "cores=4"], "--set ")
    Traceback (most recent call last):
    ...
    crisp_hw.errors.InputError: --set cores: is given twice, as 8 and as 4; give it once
    """
    found: dict[str, float | None] = {}
    for text in texts:
        name, equals, number = text.partition("=")
        name, value = name.strip(), _value(text, number.strip(), before) if equals else None
        if not name:
            raise InputError(f"{before}{text}: names no parameter", hint=f"write {before}cores=8, for example")
        if not equals:
            raise InputError(f"{before}{text}: lacks a value", hint=f"write {before}{text}=NUMBER")
        if name in found:
            said = f"as {setting_text(found[name])} and as {setting_text(value)}"
            raise InputError(f"{before}{name}: is given twice, {said}", hint="give it once")
        found[name] = value
    return found


def _value(text: str, number: str, before: str) -> float | None:
    if number == "none":
        return None
    value = decimal(number)
    if value is None:
        hint = "give a decimal number, or none for unlimited"
        raise InputError(f"{before}{text}: {number!r} is no number", hint=hint)
    return int(value) if isinstance(value, float) and value.is_integer() else value
