"""Every method asks for the same points again, and for those of the space alone."""

import pytest

from crisp_hw.errors import InputError
from crisp_hw.exploration.axes import space_of
from crisp_hw.exploration.samplers import METHODS, sampler_of
from crisp_hw.spec.study import Judged, Objective

SPACE = space_of({"a": [1, 2, 4], "b": ["x", None], "c": {"low": 0.5, "high": 2.0, "log": True}})
WHOLE = space_of({"a": [1, 2, 4], "b": ["x", None]})
TWO = (Objective("cycles"), Objective("speedup", maximised=True))


def asked(method, seed, space=SPACE):
    sampler = sampler_of(method, space, TWO, seed)
    found = []
    for _ in range(4):
        points = sampler.ask(8)
        found += points
        sampler.tell(
            [
                Judged({"cycles": each["a"], "speedup": each["c"]}) if each["b"] else Judged({}, "does not fit")
                for each in points
            ]
        )
    return found


@pytest.mark.parametrize("method", [name for name in METHODS if name != "grid"])
def test_a_seed_decides_and_values_are_those_of_the_space(method):
    found = asked(method, 1)
    assert found == asked(method, 1) != asked(method, 2)
    assert (
        len(found) == 32
        and {each["a"] for each in found} == {1, 2, 4}
        and {each["b"] for each in found}
        == {
            "x",
            None,
        }
    )
    assert all(0.5 <= each["c"] <= 2 for each in found)


def test_a_grid_has_every_combination_once():
    points = sampler_of("grid", WHOLE, TWO, 0).ask(100)
    assert len({tuple(each.values()) for each in points}) == len(points) == 6
    assert points[:2] == [{"a": 1, "b": "x"}, {"a": 1, "b": None}]


def test_a_sampler_that_learns_comes_to_the_best():
    sampler = sampler_of("tpe", space_of({"a": list(range(50))}), (Objective("cycles"),), 0)
    for _ in range(8):
        points = sampler.ask(8)
        sampler.tell([Judged({"cycles": (each["a"] - 33) ** 2}) for each in points])
    assert min(abs(each["a"] - 33) for each in sampler.ask(8)) <= 1


def test_an_unknown_method_is_refused():
    with pytest.raises(InputError, match="no method 'bayes'; there are grid, random, tpe, nsga2"):
        sampler_of("bayes", SPACE, TWO, 0)


def test_a_seed_of_a_grid_is_refused():
    with pytest.raises(InputError, match="seed 3 has no effect on a grid, which draws nothing"):
        sampler_of("grid", WHOLE, TWO, 3)
