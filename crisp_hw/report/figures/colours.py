"""One colour for each accelerator, the same in every figure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crisp_hw.data_files import packaged
from crisp_hw.errors import InputError

REFERENCE = "dense"  # the accelerator that every other is compared with: a line at 1, not bars
# Okabe and Ito, "Color Universal Design" (2008): told apart with any kind of colour blindness.
SHIPPED: Mapping[str, str] = packaged().colours  # black, orange, bluish green and blue of these
"""The accelerators of arch/, by name."""
OTHERS = (
    *("#CC79A7", "#56B4E9", "#D55E00"),  # Okabe and Ito's reddish purple, sky blue, vermillion
    *("#882255", "#999933", "#332288"),  # Paul Tol, "Colour schemes" (2021), muted: wine, olive, indigo
)
"""For all other names, in the order of the evaluation."""
HATCHES = (  # the first of a colour has none; dense ones before sparse ones
    *("", "////", "....", "xxxx", "\\\\\\\\", "----", "oooo", "++++"),
    *("||||", "****", "//", "xx", "\\\\", "--", "++", "||"),
)
MOST_TINT = 0.65  # not given; assumed because lighter bars leave the white paper too little


@dataclass(frozen=True)
class Look:
    """How an accelerator is drawn: a colour as "#rrggbb", and the hatching of its bars."""

    colour: str
    hatch: str = ""

    def bars(self) -> dict[str, Any]:
        """What matplotlib's bars take."""
        return {"facecolor": self.colour, "hatch": self.hatch, "edgecolor": "white" if self.hatch else self.colour}


def base(arch: str) -> str:
    """The accelerator that a variant was made from.

    >>> base("crisp-stc[smem_bandwidth=32]")
    'crisp-stc'
    """
    return arch.partition("[")[0]


def looks(archs: Sequence[str]) -> dict[str, Look]:
    """A look for every accelerator of an evaluation, no two the same; InputError for more than can be told apart.

    A shipped name has its colour, a variant that of its base, lighter and hatched, and any other name the next free
    colour.

    >>> looks(["crisp-stc", "mine"])
    {'crisp-stc': Look(colour='#0072B2', hatch=''), 'mine': Look(colour='#CC79A7', hatch='')}
    """
    given, strange = dict.fromkeys(archs), dict.fromkeys(base(arch) for arch in archs if base(arch) not in SHIPPED)
    hues = dict(SHIPPED) | {name: OTHERS[number % len(OTHERS)] for number, name in enumerate(strange)}
    families: dict[str, list[str]] = {}
    for arch in sorted(given, key=lambda name: name != base(name)):  # a plain name comes before variants of it
        families.setdefault(hues[base(arch)], []).append(arch)
    found = {arch: look for hue, members in families.items() for arch, look in _family(hue, members).items()}
    return {arch: found[arch] for arch in given}


def _family(hue: str, members: Sequence[str]) -> dict[str, Look]:
    """Looks in one hue: the pure one for a plain name, the others lighter, each hatched its own way."""
    first = 0 if members[0] == base(members[0]) else 1
    steps = len(members) - 1 + first
    if steps >= len(HATCHES):
        raise InputError(
            f"{len(members)} accelerators share one colour ({members[0]} and others), of which {len(HATCHES)} can be "
            "told apart",
            hint="draw fewer of them, with arch=NAME or an evaluation of their own",
        )
    return {
        arch: Look(_tinted(hue, MOST_TINT * number / max(steps, 1)), HATCHES[number])
        for number, arch in enumerate(members, first)
    }


def _tinted(hue: str, share: float) -> str:
    """The colour, mixed with that share of white."""
    parts = (int(hue[place : place + 2], 16) for place in (1, 3, 5))
    return "#" + "".join(f"{round(part + (255 - part) * share):02X}" for part in parts)
