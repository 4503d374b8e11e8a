"""Classes of orders of a temporal block."""

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from crisp_hw.mapper.exact.stills import open_still, orders, stills
from crisp_hw.mapper.space import LoopBlock
from crisp_hw.spec.problem import Problem, Tensor, Term

DIMS = ("K", "M", "N")


def tensor(name, dims, output=False):
    return Tensor(name, tuple((Term(dim),) for dim in dims), is_output=output)


PROBLEM = Problem("gemm", DIMS, (4, 4, 4), (tensor("A", "KM"), tensor("B", "KN"), tensor("Z", "MN", True)))
names = st.sets(st.sampled_from(DIMS)).map(frozenset)


def standing(order, active):
    """What really stands still: the loops inside the first one of each tensor, of those that do anything."""
    found = []
    for each in PROBLEM.tensors:
        inside = []
        for dim in (dim for dim in order if dim in active):
            if dim in each.dims:
                break
            inside.append(dim)
        found.append((frozenset(inside), not (each.dims & active)))
    return found


@given(st.permutations(DIMS), st.integers(0, 3), st.integers(0, 3), names, st.booleans())
def test_some_class_lets_as_much_stand_still_as_any_order_and_none_more(order, first, last, active, outermost):
    first, last = sorted((first, last))
    block = LoopBlock(1, "temporal", tuple(order[:first]), tuple(order[first:last]), None, tuple(order[last:]))
    classes = stills(PROBLEM, block, frozenset(DIMS), outermost)
    allowed = [each for each in permutations(DIMS) if each in set(orders(block, frozenset(DIMS)))]
    for chosen in allowed:
        real = standing(chosen, active)
        good = [
            one
            for one in classes
            if not one.forced & active
            and all(free & active >= still for free, (still, _) in zip(one.free, real, strict=True))
            and (outermost or all(passes >= done for passes, (_, done) in zip(one.passes, real, strict=True)))
        ]
        assert good
    for one in classes:
        for chosen in (each for each in allowed if [d for d in each if d not in one.forced] == list(one.order)):
            real = standing(chosen, frozenset(DIMS) - one.forced)
            assert [free for free, _ in real] == [free - one.forced for free in one.free]


def test_nothing_stands_still_longer_than_where_nothing_is_decided():
    loose = open_still(PROBLEM)
    for one in stills(PROBLEM, LoopBlock(1, "temporal", (), DIMS), frozenset(DIMS), outermost=False):
        assert all(a >= b for a, b in zip(loose.free, one.free, strict=True))


def test_classes_differ_only_in_what_the_block_moves():
    block = LoopBlock(1, "temporal", (), DIMS)
    few = stills(PROBLEM, block, frozenset(DIMS), outermost=False, moved=frozenset("Z"))
    place = [each.name for each in PROBLEM.tensors].index("Z")
    kinds = [(one.free[place], one.passes[place]) for one in few]
    assert sorted(kinds, key=str) == sorted(set(kinds), key=str)
    for one in stills(PROBLEM, block, frozenset(DIMS), outermost=False):
        assert any(free >= one.free[place] and passes >= one.passes[place] for free, passes in kinds)
    assert len(stills(PROBLEM, block, frozenset(DIMS), outermost=False, moved=frozenset())) == 1
