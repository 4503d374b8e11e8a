"""maximize_dims against every choice of divisors, and in the front end's nodes."""

from itertools import product
from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crisp_hw.errors import InputError
from crisp_hw.timeloop.frontend.flatten import flatten
from crisp_hw.timeloop.frontend.maximize import largest
from crisp_hw.timeloop.yaml.documents import load_documents


@given(st.lists(st.integers(1, 24), min_size=1, max_size=3), st.integers(1, 40))
def test_at_least_as_many_lanes_as_with_any_divisors_and_never_too_many(sizes, room):
    dims = dict(zip("MCK", sizes, strict=False))
    divisors = [[n for n in range(1, size + 1) if size % n == 0] for size in sizes]
    most = max(prod(chosen) for chosen in product(*divisors) if prod(chosen) <= room)
    assert most <= prod(largest(dims, room).values()) <= room


@pytest.mark.parametrize(
    ("sizes", "room", "expected"),
    [  # what timeloopfe's greedy_allocate gives
        ({"M": 32, "C": 16}, 8, {"M": 8, "C": 1}),
        ({"M": 14, "C": 12}, 14, {"M": 14, "C": 1}),
        ({"M": 12, "C": 5}, 8, {"M": 4, "C": 2}),
        ({"M": 7}, 4, {"M": 4}),
        ({"M": 3, "C": 3}, 1, {"M": 1, "C": 1}),
    ],
)
def test_figures_of_timeloopfe(sizes, room, expected):
    assert largest(sizes, room) == expected


ARCHITECTURE = """
architecture:
  nodes:
    - !Component {{name: DRAM, class: DRAM, attributes: {{width: 8}}}}
    - !Component
      name: RF
      class: regfile
      spatial: {{meshX: 8}}
      attributes: {{width: 8, depth: 99}}
      constraints: {{spatial: {{{spatial}}}, temporal: {{{temporal}}}}}
    - !Component {{name: MAC, class: mac}}
problem:
  shape:
    dimensions: [M, C, K]
    data_spaces: [{{name: A, projection: [[[M]], [[C]], [[K]]]}}, {{name: Z, projection: [[[M]]], read_write: true}}]
  instance: {{M: 8, C: 4, K: 6}}
"""


@pytest.fixture
def factors(tmp_path):
    def read(spatial, temporal):
        path = tmp_path / "a.yaml"
        path.write_text(ARCHITECTURE.format(spatial=spatial, temporal=temporal))
        found, _ = flatten(load_documents([path]), for_mapper=True)
        entries = {(entry["target"], entry["type"]): entry for entry in found["architecture_constraints"]}
        places = ("inter_RF_spatial", "spatial"), ("RF", "temporal")
        return [dict(part.split("=") for part in entries[place]["factors"].split()) for place in places]

    return read


def test_lanes_first_and_later_lists_get_what_is_left(factors):
    lanes, loops = factors(
        "factors: [K=2], maximize_dims: [[C], [M]]", "maximize_dims: [M, K], maximize_dims_capacity: 9"
    )
    assert lanes == {"K": "2", "C": "4", "M": "1"}
    assert loops == {"M": "8", "K": "1"}  # 8 of M fill 9 iterations better than 3 of K and 2 of M


@pytest.mark.parametrize(
    ("spatial", "temporal", "message"),
    [
        ("maximize_dims: [M], factors: [M=2]", "", "maximize_dims names M, which has a factor already"),
        ("maximize_dims: [M], factors: [M<=2]", "", "maximize_dims names M, which has a factor already"),
        ("maximize_dims: [Q]", "", "'Q' is not one of M, C, K"),
        ("", "maximize_dims: [M]", "needs maximize_dims_capacity; add it"),
        ("", "maximize_dims: [M], maximize_dims_capacity: 0", "expected a whole number of at least 1"),
    ],
)
def test_what_cannot_be_maximized_is_refused_with_its_line(factors, spatial, temporal, message):
    with pytest.raises(InputError, match=rf"a.yaml:\d+: .*{message}"):
        factors(spatial, temporal)
