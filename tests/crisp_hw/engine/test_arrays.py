"""Arrays of three libraries against NumPy and plain Python."""

import sys

import array_api_strict as strict
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from crisp_hw.engine.arrays import (
    FEW_TERMS,
    KEY_LIMIT,
    ceil,
    constant,
    distinct,
    floats,
    floor,
    in_order,
    like,
    maximum_of,
    mover,
    namespace,
    on_host,
    ratio,
    sum_in_order,
    to_int,
)
from crisp_hw.errors import InputError

LIBRARIES = {"numpy": np.asarray, "torch": torch.asarray, "strict": strict.asarray}
few = pytest.mark.parametrize("put", LIBRARIES.values(), ids=LIBRARIES)
SMALL, LARGE = st.integers(0, 3), st.sampled_from([0, 1, 2**31, 2**32, 2**45, 2**61, 2**63 - 2])


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Tests share few cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@st.composite
def tables(draw, numbers):
    """int64[rows, b] in which columns repeat."""
    rows, columns = draw(st.integers(1, 5)), draw(st.integers(1, 12))
    kinds = draw(st.lists(st.lists(numbers, min_size=rows, max_size=rows), min_size=1, max_size=columns))
    return np.array([draw(st.sampled_from(kinds)) for _ in range(columns)], dtype=np.int64).T


def check_distinct(table, put):
    first, which = (on_host(each) for each in distinct([put(row.copy()) for row in table]))
    kinds = np.unique(table, axis=1)
    assert np.unique(table[:, first], axis=1).tolist() == kinds.tolist()
    assert len(first) == kinds.shape[1]
    assert table[:, first[which]].tolist() == table.tolist()


@few
@settings(max_examples=60)
@given(table=tables(SMALL))
def test_distinct_columns_are_those_of_numpy(put, table):
    check_distinct(table, put)


@few
@settings(max_examples=60)
@given(table=tables(LARGE | SMALL))
def test_keys_beyond_64_bits_are_packed_before_they_overflow(put, table):
    check_distinct(table, put)


@few
def test_a_large_row_is_packed_where_many_kinds_come_before_it(put):
    """With steps of 2^62, kinds 0 and 4 of the first row would have one key: 4 * 2^62 is 0 in 64 bits."""
    large = np.full(8, 5, dtype=np.int64)
    large[-1] = KEY_LIMIT - 1
    check_distinct(np.stack([np.arange(8), large]), put)


@few
@pytest.mark.parametrize("count", [1, 2, FEW_TERMS, FEW_TERMS + 1, 200])
def test_terms_are_added_one_after_the_other(put, count):
    terms = np.random.default_rng(count).random((count, 3)) * 10.0 ** np.arange(-3, 12, 5)
    sums = [0.0, 0.0, 0.0]
    for row in terms.tolist():
        sums = [held + term for held, term in zip(sums, row, strict=True)]
    assert on_host(in_order(put(terms))).tolist() == sums


def test_another_order_would_round_differently():
    """What `in_order` is for: the pairwise sum of NumPy gives other last digits."""
    terms = np.random.default_rng(1).random((1000, 50))
    assert (in_order(terms) != np.sum(terms.T.copy(), axis=1)).any()


@few
@settings(max_examples=40)
@given(data=st.data())
def test_ratio_is_the_quotient_where_there_is_one(put, data):
    pairs = data.draw(st.lists(st.tuples(st.integers(-9, 9), st.integers(-2, 9)), min_size=1, max_size=6))
    otherwise = data.draw(st.sampled_from([0.0, 1.0, np.inf]))
    kind = data.draw(st.sampled_from([np.int64, np.float64]))
    a, b = (put(np.array(each, dtype=kind)) for each in zip(*pairs, strict=True))
    found = on_host(ratio(a, b, otherwise))
    assert found.dtype == np.float64
    assert found.tolist() == [x / y if y > 0 else otherwise for x, y in pairs]


@few
def test_whole_numbers_and_fractions_convert(put):
    x = put(np.array([-1.5, 0.0, 2.5]))
    assert [on_host(each(x)).tolist() for each in (floor, ceil, to_int)] == [[-2, 0, 2], [-1, 0, 3], [-1, 0, 2]]
    assert all(on_host(each(x)).dtype == np.int64 for each in (floor, ceil, to_int))
    again = floats(to_int(x))
    assert on_host(again).dtype == np.float64
    assert floats(again) is again or on_host(floats(again)).tolist() == on_host(again).tolist()


@few
def test_arrays_go_to_the_library_of_others_and_back(put):
    other, x = put(np.zeros(2)), np.array([1, 2, 3])
    there = like(x, other)
    assert namespace(there) is namespace(other)
    assert on_host(there).tolist() == [1, 2, 3]
    assert on_host(constant(other, 0.5)).tolist() == [0.5, 0.5]


@few
def test_largest_and_sum_go_mapping_by_mapping(put):
    arrays = [put(np.array(each)) for each in ([1, 5], [4, 2], [3, 3])]
    assert on_host(maximum_of(arrays)).tolist() == [4, 5]
    assert on_host(sum_in_order(arrays)).tolist() == [8, 10]
    assert maximum_of([arrays[0]] * 3) is arrays[0]


def test_an_unknown_device_is_refused():
    with pytest.raises(InputError, match="device 'tpu' is not known; choose one of numpy, cpu, cuda"):
        mover("tpu")


def test_a_missing_gpu_is_said(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="device 'cuda': torch sees no GPU here; use cpu or numpy"):
        mover.__wrapped__("cuda")


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_missing_torch_is_said(monkeypatch, device):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(
        InputError, match=rf"device '{device}' needs torch; pip install 'crisp-hw\[torch\]', or use numpy"
    ):
        mover.__wrapped__(device)


def test_numpy_stays_where_it_is():
    x = np.array([1])
    assert mover("numpy")(x) is x
    assert mover("cpu")(x).tolist() == [1]
