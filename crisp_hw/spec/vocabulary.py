"""Every figure of an evaluation by its one name: key in CSV, JSON and frames, heading of tables, unit and meaning.

Keys of energies are built alike: `[dense_]<where>[_<part>]_uj`. Where: a level in lower case, `wires`, `selection` or
`decoder` (these add up to `energy_uj`); `on_chip` is everything but DRAM. Part: `metadata`, `index` or `overhead`;
without one it is all of the energy there. `energy_uj`, `metadata_uj`, `index_uj`, `overhead_uj`: on chip and in DRAM.
"""

from collections.abc import Iterable
from dataclasses import replace

from crisp_hw.spec.columns import Column, Section, column
from crisp_hw.spec.variant import is_path

LEVEL = "<level>"  # stands for the name of a level in lower case
_SUMMED = ("energy", "model_energy", "dense_energy", "metadata", "index", "overhead", "total")
RESERVED = ("on_chip", *_SUMMED, "wires", "selection", "decoder")
"""Names of places that no level may have: their keys would be two figures."""

_SUBJECT = (
    column("arch", "text", "The accelerator, by the name in its file."),
    column("layer", "text", "The layer, by its name in the network."),
)
_LAYER = (
    *_SUBJECT,
    column("kind", "text", "conv2d, linear or matmul (a product of activations).", 6),
    column("role", "text", "How the layer was pruned: dense, nm (N:M alone) or hybrid (N:M inside of kept blocks).", 6),
    column("rows", "whole", "Rows of the weight matrix: output channels.", 6),
    column("columns", "whole", "Columns of the weight matrix: input channels times the kernel's positions.", 6),
    column("positions", "whole", "Outputs of one channel for one sample; N of the matrix product.", 6),
    column("pattern", "text", "N:M and the side of blocks in one word: 2:4 B64; dense where there are neither.", 2),
    column("nm", "text", "N:M of the weights: at most N nonzeros in each group of M; empty without one.", 6),
    column("block", "whole", "Side of the square blocks, in weights; empty without blocks.", 6),
    column("kept_blocks", "whole", "Blocks that every block row keeps; empty where block rows differ.", 6),
    column("total_blocks", "whole", "Blocks of a block row before pruning.", 6),
    column("kept_ratio", "share", "K'/K: the share of its columns that a block row keeps, on average.", 4),
    column("density", "share", "Nonzero weights over all weights.", 3),
    column("macs", "whole", "Multiply-accumulates of the unpruned layer for one sample, without padding.", 6),
)
_PARAMETERS = (
    column("cores", "whole", "Cores of the accelerator.", 3),
    column(f"{LEVEL}_bandwidth", "number", "Words per cycle of one instance of a level, each way; empty: any.", 3),
    column(f"{LEVEL}_read_bandwidth", "number", "Words per cycle that an instance delivers; empty: any.", 3),
    column(f"{LEVEL}_write_bandwidth", "number", "Words per cycle that an instance takes in; empty: any.", 3),
    column(f"{LEVEL}_size_words", "whole", "Words that one instance of a level holds; empty: without limit.", 3),
    column(f"{LEVEL}_kb", "number", "KB (of 1024 bytes) that one instance of a level holds; empty: without limit.", 3),
    column(f"{LEVEL}_vector_words", "whole", "Words that one access of a level moves.", 3),
    column(f"{LEVEL}_banks", "whole", "Banks of one instance of a level.", 3),
)
_COUNT = (column("layers", "whole", "How many layers the sums run over.", 5),)
_TIME = (
    column("cycles", "whole", "Clock cycles: those of the slowest of all levels and of the MACs."),
    column("dense_cycles", "whole", "Clock cycles of the dense run.", 4),
    column("speedup", "ratio", "dense_cycles over cycles."),
)
_SOURCE = column("source", "prose", "Where the numbers of the record come from, or why they are assumed.")
_SPEED = (
    column("ms", "number", "Time: cycles over the clock of the accelerator.", 5),
    column("dense_tops", "number", "Operations of the unpruned layer, two per MAC, over the time of the dense run.", 6),
    column("effective_tops", "number", "Operations of the unpruned layer, two per MAC, over the time.", 5),
    column("attained_tops", "number", "Operations that take a cycle over the time; skipped ones take none.", 6),
    column(
        "attainable_tops",
        "number",
        "What the lowest roof allows: that of the MACs, or of a port that has a bandwidth.",
        6,
    ),
    column("roof_share", "share", "attained_tops over attainable_tops.", 6),
    column(
        "binds", "text", "What sets the cycles (most of them): the MACs, or the port of a level such as SMEM read.", 3
    ),
    column("binds_share", "share", "The share of the cycles that this sets.", 6),
)
_POWER = (
    column("on_chip_w", "number", "Mean power on chip: on_chip_uj over the time.", 5),
    column("on_chip_tops_per_w", "number", "effective_tops over on_chip_w.", 5),
    column("total_w", "number", "Mean power with DRAM: energy_uj over the time.", 6),
    column("total_tops_per_w", "number", "effective_tops over total_w.", 5),
    column("edp_uj_ms", "number", "Energy-delay product: energy_uj times ms.", 5),
)
_AREA = (
    column(f"{LEVEL}_mm2", "number", "Area of all instances of a level (or of the MACs); empty without a number.", 6),
    column("selection_mm2", "number", "Area of the circuits that select activations; 0 without any.", 6),
    column("decoder_mm2", "number", "Area of the decoders of offsets and block indices; 0 without any.", 6),
    column("on_chip_mm2", "number", "Sum of the areas that have a number; what has none is among what was skipped.", 5),
    column("effective_tops_per_mm2", "number", "effective_tops over on_chip_mm2.", 5),
)
_PLACES = (
    column(
        f"{LEVEL}_uj",
        "number",
        "Energy of all instances of a level (or of the MACs), its metadata and its share of the block index included.",
        2,
    ),
    column("wires_uj", "number", "Energy of the wires between levels; only where an accelerator has any.", 6),
    column("selection_uj", "number", "Energy of selecting activations for kept weights, on chip; beside the model.", 6),
    column("decoder_uj", "number", "Energy of decoding offsets and block indices, on chip; beside the model.", 6),
)
_SUMS = (
    column("on_chip_uj", "number", "Energy of everything but DRAM.", 1),
    column("energy_uj", "number", "Energy on chip and in DRAM: the sum over levels, wires, selection and decoder.", 1),
    column("model_energy_uj", "number", "energy_uj without overhead_uj: what Timeloop's own total is.", 6),
)
_PARTS = (
    column(
        f"{LEVEL}_metadata_uj",
        "number",
        "The part of the level's energy that accesses to offsets, bitmaps and block indices take; empty where the "
        "backend does not tell.",
        6,
    ),
    column("on_chip_metadata_uj", "number", "The part of on_chip_uj that metadata take, block index included.", 4),
    column("metadata_uj", "number", "The part of energy_uj that metadata take, block index included.", 6),
    column("on_chip_index_uj", "number", "The part of on_chip_uj that moving the block index takes.", 6),
    column("index_uj", "number", "The part of energy_uj that moving the block index takes.", 6),
    column(
        "on_chip_overhead_uj",
        "number",
        "The part of on_chip_uj that Sparseloop does not model: block index, selection, decoders.",
        4,
    ),
    column(
        "overhead_uj",
        "number",
        "The part of energy_uj that Sparseloop does not model: block index, selection, decoders.",
        6,
    ),
)
_DENSE = (
    column(f"dense_{LEVEL}_uj", "number", "Energy of a level in the dense run.", 6),
    column("dense_wires_uj", "number", "Energy of the wires in the dense run; only where there are any.", 6),
    column("dense_on_chip_uj", "number", "Energy of everything but DRAM in the dense run.", 6),
    column("dense_energy_uj", "number", "Energy on chip and in DRAM in the dense run.", 6),
    column("on_chip_gain", "ratio", "dense_on_chip_uj over on_chip_uj.", 1),
    column("energy_gain", "ratio", "dense_energy_uj over energy_uj."),
)
_MOVED = (
    column(f"{LEVEL}_read_words", "whole", "Words of data that all instances of a level deliver.", 6),
    column(f"{LEVEL}_written_words", "whole", "Words of data that all instances of a level take in.", 6),
    column(f"{LEVEL}_read_bytes", "whole", "The level's read words times their bits over 8; without metadata.", 6),
    column(f"{LEVEL}_written_bytes", "whole", "The level's written words times their bits over 8; no metadata.", 6),
    column("total_read_words", "whole", "Words of data that all levels deliver, together.", 6),
    column("total_written_words", "whole", "Words of data that all levels take in, together.", 6),
    column("total_read_bytes", "whole", "Bytes of data that all levels deliver, together; without metadata.", 6),
    column("total_written_bytes", "whole", "Bytes of data that all levels take in, together; without metadata.", 6),
    column("off_chip_bytes", "whole", "Bytes of data that DRAM delivers and takes in; without metadata.", 5),
)
_CAUSE = (
    column("bound_by", "text", "What sets the cycles: the level whose bandwidth is the limit, or the MACs.", 6),
    column("utilization", "share", "Share of all MACs and cycles at work.", 5),
    column("imbalance", "ratio", "Cycles over those of work shared evenly, where waiting is counted; else 1.", 6),
)
_SEARCH = (
    column("mappings_tried", "whole", "Mappings that the search looked at.", 6),
    column("mappings_valid", "whole", "Mappings of those that the accelerator can run.", 6),
    column("gap", "share", "How far mapping or dense run may be from the best; 0: proven, empty: no bound known.", 6),
    column("mapping", "text", "Loops with a bound above 1, outermost level and loop first; x, y: across a mesh.", 6),
)
_BOUND = (column("mac_bound_share", "share", "Share of the layers whose cycles are those of the MACs.", 5),)
_TENSOR = (
    column("level", "text", "The level, as the accelerator's file names it."),
    column("tensor", "text", "A: weights, B: activations that come in, Z: those that go out."),
    column("read_words", "whole", "Words of data that all instances of the level deliver; none is skipped or gated."),
    column("written_words", "whole", "Words of data that all instances of the level take in: fills and updates."),
    column("read_bytes", "whole", "read_words times the bits of a word over 8; without metadata."),
    column("written_bytes", "whole", "written_words times the bits of a word over 8; without metadata."),
    column("dense_read_words", "whole", "read_words of the dense run."),
    column("dense_written_words", "whole", "written_words of the dense run."),
    column("tensor_uj", "number", "Energy of these accesses with metadata, without leakage and block index."),
)

