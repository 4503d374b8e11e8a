"""Blocks of Python: a comment behind an expression is its value, what it prints, or the error that it raises.

    list_arch()  # ('crisp-stc', 'dense', 'dstc', 'stc')
    print(table)
    #> two lines
    #> that it prints
    load_arch("none")  # InputError: ...

Other comments stand on lines of their own, or behind statements. `...` stands for a part that is left out.
"""

import ast
import io
import tokenize
from contextlib import redirect_stdout
from typing import Any

from documented_console import difference, same

BELOW = "#>"


def run_python(source: str, namespace: dict[str, Any], page: str, line: int) -> list[str]:
    """Run a block that begins in a line of a page; a sentence for each value that is not as shown."""
    wrong = []
    comments = comments_by_line(source)
    body = ast.parse(source, page).body
    for node in body:
        last = node.end_lineno or node.lineno
        shown = promised(comments, last) if isinstance(node, ast.Expr) else None
        place = f"{ast.get_source_segment(source, node)} (line {line + last - 1})"
        ast.increment_lineno(node, line - 1)
        if shown is None or not isinstance(node, ast.Expr):
            try:
                exec(compile(ast.Module([node], []), page, "exec"), namespace)
            except Exception as error:  # noqa: BLE001  # whatever it is, the page is wrong
                return [*wrong, f"{place}\n{type(error).__name__}: {error}"]
            continue
        found = outcome(node, namespace, page)
        if not same(shown.replace('"', "'"), found.replace('"', "'")):
            wrong.append(f"{place}\n{difference(shown, found)}")
    return wrong


def comments_by_line(source: str) -> dict[int, str]:
    """The comments of a block by their lines."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}


def promised(comments: dict[int, str], last: int) -> str | None:
    """What stands behind an expression that ends in a line, or below it; None when nothing does.

    >>> promised({1: "# 5"}, 1), promised({2: "#> a", 3: "#> b"}, 1), promised({2: "# prose"}, 1)
    ('5', 'a\\nb', None)
    """
    if last in comments:
        return comments[last].removeprefix("#").strip()
    below = []
    while comments.get(last + 1, "").startswith(BELOW):
        last += 1
        below.append(comments[last].removeprefix(BELOW).removeprefix(" "))
    return "\n".join(below) if below else None


def outcome(node: ast.Expr, namespace: dict[str, Any], page: str) -> str:
    """What an expression gives, as a reader would see it."""
    printed = io.StringIO()
    try:
        with redirect_stdout(printed):
            value = eval(compile(ast.Expression(node.value), page, "eval"), namespace)
    except Exception as error:  # noqa: BLE001  # the page may promise any
        return f"{type(error).__name__}: {error}"
    if value is None and printed.getvalue():
        return printed.getvalue()
    bare = isinstance(node.value, ast.Tuple) and node.value.elts and node.col_offset == node.value.elts[0].col_offset
    return printed.getvalue() + (", ".join(map(repr, value)) if bare else repr(value))
