"""Attributes of architecture components that this model does not have: without effect, or refused.

What Timeloop reads of a component is a closed list (src/model/buffer.cpp, arithmetic.cpp, network-legacy.cpp:
ParseSpecs); everything else in an `attributes` mapping is for other tools and changes no number of timeloop-model.
"""

from collections.abc import Callable, Mapping
from typing import Any

from crisp_hw.errors import InputError, Where
from crisp_hw.timeloop.read.architecture import ACCELERGY_KEYS, COMPUTE_KEYS, STORAGE_KEYS
from crisp_hw.timeloop.yaml.fields import key_at, misspelt, value_at, whole

ONLY_READ = {"technology", "type", *ACCELERGY_KEYS}  # the reader knows them, but only DRAM means something
TIMELOOPS = ("word_width", "num_ports", "num_banks", "fill_latency", "drain_latency")
# read by Timeloop, but no count, cycle or energy depends on them; latencies of these names are for named networks only
OTHERS = ("data_width",)  # of public designs: near to datawidth, which Timeloop reads, and still another name
ACCELERGYS = ("n_instances", "n_entries")  # for its estimates, and no misspelt names of Timeloop's

BLOCK = "metadata_block_size"
METADATA_DEPTHS = ("metadata_storage_depth", "metadata_depth")
METADATA_BITS = ("metadata_datawidth", "metadata_word_bits")
METADATA_WIDTHS = ("metadata_storage_width", "metadata_width")


def _is(*values: Any) -> Callable[[Any], bool]:
    return lambda found: any(found == value and isinstance(found, bool) == isinstance(value, bool) for value in values)


def _all_ones(found: Any) -> bool:
    return isinstance(found, dict) and all(_is(1)(value) for value in found.values())


NEUTRAL: Mapping[str, Callable[[Any], bool]] = {
    # what Timeloop reads and this model lacks, with the values under which Timeloop's numbers stay the same
    "allow_overbooking": _is(False, "false", "False"),
    "tile_partition_supported": _is(False, "false", "False"),
    "has_power_gating": _is(False, "false", "False"),
    "per_dataspace_bandwidth_consumption_scale": _all_ones,
    "energy_per_ingress": _is(0),
    "addr_gen_energy": lambda found: isinstance(found, int | float) and found <= 0,  # negative: the default, which is 0
    "vector_access_energy": _is(),
    "network_read": _is(),
    "network_fill": _is(),
    "network_drain": _is(),
    "network_update": _is(),
}
COMPUTE_NEUTRAL: Mapping[str, Callable[[Any], bool]] = {
    "energy": _is(),
    "network_operand": _is(),
    "network_result": _is(),
}
ADVICE = {
    "vector_access_energy": "give the energies in an ERT",
    "energy": "give it in an ERT, as action `compute`",
    "energy_per_ingress": "Timeloop reads it with hyphens only, energy-per-ingress",
    "allow_overbooking": "tiles here always fit as a whole; leave it out",
}


def without_others(name: str, attributes: Mapping[str, Any], is_compute: bool) -> tuple[dict[str, Any], list[str]]:
    """The attributes that the reader knows, and the names of those that have no effect.

    Raises InputError, with file and line, for an attribute that would change the numbers but is not modelled, and for
    one whose name looks like a misspelt one.

    >>> without_others("RF", {"depth": 64, "n_rdwr_ports": 2, "fill_latency": 0}, is_compute=False)
    ({'depth': 64}, ['n_rdwr_ports', 'fill_latency'])
    """
    known = (COMPUTE_KEYS if is_compute else STORAGE_KEYS) - ONLY_READ
    neutral = COMPUTE_NEUTRAL if is_compute else NEUTRAL
    kept, others = {}, []
    for key, value in attributes.items():
        if key == "technology" and value == "DRAM" and not is_compute:
            kept[key] = value
        elif value is None or (key == "power_gated_at" and value == name):
            others.append(key)
        elif key in known and not (is_compute and key == "word_width"):  # arithmetic.cpp has no such name
            kept[key] = value
        else:
            _check(name, key, attributes, neutral, known)
            others.append(key)
    return kept, others


def _check(
    name: str,
    key: str,
    attributes: Mapping[str, Any],
    neutral: Mapping[str, Callable[[Any], bool]],
    known: set[str],
) -> None:
    value = attributes[key]
    at = Where("architecture", name)
    if key == "power_gated_at":
        what = f"power gating at {value!r} is not modelled"
        raise InputError(what, value_at(at, attributes, key), f"leave {key} out")
    if key in neutral:
        if not neutral[key](value):
            advice = ADVICE.get(key, "leave it out")
            raise InputError(f"{key} = {_shown(value)} is not modelled", value_at(at, attributes, key), advice)
        return
    if key == BLOCK:
        _check_block(name, attributes)
        return
    if key in ONLY_READ or key in TIMELOOPS or key in ACCELERGYS or key in OTHERS:
        return
    if meant := misspelt(key, [*known, *neutral]):
        raise InputError(f"unknown attribute {key!r}", key_at(at, attributes, key), f"did you mean {meant!r}?")


def _check_block(name: str, attributes: Mapping[str, Any]) -> None:
    """Entries of metadata in a row: Timeloop multiplies the depth with them, and asks that they fill its width."""
    value, at = attributes[BLOCK], value_at(Where("architecture", name), attributes, BLOCK)
    if value == 1 and not isinstance(value, bool):
        return
    depth = next((key for key in METADATA_DEPTHS if attributes.get(key) is not None), None)
    if depth is not None:
        raise InputError(f"{BLOCK} = {_shown(value)} beside {depth} is not modelled", at, f"multiply {depth} with it")
    entries = whole(value, at, 1)
    bits, width = (
        next((attributes[key] for key in keys if attributes.get(key)), 0) for keys in (METADATA_BITS, METADATA_WIDTHS)
    )
    if isinstance(bits, int) and isinstance(width, int) and bits and width % (bits * entries):
        what = f"the metadata of {name} has a width of {width} bits, which is no multiple of {entries} x {bits}"
        raise InputError(what, at, "Timeloop stops here; change one of them")


def _shown(value: Any) -> str:
    return repr(dict(value)) if isinstance(value, dict) else str(value)[:40]
