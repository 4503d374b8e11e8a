"""Roles, reasons and reach."""

import json
from dataclasses import replace

import pytest
import torch
from torch import nn

from crisp_hw.command_line.answers import show
from crisp_hw.errors import InputError
from crisp_prune.config import CrispConfig
from crisp_prune.plan import make_plan, plan_document, require_reachable
from crisp_prune.prune import Crisp
from crisp_prune.sites import find_sites, unsupported


class OutOfOrder(nn.Module):
    """Registers its layers in another order than it calls them, and one that it never calls."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(32, 4)
        self.unused = nn.Linear(32, 32)
        self.late = nn.Conv2d(8, 32, 3, padding=1)
        self.depthwise = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.stem = nn.Conv2d(3, 8, 3, padding=1)

    def forward(self, x):
        x = self.late(self.depthwise(self.stem(x)))
        return self.head(x.mean((2, 3)))


def roles(plan):
    return {layer.name: layer.role for layer in plan.layers}


CONFIG = CrispConfig(sparsity=0.6, block=8)


def test_roles_follow_registration_until_a_forward_pass_was_seen():
    model = OutOfOrder()
    assert roles(make_plan(model, CONFIG)) == {
        "head": "hybrid", "unused": "hybrid", "late": "dense", "depthwise": "dense", "stem": "nm",
    }  # fmt: skip
    pruner = Crisp(model, CONFIG, sample=torch.zeros(2, 3, 6, 6))
    plan = pruner.plan()
    assert roles(plan) == {"stem": "dense", "depthwise": "dense", "late": "hybrid", "head": "nm", "unused": "dense"}
    assert plan.layer("depthwise").reason == "grouped convolution (8 groups)"
    assert plan.layer("stem").reason == "first convolution"
    assert [skipped.name for skipped in plan.skipped] == ["unused"]


def test_overrides_by_glob_and_their_errors():
    model = OutOfOrder()
    config = CrispConfig(sparsity=0.5, block=8, roles={"*": "nm", "depthwise": "dense", "unused": "dense"})
    assert roles(make_plan(model, config))["late"] == "nm"
    with pytest.raises(InputError, match="depthwise cannot be nm: grouped"):
        make_plan(model, CrispConfig(sparsity=0.5, block=8, roles={"*": "nm"}))
    with pytest.raises(InputError, match=r"'laet' matches no layer; the layers are head, unused, late"):
        make_plan(model, CrispConfig(block=8, roles={"laet": "nm"}))


def test_highest_reachable_by_hand():
    model = nn.Sequential(nn.Linear(64, 32), nn.Linear(32, 20), nn.Linear(20, 10))
    plan = make_plan(model, CrispConfig(sparsity=0.5, block=16))
    kept = 32 * 8 + 20 * 8 + 10 * 10  # one live block column of 16, halved, in the first two; 10 of 20 in the third
    assert plan.highest == pytest.approx(1 - kept / (64 * 32 + 32 * 20 + 200))
    with pytest.raises(InputError, match=rf"highest is {plan.highest:.4f}, held back most by 0 keeps 256 of 2048"):
        Crisp(model, CrispConfig(sparsity=0.95, block=16))
    assert not any(module._forward_pre_hooks for module in model.modules())


def test_a_partial_block_makes_the_promise_smaller_not_larger():
    model = nn.Sequential(nn.Linear(20, 16), nn.Linear(16, 4))
    layer = make_plan(model, CrispConfig(sparsity=0.5, block=16)).layer("0")
    assert layer.lowest_kept == 16 * 8  # the block of 16 columns survives when the partial one is the worst


def test_a_ceiling_lowers_the_reach():
    model = nn.Sequential(nn.Linear(64, 16), nn.Linear(16, 4))
    free = make_plan(model, CrispConfig(sparsity=0.5, block=16)).layer("0")
    capped = make_plan(model, CrispConfig(sparsity=0.5, block=16, max_sparsity={"0": 0.75})).layer("0")
    assert (free.lowest_kept, capped.lowest_kept) == (16 * 8, 16 * 16)


def test_nothing_to_prune_is_an_error():
    with pytest.raises(InputError, match="no convolution or Linear layer"):
        require_reachable(make_plan(nn.Sequential(nn.Conv2d(3, 8, 3)), CONFIG), 0.6)


def test_packed_attention_tied_weights_and_other_kinds():
    class Mixed(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(12, 8)
            self.attention = nn.MultiheadAttention(8, 2)
            self.one = nn.Linear(8, 8)
            self.two = nn.Linear(8, 8)
            self.two.weight = self.one.weight
            self.decoder = nn.Linear(8, 12)
            self.decoder.weight = self.embed.weight
            self.lstm = nn.LSTM(8, 8)

    model = Mixed()
    sites = {site.name: site for site in find_sites(model)}
    assert set(sites) == {"attention.in_proj", "attention.out_proj", "one", "decoder"}
    assert [use.name for use in sites["one"].uses] == ["one", "two"]
    assert sites["decoder"].obstacle == "shares its weight with embed.weight"
    assert sites["attention.out_proj"].uses[0].caller == "attention"
    assert {skipped.name for skipped in unsupported(model, tuple(sites.values()))} == {
        "lstm.weight_ih_l0",
        "lstm.weight_hh_l0",
    }


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"n": 5}, "5:4 is no N:M pattern"),
        ({"block": 6}, "no multiple of m"),
        ({"sparsity": 0.4}, "at least 0.5000"),
        ({"sparsity": 1.0}, "below 1"),
        ({"criterion": "best"}, "unknown criterion 'best'; there are cass, signed, taylor"),
        ({"roles": {"a": "sparse"}}, "'sparse'; there are hybrid, nm, dense"),
        ({"max_sparsity": {"a": 0.3}}, "give the layer the role dense"),
        ({"classes": (1, 1)}, "different label indices"),
        ({"epochs": -1}, "cannot be negative"),
        ({"increment": 0}, "share of all blocks"),
        ({"criterion": "magnitude", "online": True}, "set online=False"),
    ],
)
def test_config_refuses(fields, message):
    with pytest.raises(InputError, match=message):
        CrispConfig(**fields)


def test_lazy_layers_are_refused():
    with pytest.raises(InputError, match="lazy layer"):
        find_sites(nn.Sequential(nn.LazyLinear(4)))


def test_a_plan_prints_as_the_table_of_the_command_line(capsys):
    plan = make_plan(OutOfOrder(), CONFIG)
    show(plan_document(plan), "table")
    printed = capsys.readouterr().out
    assert printed == f"{plan}\n"
    lines = printed.splitlines()
    (heading,) = (line for line in lines if line.split()[:2] == ["layer", "role"])
    assert "reach" in heading and "why" in heading and lines[0] == "totals:"
    first = lines.index(heading) + 2
    assert [line.split()[0] for line in lines[first : first + len(plan.layers)]] == [each.name for each in plan.layers]
    assert f"{plan.total} prunable weights; highest reachable sparsity {plan.highest:.4f}; " in " ".join(
        printed.split()
    )


def test_a_plan_is_records_and_json_too(capsys):
    plan = make_plan(OutOfOrder(), CONFIG)
    show(plan_document(plan), "json")
    told = json.loads(capsys.readouterr().out)
    assert (told["schema"], told["highest"], told["prunable_weights"]) == (
        "crisp-prune/plan/1",
        plan.highest,
        plan.total,
    )
    assert [(each["layer"], each["role"], each["lowest_kept"]) for each in told["layers"]] == [
        (layer.name, layer.role, layer.lowest_kept) for layer in plan.layers
    ]
    show(plan_document(plan), "csv")
    assert capsys.readouterr().out.count("\n") == 1 + len(plan.layers)


def test_a_plan_and_a_pruner_are_short_and_show_html():
    model = OutOfOrder()
    plan = make_plan(model, CONFIG)
    assert repr(plan).startswith("<Plan: 5 layers, 3 of them pruned, at most to 0.") and len(repr(plan)) < 120
    assert plan._repr_html_().count("<tr>") == 1 + len(plan.layers)
    pruner = Crisp(model, CONFIG)
    assert repr(pruner) == "<Crisp of OutOfOrder: iteration 0 of 3, sparsity 0.0000 of 0.6>"
    assert len(repr(pruner.state)) < 120


def test_names_do_not_steer_the_terminal():
    plan = make_plan(nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8)), CrispConfig(sparsity=0.5, block=8))
    odd = replace(plan, layers=(replace(plan.layers[0], name="[red]\x1b[31mx"), *plan.layers[1:]))
    assert "[red]?[31mx" in str(odd)


def test_a_head_that_is_tied_leaves_no_other_layer_to_be_the_classifier():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.words, self.middle, self.last = nn.Embedding(16, 8), nn.Linear(8, 8), nn.Linear(8, 8)
            self.head = nn.Linear(8, 16, bias=False)
            self.head.weight = self.words.weight

        def forward(self, x):
            return self.head(self.last(self.middle(self.words(x))))

    plan = make_plan(Tied(), CrispConfig(sparsity=0.5, block=8))
    assert [(layer.name, layer.role) for layer in plan.layers] == [
        ("middle", "hybrid"), ("last", "hybrid"), ("head", "dense"),
    ]  # fmt: skip


def test_the_word_for_the_highest_sparsity_is_a_number_once_the_layers_are_known():
    config = CrispConfig(sparsity="max", block=8)
    with pytest.raises(InputError, match="'max' is a number once a model is known"):
        _ = config.iterations
    assert CrispConfig(pattern="nm", sparsity="max").sparsity == 0.5
    plan = make_plan(OutOfOrder(), config)
    assert plan.targets[-1] == int(plan.highest * 1e4) / 1e4
    pruner = Crisp(OutOfOrder(), config)
    before = pruner.config.sparsity
    pruner.record((torch.zeros(2, 3, 6, 6), torch.zeros(2, dtype=torch.long)))  # other layers are the first and last
    assert before == plan.targets[-1] != pruner.config.sparsity == int(pruner.plan().highest * 1e4) / 1e4
    assert pruner.config.sparsity <= pruner.plan().highest < pruner.config.sparsity + 1e-4


def test_a_target_out_of_reach_says_what_can_be_taken():
    with pytest.raises(InputError, match=r"take sparsity=0\.\d+ or sparsity='max'"):
        Crisp(OutOfOrder(), sparsity=0.99, block=8)
    assert Crisp(OutOfOrder(), sparsity="max", block=8).config.sparsity > 0.5


@pytest.mark.parametrize("sparsity", [None, "max"])
def test_nm_alone_is_what_it_gives_where_rows_are_no_whole_groups(sparsity):
    told = {} if sparsity is None else {"sparsity": sparsity}
    model = nn.Sequential(nn.Linear(27, 8), nn.Linear(8, 4))
    pruner = Crisp(model, pattern="nm", criterion="magnitude", **told)
    assert pruner.step().sparsity == 1 - (14 * 8 + 4 * 4) / (27 * 8 + 8 * 4)  # the last group keeps two of three
    assert Crisp(nn.Sequential(nn.Linear(3, 8)), sparsity="max", block=4).config.sparsity == 0.5


class Backbone(nn.Module):
    """Two convolutions and what follows them: a norm, or an end given by the test."""

    def __init__(self, end):
        super().__init__()
        self.stem, self.body, self.end = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3), end

    def forward(self, x):
        return self.end(self.body(self.stem(x)))


ENDS = {
    "norm": (nn.BatchNorm2d(8), "hybrid", "hybrid"),
    "maps in part": (nn.MaxPool2d(2), "nm", "hybrid"),  # the modules alone do not show it
    "maps pooled": (nn.Sequential(nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()), "nm", "nm"),
    "maps themselves": (nn.Sigmoid(), "nm", "nm"),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_network_without_a_head_has_no_classifier_to_spare(end):
    module, blind, seen = ENDS[end]
    assert roles(make_plan(Backbone(module), CONFIG)) == {"stem": "dense", "body": blind}
    pruner = Crisp(Backbone(module), sparsity=0.5, block=8, sample=torch.zeros(2, 3, 8, 8))
    assert roles(pruner.plan()) == {"stem": "dense", "body": seen}
    again = Crisp(Backbone(module), sparsity=0.5, block=8)
    again.load_state_dict(pruner.state_dict())
    assert roles(again.plan()) == {"stem": "dense", "body": seen}


@pytest.mark.parametrize("sample", [None, torch.zeros(1, 4, 16)])
def test_an_encoder_without_a_head_is_pruned_to_its_last_layer(sample):
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 2, 32, batch_first=True), 2)
    plan = Crisp(encoder, sparsity=0.5, block=8, sample=sample).plan()
    assert {layer.role for layer in plan.layers} == {"hybrid"}
