"""How values show themselves: in one line, where every field would fill screens, and as HTML in a notebook."""

from collections.abc import Iterable, Sequence
from html import escape

_SHOWN = 6  # names that a line lists before it counts the rest


def listed(names: Iterable[str], most: int = _SHOWN) -> str:
    """Names on one line, of many the first ones.

    >>> listed(["a", "b"]), listed("abcdefgh", 3), listed([])
    ('a, b', 'a, b, c and 5 more', 'nothing')
    """
    every = list(names)
    rest = f" and {len(every) - most} more" if len(every) > most else ""
    return (", ".join(every[:most]) or "nothing") + rest


def counted(number: int, what: str) -> str:
    """A number of things.

    >>> counted(1, "layer"), counted(1200, "layer")
    ('1 layer', '1,200 layers')
    """
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def table_html(title: str, headings: Sequence[str], rows: Iterable[Sequence[str]], left: Iterable[int] = (0,)) -> str:
    """A table for a notebook; columns stand on the right but for those whose places are in `left`.

    >>> table_html("t", ["name"], [["<a>"]]).count("&lt;a&gt;</td></tr></tbody></table>")
    1
    """
    sides = ["left" if place in set(left) else "right" for place in range(len(headings))]
    head = "".join(map(_cell, headings, sides, ["th"] * len(sides)))
    body = "".join(f"<tr>{''.join(map(_cell, row, sides, ['td'] * len(sides)))}</tr>" for row in rows)
    return f"<p><b>{escape(title)}</b></p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def folded_html(summary: str, lines: Iterable[str]) -> str:
    """Lines that a reader opens; nothing where there are none.

    >>> folded_html("notes", ["a < b"]), folded_html("notes", [])
    ('<details><summary>notes (1)</summary><ul><li>a &lt; b</li></ul></details>', '')
    """
    items = [f"<li>{escape(line)}</li>" for line in lines]
    many = f"{escape(summary)} ({len(items)})"
    return f"<details><summary>{many}</summary><ul>{''.join(items)}</ul></details>" if items else ""


def _cell(text: str, side: str, tag: str) -> str:
    return f'<{tag} style="text-align:{side}">{escape(text)}</{tag}>'
