"""The problem document: dimensions, projections and densities."""

import pytest

from crisp_hw.errors import InputError, Where
from crisp_hw.spec.patterns import Banded, FixedStructured, Hypergeometric
from crisp_hw.spec.problem import Term
from crisp_hw.timeloop.read.problem import read_density, read_problem


def document(instance=(), spaces=None, **shape):
    """A problem over P and R with one tensor I."""
    spaces = spaces or [{"name": "I", "projection": [[["P", "Wstride"], ["R"]]]}]
    coefficients = [{"name": "Wstride", "default": 2}]
    return {
        "shape": {
            "name": "conv",
            "dimensions": ["P", "R"],
            "data_spaces": spaces,
            "coefficients": coefficients,
            **shape,
        },
        "instance": {"P": 4, "R": 3, **dict(instance)},
    }


def test_a_sliding_window_with_a_default_and_a_given_stride():
    assert read_problem(document()).tensors[0].ranks == ((Term("P", 2), Term("R", 1)),)
    assert read_problem(document({"Wstride": 3})).tensors[0].ranks == ((Term("P", 3), Term("R", 1)),)


def test_a_flat_projection_is_one_rank_per_name():
    found = read_problem(document(spaces=[{"name": "W", "projection": ["R", "P"], "read_write": True}])).tensors[0]
    assert found.ranks == ((Term("R"),), (Term("P"),))
    assert found.is_output


@pytest.mark.parametrize(
    ("given", "density"),
    [
        ({"densities": {"I": 0.25}}, FixedStructured(0.25)),
        ({"densities": {"I": {"distribution": "fixed-structured", "density": 0.25}}}, FixedStructured(0.25)),
        ({"densities": {"I": {"distribution": "hypergeometric", "density": 1}}}, Hypergeometric(1.0)),
        ({"commonDensity": 0.5}, FixedStructured(0.5)),
        ({}, FixedStructured(1.0)),
    ],
)
def test_densities(given, density):
    assert read_problem(document(given)).tensors[0].density == density


@pytest.mark.parametrize(
    ("problem", "sentence"),
    [
        (
            document({"densities": {"I": 1.3}}),
            "problem tensor I.density: density 1.3 is above 1; give the share of nonzeros, between 0 and 1",
        ),
        (
            document({"densities": {"I": -0.1}}),
            "problem tensor I.density: expected a nonnegative number, found float -0.1",
        ),
        (document({"densities": {"X": 0.5}}), "problem.instance.densities: unknown key 'X'; known are I"),
        (
            document({"densities": {"I": {"density": 0.5}}}),
            "problem tensor I.density: the key 'distribution' is missing",
        ),
        (document({"P": 0}), "problem.instance.P: expected a whole number of at least 1, found 0"),
        (document({"Q": 2}), "problem.instance: unknown key 'Q'; known are P, R, Wstride, commonDensity, densities"),
        (
            document(spaces=[{"name": "I", "projection": [[["Q"]]]}]),
            "problem tensor I.projection: the term ['Q'] is not [dimension]",
        ),
        (
            document(spaces=[{"name": "I", "projection": [[["P", "Hstride"]]]}]),
            "problem tensor I.projection: unknown coefficient 'Hstride'",
        ),
        (
            document(spaces=[{"projection": []}]),
            "problem.shape.data_spaces: the key 'name' is missing; there are 'projection'",
        ),
        (document(spaces=[{"name": "I"}]), "problem tensor I: the key 'projection' is missing; there are 'name'"),
    ],
)
def test_errors_name_the_tensor_or_the_dimension(problem, sentence):
    with pytest.raises(InputError) as error:
        read_problem(problem)
    assert str(error.value).startswith(sentence)


def test_a_distribution_that_is_not_modelled_is_said_to_be_so():
    with pytest.raises(
        InputError, match="tensor I: density distribution 'actual_data' is not modelled yet; there are "
    ):
        read_density({"distribution": "actual-data", "density": 0.5}, Where("problem", "I"))


def test_bands_have_a_width_instead_of_a_density():
    assert read_density({"distribution": "banded", "band_width": 3}, Where("problem", "I")) == Banded(3)
    assert read_density({"distribution": "diagonal"}, Where("problem", "I")) == Banded(0)
    with pytest.raises(InputError, match="tensor I: unknown key 'density'"):
        read_density({"distribution": "banded", "density": 0.5}, Where("problem", "I"))
