"""Layers have the names of the network without wrappers, whatever torch.compile lies around, then or now."""

import pytest
import torch
from small_mlp import BLIND, X, mlp, prune
from torch import nn

import crisp_hw
from crisp_hw.extract import extract
from crisp_hw.pruned_file import save_pruned
from crisp_hw.spec.descriptors import PrunedModel
from crisp_hw.spec.wrapped import by_plain_name
from crisp_prune import Crisp, CrispConfig
from crisp_prune.checkpoint import load_checkpoint, save_checkpoint
from crisp_prune.job import build_model
from crisp_prune.oneshot import one_shot

torch.set_num_threads(1)


class Attends(nn.Module):
    """Attention, whose products have names, too, and a batch norm behind a layer."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.inner = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
        self.front, self.norm, self.head = nn.Linear(16, 16), nn.BatchNorm1d(5), nn.Linear(16, 4)

    def forward(self, x):
        return self.head(self.inner(self.norm(self.front(x))).mean(1))


def compiled_parts(model):
    """The same with two of its modules compiled in their place."""
    for name, module in list(model.named_children())[:2]:
        setattr(model, name, torch.compile(module, backend="eager"))
    return model


def with_words(names, model):
    """The names as releases of before had them: those of the modules as they lie in the compiled model."""
    words = {name.replace("._orig_mod", ""): name for name, _ in model.named_modules()}
    found = {}
    for name in names:
        stem = max((each for each in words if name == each or name.startswith(f"{each}.")), key=len)
        found[name] = words[stem] + name[len(stem) :]
    return found


SAMPLE = torch.randn(2, 5, 16, generator=torch.Generator().manual_seed(3))
CONFIG = CrispConfig(sparsity=0.5, block=8, criterion="magnitude", roles={"inner.linear?": "nm"})


def test_tables_files_and_descriptions_have_the_names_of_the_plain_network(tmp_path):
    found = []
    for model in (Attends(), compiled_parts(Attends())):
        pruner = prune(Crisp(model, CONFIG, sample=SAMPLE), None)
        path = tmp_path / "run.safetensors"
        pruner.save(path, "net")
        pruned = crisp_hw.load_pruned(path)
        names = [layer.layer.name for layer in pruned.layers], [entry.name for entry in pruned.skipped]
        described = crisp_hw.describe(path)
        found.append((names, list(pruner.masks), str(pruner.plan()), pruner.geometry, described, pruned.provenance))
    assert found[0] == found[1] and "inner.self_attn.scores" in found[0][0][0]


def test_evaluating_a_compiled_model_says_the_same_as_of_the_plain_one():
    plain, parts = (extract(model.eval(), SAMPLE[:1]) for model in (Attends(), compiled_parts(Attends())))
    whole = extract(torch.compile(Attends().eval(), backend="eager"), SAMPLE[:1])
    assert plain.layers == parts.layers == whole.layers and plain.skipped == parts.skipped == whole.skipped


@pytest.mark.slow
@pytest.mark.parametrize("now", [Attends, lambda: compiled_parts(Attends())])
def test_a_checkpoint_of_before_goes_on_whether_compiled_or_not(tmp_path, now):
    """What it holds has wrappers' words in the names of masks, calls, norms, products, sums and weights."""
    model, path = compiled_parts(Attends()), tmp_path / "run.ckpt"
    batches = [(SAMPLE, torch.tensor([0, 1]))]
    config = CrispConfig(sparsity=0.6, block=8, epochs=2, online=True)
    first = Crisp(model, config, sample=SAMPLE)
    first.fit(batches, checkpoint=path)
    saved = load_checkpoint(path)
    old, state = {**saved, "model": {k: v.clone() for k, v in model.state_dict().items()}}, dict(saved["pruner"])
    words = with_words([*state["masks"]], model)
    for key in ("masks", "sums"):
        state[key] = {words[name]: value for name, value in state[key].items()}
    geometry = state["geometry"]
    calls = [[with_words([use], model)[use], *rest] for use, *rest in geometry["calls"]]
    products = [
        {**each, "module": with_words([each["module"]], model)[each["module"]]} for each in geometry["products"]
    ]
    state["geometry"] = {**geometry, "calls": calls, "products": products}
    state["history"] = [
        {**each, "live_blocks": {words[name]: count for name, count in each["live_blocks"].items()}}
        for each in state["history"]
    ]
    assert "_orig_mod" in str([*old["model"]]) and "_orig_mod" in str(calls) and "_orig_mod" in str(products)
    save_checkpoint(path, {**old, "pruner": state})
    again = Crisp(now(), config, sample=SAMPLE)
    assert again.fit(batches, checkpoint=path, resume=True) == list(first.history)
    assert again.geometry == first.geometry and list(again.masks) == list(first.masks)
    for mine, theirs in zip(again.model.state_dict().values(), model.state_dict().values(), strict=True):
        assert torch.equal(mine, theirs)


def test_a_pruned_model_file_of_before_is_read_by_plain_names_and_put_back(tmp_path):
    model = mlp()
    model[0] = torch.compile(model[0], backend="eager")
    pruner = prune(Crisp(model, BLIND, sample=X), None)
    made = pruner.export("net")
    layers = tuple(
        type(each)(type(each.layer)(**{**vars(each.layer), "name": each.layer.name.replace("0", "0._orig_mod")}), *rest)
        for each in made.layers
        for rest in [(each.role, each.mask, each.nm, each.block)]
    )
    assert layers[0].layer.name == "0._orig_mod"
    save_pruned(tmp_path / "old.safetensors", PrunedModel("net", layers, (), (), made.provenance))
    read = crisp_hw.load_pruned(tmp_path / "old.safetensors")
    assert [each.layer.name for each in read.layers] == ["0", "2"]
    for file in (read, PrunedModel("net", layers, (), (), made.provenance)):
        again = Crisp.from_pruned(mlp(), file, X)
        assert all(torch.equal(again.masks[name].keep, pruner.masks[name].keep) for name in ("0", "2"))


def test_globs_of_before_still_match_and_weights_fit_whichever_part_is_compiled(tmp_path, monkeypatch):
    model = compiled_parts(mlp())
    roles = {"0._orig_mod": "dense", "2": "hybrid"}
    assert list(Crisp(model, CrispConfig(sparsity=0.5, block=16, roles=roles)).masks) == ["2"]
    torch.save(compiled_parts(mlp()).state_dict(), tmp_path / "parts.pt")
    torch.save(mlp().state_dict(), tmp_path / "plain.pt")
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "nets_of_wrapped.py").write_text(
        "import torch\nfrom small_mlp import mlp\n"
        "def parts():\n    model = mlp()\n    model[0] = torch.compile(model[0], backend='eager')\n    return model\n"
    )
    for factory in ("small_mlp:mlp", "nets_of_wrapped:parts"):
        for file in ("parts.pt", "plain.pt"):
            build_model(factory, tmp_path / file, seed=1)


def test_one_shot_names_the_layers_of_compiled_modules_as_they_are():
    plain, parts = (one_shot(model, [X], "2:4", "wanda") for model in (mlp(), compiled_parts(mlp())))
    assert plain.errors == parts.errors and list(parts.errors) == ["0", "2"]


def test_names_stay_where_two_would_be_one():
    assert by_plain_name({"a._orig_mod": 1, "a": 2}) == {"a._orig_mod": 1, "a": 2}
