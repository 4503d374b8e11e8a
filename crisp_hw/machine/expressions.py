"""Arithmetic in documents ("depth: 12 * rows"), evaluated without ever running it as Python."""

import ast
import math
import operator
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from crisp_hw.errors import InputError
from crisp_hw.machine.foreign import in_our_words

# 0x10, 0o17, 0b11, 1_000: other readers of YAML take them for text or for another number
_ODD_NUMBER = re.compile(r"(?<![\w.\"'])(?:0[xXoObB]\w+|\d+_[\d_]+\w*)")
LONGEST = 500  # characters
DEEPEST = 40  # nested operations
LARGEST_POWER = 64
MOST_BITS = 128

_MATH = ("ceil", "floor", "trunc", "sqrt", "isqrt", "exp", "log", "log2", "log10", "gcd", "prod")
_BUILT_IN = (abs, round, sum, min, max, len, int, float, bool)
FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    # those of timeloopfe's expressions that compute a number from numbers
    **{name: getattr(math, name) for name in _MATH},
    **{function.__name__: function for function in _BUILT_IN},
}
CONSTANTS: Mapping[str, float] = {"pi": math.pi, "e": math.e}
_OPERATORS: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


Functions = Mapping[str, Callable[..., Any]]


def evaluate(expression: str, names: Mapping[str, Any], functions: Functions = FUNCTIONS) -> Any:
    """The value of an arithmetic expression over `names` (numbers, text, lists, and mappings of them).

    Known are numbers, text, lists, + - * / // % **, comparisons, and/or/not, if-else, the `functions`, and `name.key`,
    `name["key"]`, `name.keys()` and `name.values()` of mappings. Raises InputError for everything else, and for a
    result that is no use.

    >>> evaluate("ceil(rows * 12 / buffer.attributes['width'])", {"rows": 3, "buffer": {"attributes": {"width": 8}}})
    5
    >>> evaluate("__import__('os').getcwd()", {})
    Traceback (most recent call last):
    ...
    crisp_hw.errors.InputError: "__import__('os').getcwd()" cannot be computed: only functions by name are known, ...
    """
    body = _parsed(expression)
    try:
        return _value(body, _Known(names, functions), 0)
    except _Unknown as error:
        raise InputError(f'"{expression[:60]}" cannot be computed: {error}', hint=error.hint) from error
    except (ArithmeticError, TypeError, ValueError, LookupError) as error:
        raise InputError(f'"{expression[:60]}" cannot be computed: {in_our_words(error)}') from error


@lru_cache(maxsize=4096)
def _parsed(expression: str) -> ast.expr:
    try:
        if len(expression) > LONGEST:
            raise _Unknown(f"it is longer than {LONGEST} characters")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "3if" and the like: an error or a number, but no remark to the user
            tree = ast.parse(expression.strip(), mode="eval")
        if odd := _ODD_NUMBER.search(expression):
            raise _Unknown(f"{odd[0]} is a number in Python alone", hint="write numbers in decimal digits")
    except _Unknown as error:
        raise InputError(f'"{expression[:60]}" cannot be computed: {error}', hint=error.hint) from error
    except (SyntaxError, RecursionError, MemoryError, ValueError) as error:
        what = f'"{expression[:60]}" is neither a number nor an expression'
        raise InputError(what, hint="quote it if it is text") from error
    return tree.body


def names_in(expression: str) -> tuple[str, ...]:
    """The names that an expression reads, functions left out; InputError where it is none.

    >>> names_in("ceil(rows / lanes) * m")
    ('lanes', 'm', 'rows')
    """
    body = _parsed(expression)
    called = {id(node.func) for node in ast.walk(body) if isinstance(node, ast.Call)}
    found = (node.id for node in ast.walk(body) if isinstance(node, ast.Name) and id(node) not in called)
    return tuple(sorted(set(found)))


def functions_in(expression: str) -> tuple[str, ...]:
    """The functions that an expression calls by name.

    >>> functions_in("ceil(rows / lanes) * m")
    ('ceil',)
    """
    calls = (node.func for node in ast.walk(_parsed(expression)) if isinstance(node, ast.Call))
    return tuple(dict.fromkeys(func.id for func in calls if isinstance(func, ast.Name)))


