"""Containers keep their kind, whatever is done to the tensors in them; what they hold is found."""

from collections import OrderedDict, UserDict, namedtuple
from dataclasses import dataclass, field
from types import MappingProxyType

import pytest
import torch
from torch.nn.utils.rnn import PackedSequence, pack_sequence

from crisp_prune.batches import labels_of_batch, only_classes, to_device
from crisp_prune.nesting import mapped, members, tensors_of

CPU = torch.device("cpu")
Pair = namedtuple("Pair", "x labels")


@dataclass(frozen=True)
class Frozen:
    x: torch.Tensor
    labels: torch.Tensor
    name: str = "n"
    derived: int = field(init=False, default=3)


def both():
    return {"x": torch.arange(3.0), "labels": torch.tensor([0, 1, 0])}


KINDS = {
    "dict": both,
    "OrderedDict": lambda: OrderedDict(both()),
    "as of a tokenizer": lambda: UserDict(both()),
    "dataclass": lambda: Frozen(**both()),
    "named tuple": lambda: Pair(**both()),
    "tuple": lambda: tuple(both().values()),
    "list": lambda: list(both().values()),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_keeps_its_kind_where_it_is_moved_narrowed_and_changed(kind):
    batch = KINDS[kind]()
    for made in (to_device(batch, CPU), only_classes(batch, {0}), mapped(torch.clone, batch)):
        assert type(made) is type(batch) and made is not batch
    assert [len(tensor) for tensor in tensors_of(only_classes(batch, {0}))] == [2, 2]
    assert labels_of_batch(batch).tolist() == [0, 1, 0] and [len(tensor) for tensor in tensors_of(batch)] == [3, 3]


def test_a_packed_sequence_and_whatever_moves_itself_is_moved_by_its_own_way():
    packed = pack_sequence([torch.ones(3, 2), torch.ones(1, 2)])
    assert isinstance(to_device(packed, CPU), PackedSequence)

    class Graph:
        device = "unknown"

        def to(self, device):
            self.device = device
            return self

    graph = Graph()
    assert to_device([graph], CPU)[0].device == CPU and graph.device == "unknown"


def test_members_of_what_is_no_container_are_none():
    assert members("word") == members(3) == members(Frozen) == []
    assert mapped(torch.neg, MappingProxyType({"a": torch.ones(1)})) == {"a": torch.tensor([-1.0])}
    assert mapped(torch.neg, torch.Size([2])) == torch.Size([2])
