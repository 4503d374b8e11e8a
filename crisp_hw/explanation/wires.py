"""The network below a level: what enters it, how far it goes, and what that costs."""

from collections.abc import Iterator

from crisp_hw.explanation.arithmetic import equation, fact, number
from crisp_hw.explanation.nouns import ExplanationStep, Section
from crisp_hw.explanation.scene import Scene, see
from crisp_hw.spec.result import WireCounts, WireResult


def wire_sections(scene: Scene, index: int) -> Iterator[Section]:
    """A section where the network of a level takes energy; none elsewhere."""
    name = scene.levels[index].name
    for network in scene.result.networks:
        if network.level == name:
            yield Section(f"Network {network.name}", see("8.1"), tuple(_steps(scene, index, network)))


def _steps(scene: Scene, index: int, network: WireResult) -> Iterator[ExplanationStep]:
    level = scene.levels[index]
    given = level.wires
    if given.hop_pj is None and network.hop_pj:
        bits = level.word_bits if given.word_bits is None else given.word_bits
        numbers = {"b": bits, "w": given.tile_width_um or 0.0, "e": given.wire_pj_per_bit_mm or 0.0}
        sides = ("bits · hop in um / 1,000 · wire pJ per bit and mm", "{b} · {w} / 1000 · {e}", numbers)
        yield equation("one word by one hop", network.hop_pj, sides, "pJ")
    for tensor, counts in network.tensors.items():
        if counts.ingresses:
            yield fact(f"{tensor}: {_told(counts)}")
    terms = {name: (c.energy_pj + c.link_energy_pj) * c.instances for name, c in network.tensors.items()}
    used = {name: pj for name, pj in terms.items() if pj}
    fields = {f"e{place}": pj for place, pj in enumerate(used.values())}
    sides = (" + ".join(used), " + ".join(f"{{{key}}}" for key in fields), fields)
    yield equation(f"all networks of this kind, below every {level.name}", network.energy_pj, sides, "pJ")


def _told(counts: WireCounts) -> str:
    """Words by their number of receivers, and the mean way of a word."""
    parts = [f"{number(words)} words to {receivers} each" for receivers, _, words in counts.ingresses]
    linked = f", {counts.linked:,} words from neighbour to neighbour" if counts.linked else ""
    return f"{', '.join(parts)}; {number(counts.hops)} hops on average{linked}; {number(counts.energy_pj)} pJ"
