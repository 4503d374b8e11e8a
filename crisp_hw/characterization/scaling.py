"""Energy and area of logic from one technology node to another.

A. Stillmaker, B. Baas, "Scaling equations for the accurate prediction of CMOS device performance from 180 nm to 7 nm",
Integration 58 (2017), pp. 74-81, doi 10.1016/j.vlsi.2017.02.002: energy factors are quadratics in the supply voltage,
area factors a table. The numbers are those of UCLA NanoCAD's transcription, nodeScale; hwcomponents 1.0.114
(scaling/techscaling.py) has the same but for 20 nm, where it lists the high-performance device.
"""

import math

from crisp_hw.errors import InputError

ENERGY = {  # node in nm: (a2, a1, a0) of a2 V^2 + a1 V + a0; low-power devices (LP) where there are two kinds
    90: (4.762, -4.781, 2.092),
    65: (3.755, -4.398, 1.975),
    45: (1.103, -0.362, 0.2767),
    32: (0.9559, -0.7823, 0.471),
    20: (0.2632, -0.14, 0.06841),
}
AREA_FROM_45 = {90: 2.8, 65: 1.5, 45: 1.0, 32: 0.46, 20: 0.21}  # their area table, column 45 nm
SUPPLY_V = {90: 1.2, 65: 1.1, 45: 1.1, 32: 1.0, 20: 0.9}  # not given; assumed because PTM's low-power models have these
WIRE_SOURCE = (
    "the square of the supply; not given; assumed because a wire's capacitance per length hardly changes with the node "
    "(Ho, Mai and Horowitz 2001, doi 10.1109/5.920580)"
)
REFERENCE_NM = 45  # the node of arch/energy/cited.yaml
SOURCE = "Stillmaker and Baas 2017"


def energy_factor(node_nm: int) -> float:
    """Energy of logic at a node over that at 45 nm, each at its nominal supply; InputError outside of 20 to 90 nm.

    >>> [round(energy_factor(node), 3) for node in (90, 65, 45, 32, 22)]
    [2.648, 1.385, 1.0, 0.531, 0.171]
    """
    return _between(node_nm, {node: _quadratic(node) for node in ENERGY}) / _quadratic(REFERENCE_NM)


def wire_factor(node_nm: int) -> float:
    """Energy of a wire of some length at a node over that at 45 nm; InputError outside of 20 to 90 nm.

    >>> [round(wire_factor(node), 3) for node in (90, 65, 45, 32, 22)]
    [1.19, 1.0, 1.0, 0.826, 0.699]
    """
    return _between(node_nm, {node: supply**2 for node, supply in SUPPLY_V.items()}) / SUPPLY_V[REFERENCE_NM] ** 2


def area_factor(node_nm: int) -> float:
    """Area of logic at a node over that at 45 nm; InputError outside of 20 to 90 nm.

    >>> [round(area_factor(node), 3) for node in (90, 65, 45, 32, 22)]
    [2.8, 1.5, 1.0, 0.46, 0.246]
    """
    return _between(node_nm, AREA_FROM_45)


def scaling_note(node_nm: int) -> str:
    """How a number at 45 nm came to this node; empty at 45 nm.

    >>> scaling_note(22)
    'scaled from 45 to 22 nm by Stillmaker and Baas 2017 (between their 32 and 20 nm, log-log)'
    """
    if node_nm == REFERENCE_NM:
        return ""
    own = node_nm in ENERGY
    how = "" if own else " (between their {} and {} nm, log-log)".format(*reversed(_neighbours(node_nm)))
    return f"scaled from {REFERENCE_NM} to {node_nm} nm by {SOURCE}{how}"


def _quadratic(node: int) -> float:
    a2, a1, a0 = ENERGY[node]
    supply = SUPPLY_V[node]
    return a2 * supply**2 + a1 * supply + a0


def _between(node_nm: int, factors: dict[int, float]) -> float:
    if node_nm in factors:
        return factors[node_nm]
    low, high = _neighbours(node_nm)
    share = math.log(node_nm / low) / math.log(high / low)
    return math.exp((1 - share) * math.log(factors[low]) + share * math.log(factors[high]))


def _neighbours(node_nm: int) -> tuple[int, int]:
    smaller, larger = [n for n in ENERGY if n < node_nm], [n for n in ENERGY if n > node_nm]
    if not smaller or not larger:
        raise InputError(
            f"logic at {node_nm} nm: {SOURCE} is used from {min(ENERGY)} to {max(ENERGY)} nm; choose a node inside"
        )
    return max(smaller), min(larger)
