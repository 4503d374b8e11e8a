"""Equations that are true: numbers are printed with as many digits as it takes to get the result from them.

A step's result always comes from the engine. What is printed before it is calculated once more, from the printed text;
an equation that does not give the result is not printed.
"""

import ast
import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from crisp_hw.explanation.nouns import ExplanationStep

DIGITS = (4, 6, 9, 12, 17)  # significant digits to try; 17 carry a double over unchanged
CLOSE = 1e-9  # relative: sums over many occupancies round differently from a closed form
SHOWN = 1e-6  # relative: results are shown with six digits, so that their equation need not give more
LARGEST_CHOICE = 4000  # C(n, k) beyond is not multiplied out to check a formula
UNEXPLAINED = "the engine's own count; the closed form does not hold here"

_READABLE = {"⌈": "ceil(", "⌉": ")", "⌊": "floor(", "⌋": ")", "·": "*", "−": "-"}
_BINARY: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


class Unverifiable(Exception):
    """The text holds something that is too large to calculate once more."""


def number(value: float, digits: int = 6) -> str:
    """A number for people: whole ones with thousands separators, others with so many significant digits.

    >>> number(1179648), number(0.4400007), number(2.5e-7), number(12345.678, 9)
    ('1,179,648', '0.440001', '2.5e-07', '12,345.678')
    """
    if not math.isfinite(value):
        return "endless"
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    if digits == DIGITS[-1]:
        return f"{value:,}"  # the shortest text that is this very double
    if not 1e-4 <= abs(value) < 1e15:
        return f"{value:.{digits}g}"
    decimals = max(digits - 1 - math.floor(math.log10(abs(value))), 1)
    return f"{value:,.{decimals}f}".rstrip("0").rstrip(".")


def product(factors: Iterable[float]) -> str:
    """The factors of a whole product; ones are left out, nothing at all is 1.

    >>> product([4, 1, 1024]), product([])
    ('4 · 1,024', '1')
    """
    return " · ".join(number(factor) for factor in factors if factor != 1) or "1"


def fact(text: str, result: float | None = None, unit: str = "", figure: str = "") -> ExplanationStep:
    """A step that needs no formula."""
    return ExplanationStep(text, result, unit, figure=figure)


Sides = tuple[str, str] | tuple[str, str, Mapping[str, float]]
"""A formula, a template of the same with numbers, and the numbers that fill its fields."""


def equation(text: str, result: float, sides: Sides, unit: str = "", figure: str = "") -> ExplanationStep:
    """A step whose template gives the result when it is filled with the numbers.

    >>> equation("fills", 8, ("T · D", "{T} · {D}", {"T": 4, "D": 2}), "words").values
    '4 · 2'
    >>> equation("all", 8, ("L:1", "{L:1}", {"L:1": 8})).values
    '8'
    >>> step = equation("fills", 9, ("T · D", "{T} · {D}", {"T": 4, "D": 2}), "words")
    >>> step.formula, step.result, step.text
    ('', 9, "fills (the engine's own count; the closed form does not hold here)")
    """
    formula, template, numbers = sides if len(sides) == 3 else (*sides, {})
    if not all(map(math.isfinite, (result, *numbers.values()))):
        return ExplanationStep(text, result, unit, figure=figure)
    exact = _filled(template, numbers, DIGITS[-1])
    if not _gives(exact, result, CLOSE):
        return ExplanationStep(f"{text} ({UNEXPLAINED})", result, unit, figure=figure)
    shorter = (_filled(template, numbers, digits) for digits in DIGITS)
    values = next(text for text in shorter if _gives(text, result, SHOWN))
    return ExplanationStep(text, result, unit, formula, values, figure)


def first_true(text: str, result: float, options: Sequence[Sides], unit: str = "", figure: str = "") -> ExplanationStep:
    """The equation of the first of several rules that holds (programs differ); as `equation` where none does."""
    steps = [equation(text, result, sides, unit, figure) for sides in options]
    return next((step for step in steps if step.formula), steps[0])


def quantity(count: float, noun: str) -> str:
    """A number with its noun.

    >>> quantity(1, "word"), quantity(4096, "word")
    ('1 word', '4,096 words')
    """
    return f"{number(count)} {noun}{'' if count == 1 else 's'}"


def _filled(template: str, numbers: Mapping[str, float], digits: int) -> str:
    """The template with its numbers; names of levels stand for themselves, whatever is in them."""
    for name, value in numbers.items():
        template = template.replace(f"{{{name}}}", number(value, digits))
    return template


def _gives(text: str, result: float, tolerance: float) -> bool:
    """Does a printed expression give the result? (What is too large to tell is believed.)"""
    try:
        return _same(evaluated(text), result, tolerance)
    except Unverifiable:
        return True
    except ValueError:
        return False


def evaluated(text: str) -> float:
    """What a printed expression gives; Unverifiable where it is too large, ValueError where it is none.

    >>> evaluated("⌈1,024 · 0.3⌉ − min(4, 8)")
    304
    """
    text = re.sub(r"(?<=\d),(?=\d{3})", "", text)
    for shown, meant in _READABLE.items():
        text = text.replace(shown, meant)
    try:
        return _value(ast.parse(text, mode="eval").body)
    except (SyntaxError, ZeroDivisionError, OverflowError) as error:
        raise ValueError(f"{text}: {error}") from error


def _value(node: ast.expr) -> float:
    match node:
        case ast.Constant(value=int() | float() as value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return _BINARY[type(op)](_value(left), _value(right))
        case ast.Call(func=ast.Name(id=name), args=arguments) if name in _FUNCTIONS:
            return _FUNCTIONS[name](*map(_value, arguments))
    raise ValueError(f"{ast.unparse(node)}: is no arithmetic")


def _choose(n: float, k: float) -> int:
    """C(n, k); Unverifiable beyond LARGEST_CHOICE factors."""
    if min(k, n - k) > LARGEST_CHOICE:
        raise Unverifiable
    return math.comb(int(n), int(k)) if k >= 0 else 0


_FUNCTIONS: dict[str, Callable[..., float]] = {
    "ceil": math.ceil,
    "floor": math.floor,
    "min": min,
    "max": max,
    "C": _choose,
}


def _same(ours: float, result: float, tolerance: float) -> bool:
    """Whole numbers must agree to the last digit, others relatively."""
    if isinstance(result, int):
        return ours == result
    return math.isclose(ours, result, rel_tol=tolerance, abs_tol=1e-12)
