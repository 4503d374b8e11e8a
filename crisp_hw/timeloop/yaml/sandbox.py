"""Jinja's sandbox with limits that do not depend on time: steps, characters, and the size of every number and value.

Jinja's own sandbox keeps templates away from Python; it lets them run and grow for ever. Here every round of a loop,
every macro and every output statement is counted (calls to the counter are put into the parsed template), and so is
what filters, operators and methods of text go through or make.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any

from jinja2 import StrictUndefined, TemplateRuntimeError, nodes
from jinja2.loaders import BaseLoader
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from crisp_hw.machine.foreign import Unfit
from crisp_hw.timeloop.yaml.template_lines import TemplateLines

STEPS = 200_000  # rounds of loops and values gone through; a document of Timeloop needs some hundred
CHARACTERS = 16 * 2**20  # written by all templates of a run together: as many as a YAML file may have
MARKERS = 20_000  # expressions and statements of one file; Python compiles them all
BITS = 1024  # of a whole number
FILTERS = (
    # those whose result is at most about as large as what they are given; join, replace and indent are weighed first
    *("abs", "attr", "capitalize", "count", "d", "default", "dictsort", "e", "escape", "filesizeformat", "first"),
    *("float", "forceescape", "groupby", "indent", "int", "items", "join", "last", "length", "list", "lower", "map"),
    *("max", "min", "reject", "rejectattr", "replace", "reverse", "round", "safe", "select", "selectattr", "sort"),
    *("string", "striptags", "sum", "title", "tojson", "trim", "truncate", "unique", "upper", "urlencode", "wordcount"),
)
METHODS = (
    # methods of text that make nothing larger; format, join and replace are weighed first
    *("capitalize", "count", "endswith", "find", "format", "format_map", "index", "isalnum", "isalpha", "isdecimal"),
    *("isdigit", "islower", "isnumeric", "isspace", "isupper", "join", "lower", "lstrip", "partition", "removeprefix"),
    *("removesuffix", "replace", "rfind", "rindex", "rpartition", "rsplit", "rstrip", "split", "splitlines"),
    *("startswith", "strip", "swapcase", "title", "upper"),
)
GROWING = ("join", "replace", "indent")
DIGITS = 20
_OF_JINJA = ("_loop_vars", "_block_vars", "caller")  # what compiled templates add to a call
_WIDE = re.compile(r"\d{3}|\*|\{[^{}]*\{")  # a width of three digits, or one that is computed


class Refused(TemplateRuntimeError, Unfit):
    """What a template may not do, in words of this program."""


@dataclass
class Budget:
    """What the templates of one run may still do; `spend` and `write` raise where it is used up."""

    steps: int = STEPS
    characters: int = CHARACTERS

    def spend(self, steps: int) -> None:
        """Count rounds of a loop, or values gone through."""
        self.steps -= steps
        if self.steps < 0:
            raise Refused(f"it takes more than {STEPS:,} steps")

    def write(self, characters: int) -> None:
        """Count characters written, or put into a new text."""
        self.characters -= characters
        if self.characters < 0:
            raise Refused(f"it makes more than {CHARACTERS:,} characters of text")

    def weigh(self, value: Any) -> Any:
        """Count a value and everything inside it, as often as it stands there; the value."""
        if isinstance(value, str | bytes):
            self.write(len(value))
        elif isinstance(value, Mapping):
            self.spend(len(value))
            for key, inside in value.items():
                self.weigh(key)
                self.weigh(inside)
        elif isinstance(value, list | tuple | set | frozenset):
            self.spend(len(value))
            for inside in value:
                self.weigh(inside)
        elif isinstance(value, range):
            self.spend(len(value))
        return value


class LimitedEnvironment(ImmutableSandboxedEnvironment):
    """Jinja's immutable sandbox whose templates spend a budget."""

    intercepted_binops = frozenset(["+", "*", "**", "%"])

    def __init__(self, budget: Budget, loader: BaseLoader, functions: Mapping[str, Any]) -> None:
        self.marking: LineMarking | None = None
        self.asked: set[str] = set()
        super().__init__(
            loader=loader, undefined=StrictUndefined, keep_trailing_newline=True, finalize=budget.weigh, cache_size=0
        )
        self.budget = budget
        self.globals = {**functions, "range": self.numbers}
        self.filters = {name: _weighed(name, self.filters[name], budget) for name in FILTERS}
        tests: dict[str, Any] = self.tests
        self.tests = {name: _weighed(name, test, budget) for name, test in tests.items()}

    def numbers(self, *ends: int) -> range:
        """Python's `range`, whose numbers are counted when it is made."""
        made = range(*ends)
        if len(made) > STEPS:
            raise Refused(f"Range too big: {len(made):,} numbers, and a template takes {STEPS:,} steps")
        self.budget.spend(len(made))
        return made

    def counted(self, items: Iterable[Any]) -> Iterator[Any]:
        """What a loop goes through, counted."""
        for item in items:
            self.budget.spend(1)
            yield item

    def entered(self, characters: int) -> str:
        """Count one output statement or macro, and its constant text."""
        self.budget.spend(1)
        self.budget.write(characters)
        return ""

    def concatenated(self, *parts: Any) -> str:
        """The texts of some values as one (Jinja's `~`)."""
        return "".join(str(self.budget.weigh(part)) for part in parts)

    def weighed(self, value: Any) -> Any:
        """A value that a comparison goes through."""
        return self.budget.weigh(value)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Operators whose results can grow."""
        for one, other in ((left, right), (right, left)):
            if isinstance(one, str | list | tuple):
                self._grow(operator, one, other)
        if isinstance(left, int) and isinstance(right, int):
            bits = left.bit_length() * right if operator == "**" else left.bit_length() + right.bit_length()
            if bits > BITS:
                raise Refused(f"a number has more than {BITS} bits")
        return super().call_binop(context, operator, left, right)

    def _grow(self, operator: str, sequence: Any, other: Any) -> None:
        if operator == "%":
            _check_widths(str(sequence))
            self.budget.weigh(other)
            self.budget.write(len(sequence) * (1 + len(str(other)[:CHARACTERS])) if "%" in str(sequence) else 0)
            return
        times = other if operator == "*" and isinstance(other, int) else 1
        self.budget.spend(0 if isinstance(sequence, str) else max(0, len(sequence) * times))
        self.budget.write(max(0, len(sequence) * times) if isinstance(sequence, str) else 0)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """A slice copies what it takes."""
        if isinstance(argument, slice) and isinstance(obj, str | list | tuple):
            self.budget.spend(len(obj))
        return super().getitem(obj, argument)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        """Methods of text, as METHODS says; everything else as the sandbox has it."""
        method = getattr(__obj, "__wrapped__", __obj)  # the sandbox wraps `format`
        text, name = getattr(method, "__self__", None), getattr(method, "__name__", "")
        if isinstance(text, str | bytes):
            __self._check_method(text, name, (*args, *(kwargs[key] for key in kwargs if key not in _OF_JINJA)))
        elif isinstance(text, list | tuple | Mapping | range):
            __self.budget.spend(len(text))
        return super().call(__context, __obj, *args, **kwargs)

    def _check_method(self, text: str | bytes, name: str, given: tuple[Any, ...]) -> None:
        if name not in METHODS or isinstance(text, bytes):
            raise Refused(f"texts have no {name} here")
        self.budget.weigh((text, given))
        if name in ("format", "format_map"):
            _check_widths(text)
            self.budget.write(text.count("{") * sum(len(str(each)) for each in given))
        elif name == "join":
            _check_growth(self.budget, given[0] if given else "", (text,))
        elif name == "replace":
            _check_growth(self.budget, text, given)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        if source.count("{{") + source.count("{%") > MARKERS:
            raise Refused(f"it holds more than {MARKERS:,} expressions and statements")
        parsed = super()._parse(source, name, filename)
        self.asked |= {each.name for each in parsed.find_all(nodes.Name)}
        counted: nodes.Template = _Counting().visit(parsed)
        marked: nodes.Template = self.marking.visit(counted) if self.marking and name is None else counted
        marked.set_environment(self)
        return marked


class LineMarking(NodeTransformer):
    """Marks the constant text of a parsed template; Jinja's visitor finds methods by these names.

    What becomes a value of the template first (macros, blocks that are assigned or filtered) stays as it is.
    """

    def __init__(self, lines: TemplateLines, file: str) -> None:
        self.lines, self.file = lines, file

    def visit_TemplateData(self, node: nodes.TemplateData) -> nodes.Node:
        node.data = self.lines.mark(node.data, self.file, node.lineno)
        return node

    def _as_it_is(self, node: nodes.Node) -> nodes.Node:
        return node

    visit_Macro = visit_CallBlock = visit_FilterBlock = visit_AssignBlock = _as_it_is


class _Counting(NodeTransformer):
    """Puts calls of the environment's counters into a parsed template; Jinja's visitor finds methods by these names."""

    def visit_Output(self, node: nodes.Output) -> nodes.Node:
        constant = sum(len(part.data) for part in node.nodes if isinstance(part, nodes.TemplateData))
        self.generic_visit(node)
        node.nodes.insert(0, _call(node, "entered", nodes.Const(constant)))
        return node

    def visit_For(self, node: nodes.For) -> nodes.Node:
        self.generic_visit(node)
        node.iter = _call(node, "counted", node.iter)
        return self._entered(node) if node.recursive else node

    def visit_Macro(self, node: nodes.Macro) -> nodes.Node:
        self.generic_visit(node)
        return self._entered(node)

    def visit_CallBlock(self, node: nodes.CallBlock) -> nodes.Node:
        self.generic_visit(node)
        return self._entered(node)

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:
        self.generic_visit(node)
        node.expr = _call(node, "weighed", node.expr)
        for operand in node.ops:
            operand.expr = _call(node, "weighed", operand.expr)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        return _call(node, "concatenated", *node.nodes)

    @staticmethod
    def _entered(node: nodes.For | nodes.Macro | nodes.CallBlock) -> nodes.Node:
        node.body.insert(0, nodes.Output([_call(node, "entered", nodes.Const(0))], lineno=node.lineno))
        return node


def _call(node: nodes.Node, counter: str, *arguments: Any) -> nodes.Call:
    made = nodes.Call(nodes.EnvironmentAttribute(counter), list(arguments), [], None, None)
    made.set_lineno(node.lineno)
    return made


def _weighed(name: str, filter_: Callable[..., Any], budget: Budget) -> Callable[..., Any]:
    """A filter of Jinja that first counts what it is given."""
    place = 1 if hasattr(filter_, "jinja_pass_arg") else 0  # some are given the context or the environment first

    @wraps(filter_)
    def limited(*args: Any, **kwargs: Any) -> Any:
        given = list(args)
        if isinstance(given[place], Iterator):
            given[place] = list(given[place])
        rest = (*given[place + 1 :], *kwargs.values())
        budget.spend(1)
        budget.weigh(given[place])
        budget.weigh(rest)
        if name in GROWING:
            _check_growth(budget, given[place], rest)
        if name == "round" and any(isinstance(each, int) and abs(each) > DIGITS for each in rest):
            raise Refused(f"numbers are rounded to {DIGITS} digits at most")
        if name == "sum" and any(isinstance(each, list | tuple) for each in rest):
            raise Refused("only numbers add up with sum")
        return filter_(*given, **kwargs)

    return limited


def _check_growth(budget: Budget, subject: Any, rest: tuple[Any, ...]) -> None:
    """The most that joining, replacing and indenting can make: the longest text given for everything there is."""
    longest = max((each if isinstance(each, int) else len(str(each)) for each in rest), default=0)
    size = len(subject) if isinstance(subject, str | list | tuple | Mapping | range) else len(str(subject))
    budget.write((size + 1) * max(longest, 0))


def _check_widths(text: str) -> None:
    if _WIDE.search(text):
        raise Refused("the widths of formats have two digits at most")
