"""The networks that take energy in Timeloop's output: as stats.txt prints them, with the digits of the archive."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from crisp_hw.backends.timeloop.failure import ToolError
from crisp_hw.spec.result import WireCounts, WireResult

_FIELDS = {
    # words of stats.txt (model/network-legacy.cpp: Print)
    "Fanout": "fanout",
    "Link transfers": "link_transfers",
    "Spatial reductions": "spatial_reductions",
    "Average number of hops": "num_hops",
    "Energy (per-hop)": "energy_per_hop_fj",
    "Energy (per-instance)": "energy",
    "Energy (total)": "total_energy",
    "Link transfer energy (per-instance)": "link_transfer_energy",
    "Link transfer energy (total)": "total_link_energy",
}
_EXACT = ("num_hops", "energy", "link_transfer_energy", "energy_per_hop")
_RECORD = re.compile(r" +@multicast (\d+) @scatter (\d+): (\S+)")
_TENSOR = re.compile(r" {4}(\S+):")
_PAIR = re.compile(r" {8}(\S.*?) *: (\S+).*")
_PRINTED = 0.00501  # pJ; stats.txt rounds to two decimals
_ENOUGH = 0.1  # pJ per instance from which the printed total says how many instances there are


@dataclass
class _Printed:
    """One tensor in one network."""

    numbers: dict[str, float] = field(default_factory=dict)
    ingresses: list[tuple[int, int, float]] = field(default_factory=list)


def read_wires(text: str, archive: str | None, tensors: Sequence[str]) -> tuple[WireResult, ...]:
    """The networks of stats.txt in its order; `archive` is map+stats.xml, `tensors` are the problem's, in order.

    Raises ToolError where a figure is missing.

    >>> read_wires("Networks" + chr(10) + "--------", None, ())
    ()
    """
    section = text.partition("\nNetworks\n")[2].partition("\nOperational Intensity Stats\n")[0]
    exact = dict(_archived(archive, tensors)) if archive else {}
    parts = re.split(r"^Network \d+\n-+\n(.+)$", section, flags=re.MULTILINE)
    pairs = zip(parts[1::2], parts[2::2], strict=True)
    try:
        found = [_wires_of(name, _printed(lines), exact.get(name, {})) for name, lines in pairs]
    except (KeyError, ValueError, StopIteration) as error:
        raise ToolError(f"stats.txt has a network without {error}", hint="Timeloop did not finish it") from error
    return tuple(network for network in found if _takes_energy(network))


def _takes_energy(network: WireResult) -> bool:
    """Less than two decimals show, which is all that a total has, counts too."""
    return any((network.energy_pj, *(each.energy_pj + each.link_energy_pj for each in network.tensors.values())))


def _printed(lines: str) -> dict[str, _Printed]:
    found: dict[str, _Printed] = {}
    for line in lines.partition("STATS")[2].splitlines():
        if tensor := _TENSOR.fullmatch(line):
            found[tensor[1]] = _Printed()
        elif record := _RECORD.fullmatch(line):
            list(found.values())[-1].ingresses.append((int(record[1]), int(record[2]), float(record[3])))
        elif (pair := _PAIR.fullmatch(line)) and pair[1] in _FIELDS:
            list(found.values())[-1].numbers[_FIELDS[pair[1]]] = float(pair[2])
    return found


def _archived(archive: str, tensors: Sequence[str]) -> Iterator[tuple[str, Mapping[str, Mapping[str, float]]]]:
    end = "</boost_serialization>"  # missing where Timeloop writes before it closes the archive
    root = ET.fromstring(archive if archive.rstrip().endswith(end) else archive + end)
    for item in root.findall("./engine/topology_/networks_/item"):
        stats = item.find("./second/px/stats_")
        name = item.findtext("first", "")
        if stats is not None:
            lists = {tag: stats.findall(f"./{tag}/PerDataSpace/item") for tag in _EXACT}
            yield (
                name,
                {
                    tensor: {tag: float(items[place].text or "nan") for tag, items in lists.items()}
                    for place, tensor in enumerate(tensors)
                },
            )


def _wires_of(name: str, printed: Mapping[str, _Printed], exact: Mapping[str, Mapping[str, float]]) -> WireResult:
    counts = {tensor: _counts(found, exact.get(tensor, {})) for tensor, found in printed.items()}
    totals = [_total(counts[tensor], found.numbers) for tensor, found in printed.items()]
    first = next(iter(printed))
    hop = exact.get(first, {}).get("energy_per_hop", printed[first].numbers["energy_per_hop_fj"] / 1000)
    return WireResult(name, name.split(" <==> ")[0], counts, hop, sum(totals))


def _counts(printed: _Printed, exact: Mapping[str, float]) -> WireCounts:
    numbers = {**printed.numbers, **exact}
    pairs = (("energy", "total_energy"), ("link_transfer_energy", "total_link_energy"))
    known = [numbers[total] / numbers[one] for one, total in pairs if numbers[one] > _ENOUGH]
    return WireCounts(
        fanout=int(numbers["fanout"]),
        instances=round(known[0]) if known else 0,
        ingresses=tuple(printed.ingresses),
        hops=numbers["num_hops"],
        linked=int(numbers["link_transfers"]),
        reductions=int(numbers["spatial_reductions"]),
        energy_pj=numbers["energy"],
        link_energy_pj=numbers["link_transfer_energy"],
    )


def _total(counts: WireCounts, printed: Mapping[str, float]) -> float:
    """All instances; as printed where one takes so little that their number cannot be told from it."""
    shown = printed["total_energy"] + printed["total_link_energy"]
    if not counts.instances:
        return shown
    total = (counts.energy_pj + counts.link_energy_pj) * counts.instances
    if abs(total - shown) > 2 * _PRINTED + 1e-9 * shown:
        raise ToolError(f"stats.txt has {shown} pJ of a network of {total} pJ", hint="the files are of different runs")
    return total
