"""How far the statistical density model is from the masks, or from the pattern: cycles, energy, tiles of weights."""

from collections.abc import Sequence
from itertools import groupby

from crisp_hw.documents.columns import Table, table
from crisp_hw.report.energies import UJ
from crisp_hw.report.records import Record, Value
from crisp_hw.spec.design import DesignPoint
from crisp_hw.spec.evaluation import DensityCheck, LayerEvaluation, NetworkEvaluation, TileCheck
from crisp_hw.spec.result import Result
from crisp_hw.spec.vocabulary import columns

LAYER = (
    *("layer", "cycles", "statistical_cycles", "cycles_error", "model_on_chip_uj", "statistical_on_chip_uj"),
    *("on_chip_error", "energy_error", "statistical_invalid"),
)
TILE = (
    *("layer", "level", "tile", "mean_words", "mean_error", "largest_words", "largest_error", "empty_share"),
    "statistical_empty_share",
)
LEGEND = (
    "error is the statistical model's number divided by this one, minus 1, with the same mapping and without what is "
    "beside the model; mean and largest are numbers of nonzero weights in a tile of G x M x K"
)


def density_records(network: NetworkEvaluation) -> list[Record]:
    """One record per layer and accelerator that was evaluated with another density than the model's.

    `statistical_*` is the same mapping with the statistical density; `spec.vocabulary` says what every key means.

    >>> density_records(NetworkEvaluation("nothing", ()))
    []
    """
    return [_layer_record(row, row.check) for row in network.rows if row.check]


def tile_records(network: NetworkEvaluation) -> list[Record]:
    """One record per such layer, accelerator and level that keeps weights: nonzeros in its tiles, in words.

    >>> tile_records(NetworkEvaluation("nothing", ()))
    []
    """
    return [_tile_record(row, row.check.density, tile) for row in network.rows if row.check for tile in row.check.tiles]


def density_tables(layers: Sequence[Record], tiles: Sequence[Record]) -> tuple[Table, ...]:
    """Two tables per accelerator, of `density_records` and of `tile_records`."""
    return (
        *_tables("the statistical model against", LAYER, layers),
        *_tables("weights in a tile, the statistical model against", TILE, tiles),
    )


def _tables(words: str, keys: Sequence[str], records: Sequence[Record]) -> list[Table]:
    groups = groupby(records, key=lambda record: (record["density_model"], record["arch"]))
    return [table(f"{words} density {density} on {arch}", columns(keys), rows) for (density, arch), rows in groups]


def _layer_record(row: LayerEvaluation, check: DensityCheck) -> Record:
    chip, model_chip = (_on_chip(row.point, result) for result in (row.result, check.model))
    return {
        "arch": row.arch,
        "layer": row.layer,
        "density_model": check.density,
        "cycles": row.result.cycles,
        "statistical_cycles": check.model.cycles,
        "cycles_error": _error(check.model.cycles, row.result.cycles),
        "model_on_chip_uj": chip,
        "statistical_on_chip_uj": model_chip,
        "on_chip_error": _error(model_chip, chip),
        "model_energy_uj": row.result.energy_pj * UJ,
        "statistical_energy_uj": check.model.energy_pj * UJ,
        "energy_error": _error(check.model.energy_pj, row.result.energy_pj),
        "statistical_invalid": "; ".join(check.model.reasons) or None,
    }


def _tile_record(row: LayerEvaluation, density: str, tile: TileCheck) -> Record:
    found, model = tile.found, tile.model
    return {
        "arch": row.arch,
        "layer": row.layer,
        "density_model": density,
        "level": tile.level,
        "tile": "x".join(map(str, tile.extents)),
        "mean_words": found.mean,
        "statistical_mean_words": model.mean,
        "mean_error": _error(model.mean, found.mean),
        "largest_words": found.largest,
        "statistical_largest_words": model.largest,
        "largest_error": _error(model.largest, found.largest),
        "empty_share": found.empty,
        "statistical_empty_share": model.empty,
    }


def _on_chip(point: DesignPoint, result: Result) -> float:
    """uJ of everything but DRAM."""
    dram = {level.name for level in point.design.architecture.levels if level.technology == "DRAM"}
    levels = sum(level.energy_pj for level in result.levels if level.name not in dram)
    return (levels + (result.compute.energy_pj if result.compute else 0.0)) * UJ


def _error(model: float, this: float) -> Value:
    return model / this - 1.0 if this else None
