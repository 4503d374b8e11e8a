"""An accelerator has one colour in every figure, which no other has, and which colour-blind readers tell apart."""

import itertools

import numpy as np
import pytest

from crisp_hw import list_arch
from crisp_hw.errors import InputError
from crisp_hw.report.figures.colours import HATCHES, OTHERS, SHIPPED, base, looks

# Machado, Oliveira, Fernandes, IEEE TVCG 15(6), 2009, severity 1.0, on linear RGB: protan, deutan, tritan.
BLIND = (
    ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
)


def lab(colour, seen):
    """CIE L*a*b* (D65) of "#rrggbb" as somebody sees it whose eyes mix linear RGB so."""
    srgb = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(np.array(seen) @ linear, 0, 1)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    ratio = to_xyz @ linear / np.array([0.9505, 1.0, 1.089])
    f = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_the_accelerators_of_the_paper_have_their_colours_beside_all_others():
    assert set(SHIPPED) <= set(list_arch())
    found = looks(list_arch())
    assert {arch: found[arch].colour for arch in SHIPPED} == dict(SHIPPED)


@pytest.mark.parametrize("seen", [np.eye(3), *BLIND], ids=["normal", "protan", "deutan", "tritan"])
def test_the_shipped_colours_are_told_apart_with_any_eyes(seen):
    labs = [lab(colour, seen) for colour in SHIPPED.values()]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(labs, 2)) > 15  # a difference of 2.3 is seen


def test_a_colour_does_not_depend_on_what_else_is_shown():
    assert looks(["crisp-stc"])["crisp-stc"] == looks(["mine", "dstc", "crisp-stc"])["crisp-stc"]
    assert looks(["mine"])["mine"] == looks(["stc", "crisp-stc", "mine"])["mine"]


@pytest.mark.parametrize(
    "archs",
    [
        [f"mine{i}" for i in range(30)],
        ["crisp-stc", *(f"crisp-stc[smem_bandwidth={i}]" for i in range(len(HATCHES) - 1))],
        [f"stc[smem_bandwidth={i}]" for i in range(len(HATCHES) - 1)],
        ["mine[a=1]", "mine[a=2]", "mine", "yours[a=1]", *(f"x{i}" for i in range(2 * len(OTHERS)))],
    ],
)
def test_no_two_accelerators_look_the_same(archs):
    found = looks(archs)
    assert list(found) == archs
    assert len(set(found.values())) == len(archs)
    assert len({look.colour for look in found.values()}) == len(archs)  # of points, which have no hatching


def test_a_variant_is_hatched_in_a_tint_of_its_base():
    found = looks(["crisp-stc[smem_bandwidth=32]", "crisp-stc"])
    plain, variant = found["crisp-stc"], found["crisp-stc[smem_bandwidth=32]"]
    assert (plain.colour, plain.hatch) == (SHIPPED["crisp-stc"], "")
    assert variant.hatch and variant.colour != plain.colour
    assert int(variant.colour[1:3], 16) > int(plain.colour[1:3], 16)
    assert base("crisp-stc[smem_bandwidth=32]") == "crisp-stc"


def test_more_than_can_be_told_apart_are_refused():
    with pytest.raises(InputError, match=r"17 accelerators share one colour .* of which 16 can be told apart"):
        looks(["stc", *(f"stc[smem_bandwidth={i}]" for i in range(16))])