_MODEL = column("density_model", "text", "What the densities are: actual (the masks themselves) or hybrid.")
_DENSITY = (
    *_SUBJECT,
    _MODEL,
    _TIME[0],
    column("statistical_cycles", "whole", "cycles with the statistical density model and the same mapping.", 1),
    column("cycles_error", "share", "statistical_cycles over cycles, minus 1."),
    column("model_on_chip_uj", "number", "Energy on chip without overhead_uj: levels and MACs.", 2),
    column("statistical_on_chip_uj", "number", "model_on_chip_uj with the statistical density model.", 2),
    column("on_chip_error", "share", "statistical_on_chip_uj over model_on_chip_uj, minus 1."),
    _SUMS[-1],
    column("statistical_energy_uj", "number", "model_energy_uj with the statistical density model.", 2),
    column("energy_error", "share", "statistical_energy_uj over model_energy_uj, minus 1."),
    column(
        "statistical_invalid",
        "prose",
        "Why the statistical density model would refuse the mapping; empty: it does not.",
    ),
)
_TILE = (
    *_SUBJECT,
    _MODEL,
    column("level", "text", "The level, as the accelerator's file names it."),
    column("tile", "text", "Sizes of the tile of weights in this level: G x M x K."),
    column("mean_words", "number", "Nonzero weights of a tile, on average."),
    column("statistical_mean_words", "number", "mean_words by the statistical density model.", 6),
    column("mean_error", "share", "statistical_mean_words over mean_words, minus 1."),
    column("largest_words", "whole", "Nonzero weights of the fullest tile."),
    column("statistical_largest_words", "whole", "largest_words by the statistical density model.", 6),
    column("largest_error", "share", "statistical_largest_words over largest_words, minus 1."),
    column("empty_share", "share", "Share of the tiles that hold no nonzero weight.", 1),
    column("statistical_empty_share", "share", "empty_share by the statistical density model.", 1),
)

