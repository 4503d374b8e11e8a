"""A model is called with an input as its users call it, wherever an input is asked for."""

from collections import UserDict
from dataclasses import dataclass

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_sequence

from crisp_hw.errors import InputError
from crisp_prune import Crisp, CrispConfig
from crisp_prune.calling import arguments
from crisp_prune.evaluate import accuracy
from crisp_prune.handover import shrunk_model
from crisp_prune.losses import classification_loss
from crisp_prune.oneshot import one_shot
from crisp_prune.shrink import shrink
from crisp_prune.thinet import thin

CONFIG = CrispConfig(sparsity=0.5, block=8, criterion="magnitude")
WORDS = torch.arange(14).reshape(2, 7)


@dataclass
class Output:
    logits: torch.Tensor
    loss: torch.Tensor | None = None


class Encoder(nn.Module):
    """As one of Hugging Face: arguments by name, a mask without the batch in front, a dataclass comes out."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.words, self.a, self.b = nn.Embedding(20, 16), nn.Linear(16, 16), nn.Linear(16, 4)

    def forward(self, input_ids=None, attention_mask=None, labels=None):
        hidden = self.a(self.words(input_ids)).relu().mean(1)
        logits = self.b(hidden if attention_mask is None else hidden * attention_mask.float().mean())
        return Output(logits, None if labels is None else F.cross_entropy(logits, labels))


class OneMap(nn.Module):
    """A model whose forward takes a map as one argument."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.a, self.b = nn.Linear(16, 16), nn.Linear(16, 4)

    def forward(self, batch):
        return self.b(self.a(batch["x"]).relu())


def named():
    return {"input_ids": WORDS, "attention_mask": torch.ones(7, 7)}


@pytest.mark.parametrize("kind", [dict, UserDict])
def test_a_map_is_arguments_by_name_and_says_how_many_samples_there_are(kind):
    pruner = Crisp(Encoder(), CONFIG, sample=kind(named()))
    assert pruner.geometry.batch == 2 and [call.use for call in pruner.geometry.calls] == ["a", "b"]
    assert pruner.geometry.calls[0].shape == (2, 7, 16)
    pruner.step()
    again = Crisp.from_pruned(Encoder(), pruner.export(), kind(named()))
    assert again.plan() == pruner.plan()


def test_a_dataclass_that_comes_out_is_looked_into_when_masks_are_checked():
    class Reads(Encoder):
        """Reads its weight where no mask acts on it."""

        def forward(self, input_ids=None, attention_mask=None):
            hidden = self.words(input_ids).mean(1)
            return Output(self.b(F.linear(hidden, self._modules["a"]._parameters["weight"]) + self.a(hidden) * 0))

    pruner = Crisp(Reads(), CrispConfig(sparsity=0.5, block=8, criterion="magnitude", roles={"*": "dense", "b": "nm"}))
    pruner.step()
    pruner.model(**named())
    pruner.finalize()
    plain = Crisp(Reads(), CONFIG)
    plain.step()
    plain.model(**named())
    with pytest.raises(InputError, match="gives another output than with its masks"):
        plain.finalize()


def test_an_output_without_tensors_cannot_be_checked():
    class Silent(OneMap):
        def forward(self, batch):
            super().forward(batch)
            return "done"

    pruner = Crisp(Silent(), CONFIG)
    pruner.step()
    pruner.model({"x": torch.ones(2, 16)})
    with pytest.raises(InputError, match="no tensor is found in what Silent gives, so its masks cannot be checked"):
        pruner.finalize()
    pruner.finalize(check=False)


def test_a_map_is_one_argument_where_forward_takes_it_so():
    batch = {"x": torch.ones(3, 16)}
    assert Crisp(OneMap(), CONFIG, sample=batch).geometry.batch == 3
    assert accuracy(OneMap(), [(batch, torch.zeros(3, dtype=torch.long))], ()).samples == 3
    assert arguments(OneMap(), (batch,)) == ((batch,), {})


def test_a_map_that_forward_takes_in_part_is_refused_with_what_is_wrong():
    with pytest.raises(InputError, match=r"names input_ids, token_type_ids, and forward of Encoder takes no token"):
        Crisp(Encoder(), CONFIG, sample={"input_ids": WORDS, "token_type_ids": WORDS})

    class Two(OneMap):
        def forward(self, x, y):
            return self.b(self.a(x) + self.a(y))

    with pytest.raises(InputError, match=r"forward of Two needs y; give what it takes, or a tuple"):
        Crisp(Two(), CONFIG, sample={"x": torch.ones(1, 16)})


def test_tuples_are_several_arguments_unless_forward_takes_one():
    class Two(OneMap):
        def forward(self, x, y=None):
            return self.b(self.a(x) + (0 if y is None else self.a(y)))

    class Nested(OneMap):
        def forward(self, pair):
            return self.b(self.a(pair[0]) + self.a(pair[1]["y"]))

    x = torch.ones(2, 16)
    assert len(Crisp(Two(), CONFIG, sample=(x, x)).geometry.calls) == 3
    assert len(Crisp(Nested(), CONFIG, sample=(x, {"y": x})).geometry.calls) == 3
    packed = pack_sequence([torch.ones(3, 16), torch.ones(1, 16)])
    assert arguments(nn.LSTM(16, 4), packed) == ((packed,), {})


def test_compiled_and_scripted_models_are_called_in_the_same_way():
    given = {"input1": torch.ones(1, 2), "input2": torch.ones(1, 3)}
    layer = nn.Bilinear(2, 3, 4)
    assert arguments(torch.compile(layer, backend="eager"), given) == ((), given)
    assert arguments(torch.jit.script(layer), given)[1].keys() == given.keys()


class Logits(Encoder):
    def forward(self, input_ids=None, attention_mask=None):
        return super().forward(input_ids, attention_mask).logits


def test_inputs_of_a_pair_may_be_arguments_by_name():
    batch = (UserDict({"input_ids": WORDS, "attention_mask": torch.ones(2, 7)}), torch.tensor([0, 3]))
    pruner = Crisp(Logits(), CrispConfig(sparsity=0.5, block=8, classes=(0,)))
    pruner.step([batch])
    assert pruner.geometry.batch == 1  # the samples of the classes
    expected = F.cross_entropy(Logits()(WORDS, torch.ones(2, 7)), batch[1])
    assert classification_loss(Logits(), batch).item() == expected.item()
    assert accuracy(Logits(), [batch], ()).samples == 2


@pytest.mark.parametrize("rule", ["wanda", "sparsegpt"])
def test_one_shot_calibrates_by_name_as_by_place(rule):
    given = {"attention_mask": torch.ones(2, 7), "input_ids": WORDS}
    by_name, by_place = (
        one_shot(Logits(), [batch], "2:4", rule) for batch in (UserDict(given), (WORDS, torch.ones(2, 7)))
    )
    assert by_name.errors == by_place.errors and set(by_name.errors) == {"a", "b"}
    assert thin(Logits(), [given], 0.5).errors.keys() == {"a", "b"}


def test_smaller_networks_are_checked_and_recorded_by_name():
    class Plain(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 2)

        def forward(self, x, scale=1.0, shift=0.0):
            return self.b(self.a(x).relu()) * scale + shift

    model, sample = Plain(), {"shift": torch.ones(1, 2), "x": torch.ones(1, 4)}
    with torch.no_grad():
        model.b.weight[:, 1].zero_()
    small = shrink(model, sample)
    assert small.outputs["a"] == (4, 3) and shrunk_model(small, sample).layers[0].layer.out_channels == 3
