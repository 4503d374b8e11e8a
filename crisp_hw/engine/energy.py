"""Energy: counts of actions times pJ per action (docs/model.md, section 8).

Timeloop: model/topology.cpp ParseAccelergyERT, model/buffer.cpp ComputeVectorAccesses and ComputeBufferEnergy.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np

from crisp_hw.engine.arrays import Float, Int, any_, distinct, floats, in_order, like, namespace, on_host, ratio
from crisp_hw.engine.content import support
from crisp_hw.engine.instances import instances
from crisp_hw.engine.safs import Sparse, metadata_bits
from crisp_hw.engine.safs.counts import KINDS, OPS, WORD
from crisp_hw.engine.tiling import Tiling
from crisp_hw.engine.traffic import passing_words
from crisp_hw.errors import InputError, Where
from crisp_hw.spec.arch import ComputeLevel, StorageLevel
from crisp_hw.spec.dialect import Rules
from crisp_hw.spec.ert import EnergyTable

DRAM_PJ_PER_16_BITS = 200.0  # pat-public/src/pat.cpp: DRAM energy per 16-bit word
NON_EMPTY_BLOCKS = {
    # Timeloop buffer.hpp: tiles of up to this many blocks, by density 0.1 .. 1.0, get the vector-access correction
    2: (251, 125, 84, 63, 51, 42, 36, 32, 28, 1),
    4: (375, 188, 125, 94, 75, 63, 54, 47, 42, 1),
    8: (438, 219, 146, 110, 88, 73, 63, 55, 49, 1),
    16: (469, 235, 157, 118, 94, 79, 67, 59, 52, 1),
    32: (485, 243, 162, 122, 97, 81, 70, 61, 52, 1),
}


@lru_cache(maxsize=256)
def lookup_order(kind: str, op: str, infix: str = "") -> tuple[str, ...]:
    """Names under which an energy table may list an action, first match wins (include/model/topology.hpp).

    >>> lookup_order("skipped", "fills")
    ('skipped_fill', 'skipped_write', 'gated_fill', 'gated_write')
    """
    action = op.removesuffix("s")
    names = [infix + action] if action == "read" else [infix + action, infix + "write"]
    if kind == "random":
        return (*(f"random_{name}" for name in names), *names)
    gated = tuple(f"gated_{name}" for name in names)
    return gated if kind == "gated" else (*(f"skipped_{name}" for name in names), *gated)


LOOKUP_2022 = {
    # include/model/topology.hpp of commit ee66b62 (21 July 2022), in full where it is not HEAD's (D7)
    "random_fill": ("random_fill", "write"),
    "random_update": ("random_update", "random_fill", "write"),
    "gated_read": ("gated_read", "idle", "read"),
    "gated_fill": ("gated_fill", "gated_write", "idle", "write"),
    "gated_update": ("gated_update", "gated_write", "idle", "write"),
    "skipped_read": ("skipped_read", "gated_read", "idle", "read"),
    "skipped_fill": ("skipped_fill", "skipped_write", "gated_write", "idle", "write"),
    "skipped_update": ("skipped_update", "skipped_write", "gated_write", "idle", "write"),
    "random_metadata_read": ("random_metadata_read", "metadata_read", "metadata_idle", "idle"),
    "random_metadata_fill": ("random_metadata_fill", "metadata_write", "metadata_idle", "idle"),
    "random_metadata_update": ("random_metadata_update", "metadata_write", "metadata_idle", "idle"),
    "gated_metadata_read": ("gated_metadata_read", "metadata_idle", "metadata_read"),
    "gated_metadata_fill": ("gated_metadata_fill", "gated_metadata_write", "metadata_idle", "metadata_write"),
    "gated_metadata_update": ("gated_metadata_update", "gated_metadata_write", "metadata_idle", "metadata_write"),
    "skipped_metadata_read": ("skipped_metadata_read", "metadata_idle", "metadata_read"),
    "skipped_metadata_fill": ("skipped_metadata_fill", "skipped_metadata_write", "metadata_idle", "metadata_write"),
    "skipped_metadata_update": ("skipped_metadata_update", "skipped_metadata_write", "metadata_idle", "metadata_write"),
}


def resolved(table: EnergyTable, rules: Rules) -> EnergyTable:
    """The table with whatever the dialect's own lookup finds, under the name that `lookup_order` tries first.

    >>> from crisp_hw.spec.dialect import HEAD, MICRO22
    >>> lazy = EnergyTable({"RF": {"read": 2.0, "write": 3.0, "idle": 0.5}})
    >>> resolved(lazy, MICRO22).actions["RF"]["gated_read"], "gated_read" in resolved(lazy, HEAD).actions["RF"]
    (0.5, False)
    """
    if rules.missing_actions_free:
        return table
    found = {component: {**actions, **_found(actions)} for component, actions in table.actions.items()}
    return EnergyTable(found, table.sources, table.areas)


def _found(actions: Mapping[str, float]) -> dict[str, float]:
    names = {action: [name for name in order if name in actions] for action, order in LOOKUP_2022.items()}
    return {action: actions[there[0]] for action, there in names.items() if there}


COMPUTE_ORDER = {
    # include/model/topology.hpp, arithmetic actions
    "random": ("mac_random", "mult_random", "mac", "mult", "compute"),
    "gated": ("mac_gated", "mult_gated", "compute_gated", "mac", "mult", "compute"),
    "skipped": (
        *("mac_skipped", "mult_skipped", "compute_skipped"),
        *("mac_gated", "mult_gated", "compute_gated", "mac", "mult", "compute"),
    ),
}

STORAGE_ACTIONS = frozenset(
    {"leak", "decompression_count", "compression_count"}.union(
        *(lookup_order(*each) for each in product(KINDS, OPS, ("", "metadata_")))
    )
)
"""All names under which an energy of a storage level is looked up (include/model/topology.hpp)."""
COMPUTE_ACTIONS = frozenset(name for order in COMPUTE_ORDER.values() for name in order)
"""All names under which an energy of a computation is looked up."""


def built_in_energy(level: StorageLevel) -> float:
    """Timeloop's own estimate in pJ per access for data actions that the energy table lacks (pat-public)."""
    if level.technology == "DRAM":
        return DRAM_PJ_PER_16_BITS * level.word_bits * level.block_size / 16
    if not level.size_words:
        return 0.0
    width = level.word_bits * level.block_size * level.cluster_size
    kilobytes = width * -(-level.size_words // level.block_size) / (8 * 1024)
    # pat-public/src/pat.cpp: linear in capacity, 1 pJ at 0.5 KB and 6 pJ at 100 KB for 16 bits
    return ((5 / 99.5) * (kilobytes - 0.5) + 1.0) * width / 16 / level.cluster_size


def action_energy(table: EnergyTable, level: StorageLevel, kind: str, op: str, infix: str = "") -> float:
    """pJ per action of a storage level; missing data actions cost the built-in estimate, all others nothing."""
    name = listed_action(table, level, kind, op, infix)
    if name is not None:
        return table.actions[level.name][name]
    return built_in_energy(level) if kind == "random" and not infix else 0.0


def listed_action(table: EnergyTable, level: StorageLevel, kind: str, op: str, infix: str = "") -> str | None:
    """The name under which the table lists an action of a storage level, None where it lists it under none."""
    actions = table.actions.get(level.name, {})
    return next((name for name in lookup_order(kind, op, infix) if name in actions), None)


def compute_energy(table: EnergyTable, compute: ComputeLevel, kind: str) -> float:
    """pJ per multiply-accumulate of a kind; without a table entry (word_bits / 16)^2 pJ (arithmetic.cpp), else 0."""
    actions: Mapping[str, float] = table.actions.get(compute.name, {})
    for name in COMPUTE_ORDER[kind]:
        if name in actions:
            return actions[name]
    return (compute.word_bits / 16) ** 2 if kind == "random" else 0.0


def read_energy_per_word(table: EnergyTable, level: StorageLevel) -> float:
    """pJ per word of a full-block read: the weight of a read when SAF options compete."""
    return action_energy(table, level, "random", "reads") / level.block_size


@dataclass(frozen=True)
class Charge:
    """What one action costs in one instance: `amount` words, bits or counts of which one action takes `per_action`;
    the number of actions, corrected by kappa (None: 1), times pJ each, times the share of a cluster that pays (None:
    all of it), float64[b]. `may_wrap` says that the amount may be below 0.
    """

    amount: Int
    per_action: int
    correction: Float | None
    pj_each: float
    share: Float | None
    may_wrap: bool = False

    @property
    def actions(self) -> Int | Float:
        """Whole actions: blocks of words, vectors of bits, or the counts themselves; unsigned, as in Timeloop."""
        xp, amount = namespace(self.amount), self.amount
        whole = amount if self.per_action == 1 else -(-amount // self.per_action)
        if not self.may_wrap or not any_(amount < 0):
            return whole
        wrapped = xp.ceil((floats(amount) + float(WORD)) / self.per_action)
        found: Float = xp.where(amount < 0, wrapped, floats(whole))
        return found

    @property
    def energy(self) -> Float:
        """pJ."""
        pj = floats(self.actions)
        pj = (pj if self.correction is None else pj * self.correction) * self.pj_each
        return pj if self.share is None else pj * self.share


def instance_energy(tiling: Tiling, sparse: Sparse, table: EnergyTable, place: tuple[int, int]) -> dict[str, Float]:
    """pJ of one tensor in one instance of a storage level, by action that costs anything, float64[b] each."""
    found = charges(tiling, sparse, table, place)
    return {name: charge.energy for name, charge in found.items() if charge.pj_each}


def charges(tiling: Tiling, sparse: Sparse, table: EnergyTable, place: tuple[int, int]) -> dict[str, Charge]:
    """What can be charged for one tensor in one instance of a storage level, by action."""
    level, tally, ranks = tiling.architecture.levels[place[0]], sparse.tally, sparse.ranks.get(place)
    out: dict[str, Charge] = {}
    if tiling.problem.tensors[place[1]].name not in tiling.nest.keeps[place[0]]:
        return _streamed(tiling, sparse, table, place)
    correction, share = _partly_filled_blocks(tiling, sparse, place), _cluster_share(sparse, level, place)
    stored = ranks is not None and ranks.form is not None
    for kind, op in product(KINDS, OPS):
        if (words := tally.data[kind][op].get(place)) is not None:
            per_block = action_energy(table, level, kind, op)
            out[f"{kind}_{op}"] = Charge(words, level.block_size, correction, per_block, share, kind != "random")
        if stored and (bits := metadata_bits(tally, level, place, ranks, (kind, op))) is not None:
            per_vector = action_energy(table, level, kind, op, "metadata_")
            out[f"{kind}_metadata_{op}"] = Charge(
                bits, level.metadata_width_bits, None, per_vector, share, kind != "random"
            )
    actions = table.actions.get(level.name, {})
    for name, counts in (("decompression", tally.decompressions), ("compression", tally.compressions)):
        if place in counts:
            out[name] = Charge(counts[place], 1, None, actions.get(f"{name}_count", 0.0), share)
    return out


def _streamed(tiling: Tiling, sparse: Sparse, table: EnergyTable, place: tuple[int, int]) -> dict[str, Charge]:
    """A tensor that passes through a level without being kept: every word is filled and read (D8: MICRO22 only)."""
    level, tensor = tiling.architecture.levels[place[0]], tiling.problem.tensors[place[1]]
    streams = tiling.nest.streams[place[0]] if tiling.nest.streams else frozenset()
    if not tiling.rules.streams or tensor.name not in streams:
        return {}
    words, used = passing_words(tiling, place[0], tensor), sparse.used[place]
    # all instances pass it on, also those that spatial skipping leaves without work
    there = ratio(instances(tiling, place[0]), used, 0.0)
    prices = {f"streamed_{op}": action_energy(table, level, "random", op) for op in ("reads", "fills")}
    return {name: Charge(words, level.block_size, None, pj, there) for name, pj in prices.items()}


def leakage(sparse: Sparse, table: EnergyTable, index: int, level: StorageLevel, cycles: Int) -> Float | None:
    """pJ that the working instances of a level (one at least) leak over the whole run, float64[b]; None: it never does.

    The `leak` action is pJ per instance and cycle; no groups share a power gate (buffer.cpp: ComputeLeaksPerCycle).
    """
    per_cycle = table.actions.get(level.name, {}).get("leak", 0.0)
    if not per_cycle:
        return None
    busiest = sparse.busiest(index)
    pj: Float = per_cycle * floats(cycles) * namespace(busiest).maximum(busiest, 1.0)
    return pj


def _cluster_share(sparse: Sparse, level: StorageLevel, place: tuple[int, int]) -> Float | None:
    """Instances of one cluster share an access; None for clusters of one in a level that is always at work."""
    if level.cluster_size == 1 and not sparse.skips_lanes and place not in sparse.occupancy:
        return None
    provided, used, xp = sparse.provided(place), sparse.used[place], namespace(sparse.used[place])
    clusters = xp.minimum(provided, level.instances // level.cluster_size)
    share = ratio(clusters, provided, 0.0)
    paid: Float = xp.where(used > 0, share, xp.zeros_like(share))
    return paid


def _partly_filled_blocks(tiling: Tiling, sparse: Sparse, place: tuple[int, int]) -> Float | None:
    """Accesses grow when the nonzeros of small tiles do not fill whole blocks; None where they never do.

    sum P(k) ceil(k / block) over the unconditioned occupancies, against the density-scaled number of blocks. Timeloop
    has the table for blocks of 2 to 32 words only and stops on others: InputError here. MICRO22 (D5) does not correct.
    """
    level, tensor = tiling.architecture.levels[place[0]], tiling.problem.tensors[place[1]]
    ranks = sparse.ranks.get(place)
    if level.block_size == 1 or ranks is None or ranks.form is None or not ranks.form.compressed:
        return None
    density, tile = sparse.density[place], tiling.tile(place[0], tensor)
    partial = density < 1.0
    if not tiling.rules.partly_filled_blocks or not any_(partial):
        return None
    if level.block_size not in NON_EMPTY_BLOCKS:
        raise InputError(
            f"blocks of {level.block_size} words cannot hold the compressed tensor {tensor.name} (Timeloop knows "
            f"blocks of {', '.join(map(str, NON_EMPTY_BLOCKS))})",
            Where("architecture", level.name),
            "change the level's width",
        )
    density = on_host(density)
    decile = np.where(density >= 0.1, np.floor(density / 0.1) - 1, 0).astype(np.int64)
    limit = np.array(NON_EMPTY_BLOCKS[level.block_size])[np.minimum(decile, 9)]
    small = on_host(partial) & (limit > on_host(tile) // level.block_size)
    if not small.any():
        return None
    ones = np.ones(tiling.batch)
    ones[small] = _blocks_per_word(tiling, place, np.flatnonzero(small), density[small])
    correction: Float = like(ones, tile)
    return correction


def _blocks_per_word(tiling: Tiling, place: tuple[int, int], rows: Int, density: Float) -> Float:
    tensor, block = tiling.problem.tensors[place[1]], tiling.architecture.levels[place[0]].block_size
    tile = tiling.tile_below(tiling.ends[place[0]], tensor).at(rows)
    first, which = distinct(list(tile.extents))
    occupancy, probability = support(tensor.density, tiling.size(tensor), tile.at(first))
    blocks = in_order(-(-occupancy // block) * probability)[which]
    # a density of 0 moves no words, whose number of blocks is then of no account
    return np.divide(blocks, tile.words * density / block, out=np.ones_like(blocks), where=density > 0)
