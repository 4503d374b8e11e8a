"""Clock, node and supply, and the area of every component, of the accelerators of an evaluation."""

from collections.abc import Iterable, Iterator

from crisp_hw.spec.columns import Record
from crisp_hw.spec.evaluation import NetworkEvaluation
from crisp_hw.spec.layer import Skipped
from crisp_hw.spec.silicon import Silicon

OPERATIONS_PER_CYCLE, GIGA, TERA = 2, 1e9, 1e12
NO_AREA = "no area is given, so the sum of areas is without it"
NEVER = "wires, reduction trees, clock trees and control"


def technology_records(network: NetworkEvaluation) -> list[Record]:
    """One record per accelerator; none for a result that is older than clocks.

    >>> technology_records(NetworkEvaluation("nothing", ()))
    []
    """
    return [_technology(arch, silicon, macs) for arch, silicon, macs in _each(network)]


def area_records(network: NetworkEvaluation) -> list[Record]:
    """One record per accelerator and component on chip.

    >>> area_records(NetworkEvaluation("nothing", ()))
    []
    """
    return [record for arch, silicon, _ in _each(network) for record in _areas(arch, silicon)]


def without_area(network: NetworkEvaluation) -> tuple[Skipped, ...]:
    """What the sums of areas do not hold, and why.

    >>> without_area(NetworkEvaluation("nothing", ()))
    ()
    """
    found = list(_each(network))
    unknown = (
        Skipped(f"area of {each.name} on {arch}", NO_AREA)
        for arch, silicon, _ in found
        for each in silicon.on_chip
        if each.area is None
    )
    outside = {each.name for _, silicon, _ in found for each in silicon.components if each.off_chip}
    never = Skipped(f"area of {NEVER}", "no table here has an area of them")
    others = [Skipped(f"area of {name}", "it is on a chip of its own") for name in sorted(outside)]
    return (*unknown, *others, never) if found else ()


def merged(records: Iterable[Record]) -> list[Record]:
    """Records that differ in nothing but the accelerator as one, which names them all.

    >>> merged([{"arch": "a", "v": 1}, {"arch": "b", "v": 1}])
    [{'arch': 'a, b', 'v': 1}]
    """
    together: dict[tuple[object, ...], list[Record]] = {}
    for record in records:
        together.setdefault(tuple(value for key, value in record.items() if key != "arch"), []).append(record)
    return [{**found[0], "arch": ", ".join(str(each["arch"]) for each in found)} for found in together.values()]


def _each(network: NetworkEvaluation) -> Iterator[tuple[str, Silicon, int]]:
    """Name, silicon and MACs of every accelerator that has a clock."""
    first = {row.arch: row for row in reversed(network.rows)}
    for arch in dict.fromkeys(row.arch for row in network.rows):
        silicon = first[arch].silicon
        if silicon is not None:
            yield arch, silicon, first[arch].point.design.architecture.compute.instances


def _technology(arch: str, silicon: Silicon, macs: int) -> Record:
    given = silicon.technology
    sources = (f"clock: {given.clock_source}", f"node: {given.node_source}", f"supply: {given.supply_source}")
    return {
        "arch": arch,
        "clock_ghz": given.clock_ghz,
        "node_nm": given.node_nm,
        "supply_v": given.supply_v,
        "peak_tops": OPERATIONS_PER_CYCLE * macs * given.clock_ghz * GIGA / TERA,
        "source": "; ".join(sources),
    }


def _areas(arch: str, silicon: Silicon) -> Iterator[Record]:
    for each in silicon.on_chip:
        source = each.area.source if each.area else NO_AREA
        yield {
            "arch": arch,
            "component": each.name,
            "instances": each.instances,
            "area_um2": each.area.um2 if each.area else None,
            "area_mm2": each.mm2,
            "source": f"{source}; {each.counted}" if each.counted else source,
        }
