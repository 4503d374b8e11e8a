"""Config and options as keywords, and one sentence for whatever a pruner does not take."""

import inspect
from dataclasses import MISSING, fields
from typing import get_type_hints

import numpy as np
import pytest
import torch
from torch import nn

from crisp_hw.errors import InputError
from crisp_hw.spec.patterns import NM
from crisp_prune import Crisp, CrispConfig, FitOptions, make_plan
from crisp_prune.config import CrispFields
from crisp_prune.training import FitFields

CONFIG = CrispConfig(sparsity=0.6, block=4, epochs=1)
BATCHES = [(torch.zeros(4, 16), torch.zeros(4).long())]


def net():
    return nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 4))


@pytest.mark.parametrize("nm", ["1:4", NM(1, 4)])
def test_the_config_as_keywords(nm):
    pruner = Crisp(net(), sparsity=0.8, nm=nm, block=8, classes=np.array([1, 3]), lr=np.float32(0.5))
    assert pruner.config == CrispConfig(sparsity=0.8, n=1, m=4, block=8, classes=(1, 3), lr=0.5)
    assert all(type(label) is int for label in pruner.config.classes)


@pytest.mark.parametrize(
    ("function", "kind", "keywords"), [(Crisp, CrispConfig, CrispFields), (Crisp.fit, FitOptions, FitFields)]
)
def test_keywords_are_the_fields(function, kind, keywords):
    former = {"score"}  # it is no field: only what makes the config takes it
    assert get_type_hints(keywords) == {n: k for n, k in get_type_hints(kind).items() if n not in former}
    shown = inspect.signature(function).parameters
    for each in fields(kind):
        default = each.default if each.default_factory is MISSING else each.default_factory()
        assert shown[each.name].default == default


@pytest.mark.train
def test_fit_takes_its_options_as_keywords():
    pruner, steps = Crisp(net(), CONFIG), []
    pruner.fit(torch.utils.data.DataLoader(_Samples(), batch_size=4), on_step=steps.append)
    assert steps


class _Samples(torch.utils.data.Dataset):
    def __len__(self):
        return 8

    def __getitem__(self, place):
        return torch.full((16,), float(place)), place % 4


WRONG_PRUNERS = {
    "number": ((3,), {}, "the model is 3, an int; give the model object itself, a torch.nn.Module"),
    "name": (("resnet50",), {}, "the model is 'resnet50', a str; give the model object itself"),
    "class": ((nn.Linear,), {}, "the model is the class Linear; give the model object itself"),
    "state dict": (({},), {}, "the model is a dict; give the model object itself"),
    "config": ((net(), {"sparsity": 0.5}), {}, "config is a dict; give CrispConfig(...), or its fields as keywords"),
    "both": ((net(), CONFIG), {"sparsity": 0.5}, "config and sparsity are given; give one of them, or config="),
    "both with nm": ((net(), CONFIG), {"nm": "2:4"}, "config and n, m are given"),
    "nm and n": ((net(),), {"nm": "2:4", "n": 2}, "nm and n are given; give nm alone"),
    "nm": ((net(),), {"nm": "2-4"}, "nm is '2-4', a str; write \"2:4\""),
    "spelling": ((net(),), {"sparsty": 0.5}, "unknown keyword sparsty; did you mean sparsity?"),
    "samples": ((net(), CONFIG), {"batch_size": "4"}, "batch_size is '4', a str; give a whole number or None"),
    "no samples": ((net(), CONFIG), {"batch_size": 0}, "batch_size is 0; give 1 or more"),
}


@pytest.mark.parametrize(("values", "keywords", "said"), WRONG_PRUNERS.values(), ids=WRONG_PRUNERS)
def test_a_pruner_says_what_it_takes(values, keywords, said):
    with pytest.raises(InputError) as caught:
        Crisp(*values, **keywords)
    assert said in str(caught.value)


WRONG_FIELDS = {
    "n": ("2", "n is '2', a str; give a whole number"),
    "m": (4.0, "m is 4.0, a float; give a whole number"),
    "sparsity": ("90%", "sparsity is '90%', a str; give 'max' or a number"),
    "block": (64.5, "block is 64.5, a float; give a whole number"),
    "classes": ("3,5", "classes is '3,5', a str; give label indices such as (3, 5, 8)"),
    "online": (1, "online is 1, an int; give True or False"),
    "roles": ({3: "nm"}, "roles is a dict; give a map from globs of layer names"),
    "max_sparsity": ({"a": "x"}, "max_sparsity['a'] is 'x', a str; give a number"),
    "epochs": (2.5, "epochs is 2.5, a float; give a whole number"),
    "lr": ("fast", "lr is 'fast', a str; give a number"),
    "warmup_epochs": ("x", "warmup_epochs is 'x', a str; give a number or None"),
    "seed": (None, "seed is None; give a whole number"),
    "criterion": (3, "criterion is 3, an int; give 'cass' or 'signed'"),
}


@pytest.mark.parametrize("name", WRONG_FIELDS)
def test_a_config_says_what_its_fields_take(name):
    value, said = WRONG_FIELDS[name]
    with pytest.raises(InputError) as caught:
        CrispConfig(**{name: value})
    assert said in str(caught.value)


@pytest.mark.parametrize("classes", [3, None, ["cat"], [1.5]])
def test_classes_are_label_indices(classes):
    with pytest.raises(InputError, match=r"classes .*give label indices such as \(3, 5, 8\)"):
        CrispConfig(classes=classes)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: Crisp(net(), CONFIG).step(3), "batches is 3, an int; give something that can be iterated again"),
        (lambda: Crisp(net(), CONFIG).fit(BATCHES, 3), "options is 3, an int; give FitOptions(...), or its fields"),
        (lambda: Crisp(net(), CONFIG).fit(BATCHES, FitOptions(), resume=True), "options and resume are given"),
        (lambda: Crisp(net(), CONFIG).fit(3), "the loader has no batch or no length"),
        (lambda: Crisp(net(), CONFIG).save(3), "the pruned-model file is 3, an int; give a path"),
        (lambda: Crisp(net(), CONFIG).load_state_dict(3), "the state is 3, an int; give what state_dict() returned"),
        (lambda: FitOptions(checkpoint=3), "checkpoint is 3, an int; give a path"),
        (lambda: FitOptions(every="1"), "every is '1', a str; give a whole number"),
        (lambda: FitOptions(every=-1), "every is -1 and cannot be negative"),
        (lambda: FitOptions(resume=1), "resume is 1, an int; give True or False"),
        (lambda: FitOptions(on_step=3), "on_step is 3, an int; give a function or None"),
        (lambda: FitOptions(loss_fn=3), "loss_fn is 3, an int; give a function of model and batch"),
        (lambda: FitOptions(score_loader=3), "score_loader is 3, an int; give a DataLoader"),
        (lambda: make_plan(3, CONFIG), "the model is 3, an int"),
        (lambda: make_plan(net(), None), "config is None; give CrispConfig(...)"),
    ],
)
def test_the_others_say_what_they_take(call, said):
    with pytest.raises(InputError) as caught:
        call()
    assert said in str(caught.value)


def test_a_checkpoint_may_be_text():
    assert FitOptions(checkpoint="run/checkpoint.pt").checkpoint.name == "checkpoint.pt"
