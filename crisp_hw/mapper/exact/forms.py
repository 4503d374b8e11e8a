"""What a template says: energy, cycles and words in every level, as sums of columns."""

from dataclasses import dataclass, field

from crisp_hw.mapper.exact.columns import Column, Form, Open


@dataclass(frozen=True)
class Port:
    """Words per instance through a port of limited bandwidth: `words` less `unread` ones."""

    bandwidth: float
    words: Form
    unread: Form


@dataclass(frozen=True)
class Room:
    """Words that a level holds; at most `size` (None: any number), at least `least`."""

    size: int | None
    least: int
    words: Form


@dataclass(frozen=True)
class Template:
    """The costs of all mappings that keep tensors, and let them stand still, in one way.

    Energy is `energy_pj` less `unread_pj` (where `or_pj` less `or_unread_pj` is more, that), and per cycle `leaks_pj`;
    cycles are at least `steps`, and what the `ports`
    ask. `partial`: a mapping may cost more than that. `open` says which rows it is for. Of `less` and `more` a mapping
    may have less or more than another without any of its costs being higher, where all else is equal.
    """

    open: Open
    energy_pj: Form
    unread_pj: Form
    leaks_pj: Form
    ports: tuple[Port, ...]
    rooms: tuple[Room, ...]
    steps: Form
    compute_pj: float
    less: tuple[Column, ...]
    more: tuple[Column, ...]
    partial: bool = False
    or_pj: Form = field(default_factory=dict)
    or_unread_pj: Form = field(default_factory=dict)

    @property
    def exact(self) -> bool:
        """Does it say all of what its mappings cost, but for what blocks and clusters round?"""
        return not self.open.linked and not self.partial
