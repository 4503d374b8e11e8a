"""What a column is: the key of a figure, its heading, unit and meaning, how it reads, and how soon it gives way."""

from dataclasses import dataclass
from typing import Literal

Value = str | int | float | bool | None
Record = dict[str, Value]
"""Figures by the keys of their columns."""
Style = Literal["text", "prose", "whole", "number", "ratio", "share"]
SPELLED = {
    "uj": "uJ", "pj": "pJ", "mac": "MAC", "macs": "MACs", "dram": "DRAM", "nm": "N:M",
    "tops": "TOPS", "w": "W", "edp": "EDP", "ghz": "GHz", "v": "V",
    "kb": "KB", "csr": "CSR", "ellpack": "ELLPACK", "crisp": "CRISP", "rle": "RLE", "timeloop": "Timeloop",
}  # fmt: skip
"""Words of keys that people write otherwise."""
UNITS = {
    "uj": "uJ", "pj": "pJ", "um2": "um2", "bits": "bits", "kbit": "1000 bits", "words": "words", "bytes": "bytes",
    "ms": "ms", "tops": "TOPS", "w": "W", "mm2": "mm2", "ghz": "GHz", "node_nm": "nm", "v": "V",
    "uj_ms": "uJ x ms", "tops_per_w": "TOPS/W", "tops_per_mm2": "TOPS/mm2",
    "cycles": "cycles", "macs": "MACs", "s": "s", "kb": "KB", "bandwidth": "words/cycle",
    "a": "the figure's", "b": "the figure's",
}  # fmt: skip
"""The last word of a key, or its last words -> the unit of its number."""


@dataclass(frozen=True)
class Column:
    """`style` says how a value reads: text, prose (text that may wrap), a whole number, three digits, a ratio, a share.

    Text stands on the left, numbers on the right. Where a table is wider than its place, columns of the highest
    `priority` are left out first, and of equal ones the last; those of priority 0 always stay.
    """

    key: str
    heading: str
    style: Style = "text"
    meaning: str = ""
    priority: int = 0

    @property
    def left(self) -> bool:
        """Does it stand on the left?"""
        return self.style in ("text", "prose")

    @property
    def unit(self) -> str:
        """The unit of the number, "" for text.

        >>> Column("smem_read_words", "", "whole").unit, Column("speedup", "", "ratio").unit, Column("arch", "").unit
        ('words', 'x', '')
        """
        match self.style:
            case "text" | "prose":
                return ""
            case "ratio":
                return "x"
            case "share":
                return "share of 1"
            case "whole" | "number":
                words = self.key.split("_")
                endings = ("_".join(words[-length:]) for length in (3, 2, 1))
                return next((UNITS[each] for each in endings if each in UNITS), "count")


@dataclass(frozen=True)
class Section:
    """Columns of one kind of record, in order, and what one record is."""

    title: str
    about: str
    columns: tuple[Column, ...]


def column(key: str, style: Style, meaning: str, priority: int = 0, named: str = "") -> Column:
    """A column whose heading is its key in words, unless it is `named` otherwise.

    >>> column("energy_uj", "number", "Energy.").heading, column("s", "number", "Seconds.", named="time").heading
    ('energy uJ', 'time')
    """
    return Column(key, named or heading(key), style, meaning, priority)


def heading(key: str) -> str:
    """What stands over a column: its key in words.

    >>> heading("on_chip_uj"), heading("dense_cycles"), heading("dram_read_words")
    ('on-chip uJ', 'dense cycles', 'DRAM read words')
    """
    words = [SPELLED.get(word, word) for word in key.split("_")]
    return " ".join(words).replace("on chip", "on-chip").replace("node N:M", "node nm")