SECTIONS = {
    "layers": Section(
        "Layers",
        "One record per layer and accelerator: `layers.csv`, `layers` in JSON, `to_frame()`.",
        (*_LAYER, *_TIME, *_SPEED, *_PLACES, *_SUMS, *_PARTS, *_DENSE, *_POWER, *_AREA, *_MOVED, *_CAUSE, *_SEARCH),
    ),
    "totals": Section(
        "Totals",
        "One record per accelerator, summed over its layers: `totals.csv`, `totals` in JSON, `totals()`.",
        (
            *(_SUBJECT[0], *_COUNT, _LAYER[-1], *_TIME, *_SPEED, *_PLACES, *_SUMS, *_PARTS, *_DENSE),
            *(*_POWER, *_AREA, *_MOVED, *_BOUND),
        ),
    ),
    "levels": Section(
        "Levels",
        "One record per layer, accelerator, level and tensor: `levels.csv`, `levels` in JSON, `levels()`.",
        (*_SUBJECT, *_TENSOR),
    ),
    "parameters": Section(
        "Parameters",
        "Behind `arch` of every record, where an accelerator was changed (`smem_bandwidth=32`): the parameter.",
        _PARAMETERS,
    ),
    "technology": Section(
        "Technology",
        "One record per accelerator: `technology` in JSON.",
        (
            _SUBJECT[0],
            column("clock_ghz", "number", "Clock, which turns cycles into time."),
            column("node_nm", "number", "Technology node of the energies and areas."),
            column("supply_v", "number", "Supply; it is told beside the others, no number follows from it."),
            column("peak_tops", "number", "Two operations of every MAC in every cycle.", 1),
            _SOURCE,
        ),
    ),
    "areas": Section(
        "Areas",
        "One record per accelerator and component on chip: `areas` in JSON, `areas()`.",
        (
            _SUBJECT[0],
            column("component", "text", "A level, the MACs, or a circuit beside the model."),
            column("instances", "whole", "How many the accelerator has.", 1),
            column("area_um2", "number", "Area of one instance.", 2),
            column("area_mm2", "number", "Area of all of them."),
            _SOURCE,
        ),
    ),
    "density": Section(
        "Another density",
        "One record per layer and accelerator where the density is not the model's: `density.layers` in JSON.",
        _DENSITY,
    ),
    "tiles": Section(
        "Tiles of weights",
        "One record per such layer, accelerator and level that keeps weights: `density.tiles` in JSON.",
        _TILE,
    ),
}


