"""An axis may be any number that `Accelerator.replace` and `--set` take, and means what it means there."""

import pytest
from exploring import TABLE

import crisp_hw
from crisp_hw.errors import InputError
from crisp_hw.spec.accelerator import replaceable
from crisp_hw.spec.layer import Workload

ONE = Workload("one", TABLE.layers[:1])
TRIED = (2, 4, 8, 16, 32, 64, 512, 4096, 65536, 1, 0.5, 65, 45)
ARCH = crisp_hw.load_arch("crisp-stc")


def taken(name):
    """A value that the accelerator takes alone, in a list; empty where it takes none."""
    found = []
    for value in TRIED:
        try:
            ARCH.replace(**{name: value})
        except InputError:
            continue
        found.append(value)
    return found[:1]


@pytest.mark.parametrize("name", replaceable(ARCH))
def test_a_number_of_an_accelerator_is_an_axis(name):
    values = taken(name)
    if not values:
        with pytest.raises(InputError, match=name):
            crisp_hw.explore(ONE, space={name: [2]}, nm="2:4")
        return
    told = crisp_hw.explore(ONE, space={name: values}, nm="2:4", objectives=("cycles", "energy_uj")).to_frame()
    for value, row in zip(values, told.itertuples(), strict=True):
        try:
            alone = crisp_hw.evaluate(ONE, ARCH.replace(**{name: value}), nm="2:4").totals().iloc[0]
        except crisp_hw.CrispError as error:
            assert row.state == "infeasible" and row.reason == str(error)
        else:
            assert (row.cycles, row.energy_uj) == (alone["cycles"], alone["energy_uj"])