def texts_in(expression: str) -> tuple[tuple[str, str], ...]:
    """The names that an expression compares with a text, each with the text.

    >>> texts_in("kind == 'linear' and role in ['nm', 'dense']")
    (('kind', 'linear'), ('role', 'nm'), ('role', 'dense'))
    """
    found: list[tuple[str, str]] = []
    for node in ast.walk(_parsed(expression)):
        if isinstance(node, ast.Compare):
            sides = [side for each in (node.left, *node.comparators) for side in getattr(each, "elts", [each])]
            names = [side.id for side in sides if isinstance(side, ast.Name)]
            texts = [side.value for side in sides if isinstance(side, ast.Constant) and isinstance(side.value, str)]
            found += [(name, text) for name in names for text in texts]
    return tuple(found)


@dataclass(frozen=True)
class _Known:
    """What an expression may name and call."""

    names: Mapping[str, Any]
    functions: Functions


class _Unknown(Exception):
    """Something that expressions do not have, and what to do about it."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.hint = hint


def _value(node: ast.expr, known: _Known, depth: int) -> Any:  # noqa: C901 - one case per kind of node
    if depth > DEEPEST:
        raise _Unknown(f"it nests more than {DEEPEST} operations")

    def inner(part: ast.expr) -> Any:
        return _value(part, known, depth + 1)

    match node:
        case ast.Constant(value=bool() | int() | float() | str() as value):
            return value
        case ast.Name(id=name):
            return _named(name, known.names)
        case ast.BinOp(left=left, op=sign, right=right):
            return _binary(type(sign), inner(left), inner(right))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_number(inner(operand))
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _number(inner(operand))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not inner(operand)
        case ast.BoolOp(op=ast.And(), values=parts):
            return all(inner(part) for part in parts)
        case ast.BoolOp(op=ast.Or(), values=parts):
            return any(inner(part) for part in parts)
        case ast.Compare(left=left, ops=[sign], comparators=[right]) if type(sign) in _OPERATORS:
            return _OPERATORS[type(sign)](inner(left), inner(right))
        case ast.IfExp(test=test, body=body, orelse=otherwise):
            return inner(body) if inner(test) else inner(otherwise)
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            return [inner(part) for part in parts]
        case ast.Attribute(value=whole, attr=key):
            return _item(inner(whole), key)
        case ast.Subscript(value=whole, slice=key):
            return _item(inner(whole), inner(key))
        case ast.Call(func=ast.Name(id=name), args=parts, keywords=[]) if name in known.functions:
            return _checked(known.functions[name](*(inner(part) for part in parts)))
        case ast.Call(func=ast.Attribute(value=whole, attr=key), args=[], keywords=[]) if key in ("keys", "values"):
            return _parts(inner(whole), key)
        case ast.Call():
            raise _Unknown(f"only functions by name are known, which are {', '.join(known.functions)}")
    raise _Unknown(f"expressions have no {type(node).__name__}")


def _named(name: str, names: Mapping[str, Any]) -> Any:
    if name in names:
        return names[name]
    if name in CONSTANTS:
        return CONSTANTS[name]
    raise _Unknown(f"there is no {name} in scope", "quote it if it is text")


def _binary(sign: type, left: Any, right: Any) -> Any:
    if sign not in _OPERATORS:
        raise _Unknown(f"expressions have no {sign.__name__}")
    if sign is ast.Pow and abs(_number(right)) > LARGEST_POWER:
        raise _Unknown(f"powers go up to {LARGEST_POWER}")
    return _checked(_OPERATORS[sign](_number(left), _number(right)))


def _number(value: Any) -> Any:
    if not isinstance(value, int | float):
        raise _Unknown(f"{str(value)[:40]!r} is not a number")
    return value


def _checked(value: Any) -> Any:
    """Numbers of a size that can mean something."""
    if isinstance(value, int) and value.bit_length() > MOST_BITS:
        raise _Unknown(f"a result has more than {MOST_BITS} bits")
    if isinstance(value, complex) or (isinstance(value, float) and not math.isfinite(value)):
        raise _Unknown(f"a result is {value}")
    return value


def _parts(whole: Any, which: str) -> list[Any]:
    if not isinstance(whole, Mapping):
        raise _Unknown(f"{str(whole)[:40]!r} has no {which}")
    return list(whole.keys() if which == "keys" else whole.values())


def _item(whole: Any, key: Any) -> Any:
    if isinstance(whole, Mapping) and isinstance(key, str):
        if key in whole:
            return whole[key]
        raise _Unknown(f"there is no {key!r}", f"there are {', '.join(map(str, whole)) or 'none'}")
    if isinstance(whole, list) and isinstance(key, int):
        return whole[key]
    raise _Unknown(f"{str(whole)[:40]!r} has no parts")
