"""What options with a fixed set of values may say."""

from enum import StrEnum


class Format(StrEnum):
    """What goes to stdout."""

    table = "table"
    csv = "csv"
    json = "json"
    md = "md"


class Objective(StrEnum):
    """What the mapper minimises."""

    cycles = "cycles"
    energy = "energy"
    edp = "edp"


class DialectName(StrEnum):
    """The programs called Timeloop."""

    head = "head"
    micro22 = "micro22"


class Dstc(StrEnum):
    """How DSTC avoids zeros."""

    skipping = "skipping"
    packing = "position-skipping"


class Density(StrEnum):
    """How weights are described."""

    model = "model"
    actual = "actual"
    hybrid = "hybrid"
