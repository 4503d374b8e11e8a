"""What the network of a level must obey: no number of it stands without those that it needs, or beside one that stands
in its place."""

from collections.abc import Iterator, Mapping

from crisp_hw.accelerators.places import at_place
from crisp_hw.accelerators.run_schema import ArchFile
from crisp_hw.errors import InputError
from crisp_hw.machine.positions import MarkedDict

WIRE = ("wire_pj_per_bit_mm", "tile_width_um")  # of a hop, together with word_bits (engine/wires.py: hop_energy)
HOP = (*WIRE, "word_bits", "hop_pj")


def network_faults(document: MarkedDict, file: ArchFile) -> Iterator[InputError]:
    """Numbers of a hop that would have no effect."""
    for name, level in file.levels.items():
        network = level.network
        given = [field for field in HOP if getattr(network, field) is not None]
        missing = [field for field in WIRE if field not in given]
        for field in given:
            at = at_place(document, "levels", name, "network", field)
            if field != "hop_pj" and network.hop_pj is not None:
                said = f"{field} has no effect beside hop_pj, which is the energy of a whole hop"
                yield InputError(said, at, "leave one of them out")
            elif field != "hop_pj" and missing:
                said = f"{field} has no effect without {' and '.join(missing)}: a hop takes word_bits x mm x pJ"
                yield InputError(said, at, f"give {' and '.join(missing)}, or hop_pj, or leave it out")


def idle_hops(file: ArchFile, fanouts: Mapping[str, tuple[int, int]]) -> Iterator[str]:
    """A sentence for each level that feeds one child, and whose network says what a hop takes."""
    for name, (x, y) in fanouts.items():
        network = file.levels[name].network
        if x * y == 1 and any(getattr(network, field) is not None for field in HOP):
            yield f"{name} feeds one child, so that no word takes a hop and what its network says of hops has no effect"
