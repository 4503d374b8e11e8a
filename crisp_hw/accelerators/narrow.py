"""Levels whose words are narrower than what the MACs take."""

from collections.abc import Iterator

from crisp_hw.accelerators.rules import bits_of
from crisp_hw.accelerators.run_schema import ArchFile


def narrow_words(file: ArchFile) -> Iterator[str]:
    """A sentence for each tensor that a level keeps in words narrower than those of the MACs.

    Sums that leave for the outermost level are rounded to its words; elsewhere something must widen them again.
    """
    outermost, each = next(iter(file.levels)), file.compute.word_bits
    for name in file.levels:
        own = bits_of(file, name)
        for tensor in file.constraints[name].keep:
            taken = getattr(each, tensor).value
            if own < taken and (name, tensor) != (outermost, "Z"):
                said = f"{name} keeps {tensor} in words of {own} bits and {file.compute.name} takes {taken}"
                yield f"{said}: its room, its traffic and their energies are those of {own} bits"
