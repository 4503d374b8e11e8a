"""What wires take at least; the small spaces of kind `wires` (test_search.py) hold it against every mapping."""

from small_spaces import dense_case

from crisp_hw.mapper.exact.layout import layout_of
from crisp_hw.mapper.exact.wired import Way, carried, lanes_beyond_one, way_of
from crisp_hw.spec.arch import StorageLevel, Wires
from crisp_hw.spec.dialect import HEAD, MICRO22

LEVEL = StorageLevel("RF", wires=Wires(hop_pj=2.0, router_pj=3.0, ingress_pj=5.0))


def test_a_word_enters_once_passes_a_router_and_runs_half_of_the_lanes_or_half_a_hop():
    assert way_of(LEVEL, HEAD) == Way(8.0, 1.0)
    assert way_of(LEVEL, MICRO22) == Way(4.0 + 5.0 * MICRO22.ingress_energy, 0.0)


def test_networks_that_cost_nothing_add_nothing():
    space = dense_case(0).spaces[0]
    assert not list(carried(space, layout_of(space), (0, 0), ()))


def test_every_dimension_has_lanes_along_x_of_its_own():
    space = next(case.spaces[0] for case in map(dense_case, range(20)) if case.design.architecture.fanouts[1][0] > 1)
    layout = layout_of(space)
    found = lanes_beyond_one(layout, 1)
    assert [lanes.rank[0].dim for lanes in found] == list(layout.dims)
    assert {lanes.less for lanes in found} == {1}
    assert len({lanes.mask for lanes in found}) == len(found)
