"""A hash that is worked out once."""

import pickle

from crisp_hw.mapper.exact.columns import Column
from crisp_hw.mapper.exact.windows import Window
from crisp_hw.spec.problem import Term


def test_equal_values_have_one_hash_and_copies_do_not_bring_theirs_along():
    """Hashes of words differ between processes, so that one that is brought along would find nothing there."""
    one, same = (Column(3, (Window((Term("P"), Term("R")), 5),)) for _ in range(2))
    assert one is not same
    assert {one: 1}[same] == 1
    assert "_hash" in vars(one)
    copied = pickle.loads(pickle.dumps(one))
    assert "_hash" not in vars(copied) | vars(copied.windows[0])
    assert {one: 1}[copied] == 1
