"""What a public function was given, where it takes no such value: one sentence, whatever the function."""

from typing import Any

from crisp_hw.errors import InputError

_PLAIN = (bool, int, float, str, bytes)
_LONGEST = 40  # characters of a value that a sentence repeats


def wrong_kind(what: str, value: Any, accepted: str, hint: str = "") -> InputError:
    """The error to raise for a value of a kind that is not accepted; `hint` says more than "give one of these".

    >>> raise wrong_kind("layers", 7, 'a glob such as "layer4.*"')
    Traceback (most recent call last):
    ...
    crisp_hw.errors.InputError: layers is 7, an int; give a glob such as "layer4.*"
    """
    return InputError(f"{what} is {told(value)}", hint=hint or f"give {accepted}")


def told(value: Any) -> str:
    """A value as a sentence tells it: short ones themselves, of all others the kind.

    >>> told(42), told(None), told([1, 2]), told("")
    ('42, an int', 'None', 'a list', "'', a str")
    """
    if value is None:
        return "None"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    name = type(value).__name__
    kind = f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"
    if not isinstance(value, _PLAIN):
        return kind
    said = repr(value) if not isinstance(value, str | bytes) else repr(value[:_LONGEST])
    return f"{said if len(said) <= _LONGEST + 2 else f'{said[:_LONGEST]}...'}, {kind}"