def columns(keys: Iterable[str]) -> tuple[Column, ...]:
    """The columns of these keys; KeyError for one that no section has.

    >>> [each.heading for each in columns(["arch", "smem_uj", "dense_rf_uj"])]
    ['arch', 'SMEM uJ', 'dense RF uJ']
    """
    return tuple(map(_found, keys))


def known(key: str, priority: int = 0) -> Column:
    """A column of an evaluation for a table of something else, where it may be of more or less weight.

    >>> known("cycles", 2).priority
    2
    """
    return replace(_found(key), priority=priority)


ENERGY_UJ = column("energy_uj", "number", "Energy of all levels, wires and MACs, DRAM included.")
"""What `energy_uj` is where one mapping alone is looked at, beside which there is nothing."""

_KNOWN = {each.key: each for section in SECTIONS.values() for each in section.columns}
_OF_LEVELS = sorted((each for key, each in _KNOWN.items() if LEVEL in key), key=lambda each: -len(each.key))


def _found(key: str) -> Column:
    if key in _KNOWN:
        return _KNOWN[key]
    if is_path(key):
        return column(key, "number", "A number of the accelerator's file, by its path.", 3)
    for of_level in _OF_LEVELS:
        before, after = of_level.key.split(LEVEL)
        if key.startswith(before) and key.endswith(after):
            level = key.removeprefix(before).removesuffix(after)
            return replace(of_level, key=key, heading=of_level.heading.replace(LEVEL, level.upper()))
    raise KeyError(key)
