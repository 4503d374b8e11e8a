"""Nodes and their names."""

import pytest
from small_spaces import KINDS

from crisp_hw.mapper.exact.setting import Setting


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_node_has_a_name_that_another_process_understands(kind):
    case = KINDS[kind](1)
    mine, theirs = Setting(case.spaces), Setting(KINDS[kind](1).spaces)
    layer = mine.roots()
    for _ in range(len(mine.classes) + 1):
        for node in layer[:20]:
            assert mine.node_of(mine.name_of(node)) == node
            assert theirs.node_of(mine.name_of(node)) == node
        layer = tuple(each for node in layer[:20] if node.variant is None for each in mine.following(node))
    assert all(node.variant is not None for node in layer)
