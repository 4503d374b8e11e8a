"""What gather and scatter take on an accelerator: cycles and energy at its outermost level."""

from collections.abc import Sequence

from crisp_hw.engine.energy import action_energy
from crisp_hw.spec.accelerator import Accelerator
from crisp_hw.spec.points import PointLayer, TrafficCost


def traffic_cost(layers: Sequence[PointLayer], accelerator: Accelerator) -> TrafficCost:
    """What the words of all layers cost: the slower of reading and writing, layer by layer, and whole vectors.

    >>> from crisp_hw.accelerators import load_arch
    >>> traffic_cost([], load_arch("crisp-stc"))
    TrafficCost(cycles=0, energy_pj=0.0)
    """
    level = accelerator.architecture.levels[-1]
    read = action_energy(accelerator.energy, level, "random", "reads") / level.block_size
    written = action_energy(accelerator.energy, level, "random", "fills") / level.block_size
    cycles, energy = 0, 0.0
    for layer in layers:
        moved = layer.traffic
        ports = ((moved.read, level.read_bandwidth), (moved.written, level.write_bandwidth))
        times = [-(-words // limit) for words, limit in ports if limit is not None]
        cycles += int(max(times, default=0))
        energy += moved.read * read + moved.written * written
    return TrafficCost(cycles, energy)
