"""Masks and geometry -> PrunedModel, the value that a pruned-model file holds."""

from collections.abc import Mapping
from dataclasses import replace
from math import gcd
from typing import Any

import torch
from torch import nn

from crisp_hw.errors import InputError
from crisp_hw.products.layers import in_order, product_layer
from crisp_hw.products.product import Product
from crisp_hw.spec.descriptors import PRODUCTS, SHRUNK, PrunedLayer, PrunedModel
from crisp_hw.spec.layer import Layer, Skipped
from crisp_hw.spec.patterns import NM
from crisp_hw.spec.wrapped import modules_of
from crisp_prune.calling import arguments, without_masks
from crisp_prune.choices import BALANCED, WITH_NM
from crisp_prune.config import CrispConfig
from crisp_prune.geometry import layers_of, record, samples_of
from crisp_prune.matrix import COLUMN_ORDER
from crisp_prune.plan import make_plan
from crisp_prune.reach import LayerPlan
from crisp_prune.shrink import Shrunk
from crisp_prune.sites import Site, find_sites
from crisp_prune.state import PrunerState


def pruned_model(model: nn.Module, state: PrunerState, name: str, provenance: Mapping[str, Any]) -> PrunedModel:
    """Every call of a convolution or Linear layer in execution order with its mask; what was left out, and notes.

    A layer called k times in one forward pass gives k entries ("name", "name@2", ...) with the same mask, so that
    its work is counted for every call; a note in the provenance says so. Products of activations are entries without a
    mask, where they ran. InputError before a batch was seen.
    """
    if state.geometry is None:
        raise InputError(
            "the layers' input sizes are unknown", hint="give Crisp a sample, or call record(batch) before export"
        )
    plan = make_plan(model, state.config, state.geometry)
    sites = {use.name: site for site in find_sites(model) for use in site.uses}
    layers: list[PrunedLayer] = []
    seen: dict[str, int] = {}
    notes: list[str] = []
    for each in in_order(len(state.geometry.calls), state.geometry.products or ()):
        if not isinstance(each, int):
            layers.append(_product(each, state.geometry.batch, seen, notes))
            continue
        call = state.geometry.calls[each]
        again = _again(seen, call.use)
        parts = layers_of(model, sites[call.use], call, state.geometry.batch)
        for place, counted in enumerate(parts):
            layer = replace(counted.layer, name=counted.layer.name + again)
            layers.append(_pruned_layer(state, layer, plan.layer(sites[call.use].name), (place, len(parts))))
            notes += [f"{layer.name}: {counted.note}"] if counted.note else []
    notes += [_repeated(layer, calls) for layer, calls in seen.items() if calls > 1 and layer in sites]
    notes += [_shared(site) for site in find_sites(model) if len(site.uses) > 1]
    return PrunedModel(
        name,
        tuple(layers),
        classes=state.config.classes,
        skipped=plan.skipped if state.geometry.products is not None else plan.skipped + _attention(model),
        provenance={**_facts(state), "notes": notes, **provenance},
    )


def shrunk_model(shrunk: Shrunk, sample: Any, name: str = "") -> PrunedModel:
    """A model without its empty channels as a pruned-model file holds it: smaller dense layers, and what they were.

    `sample` is a model input (a tensor, a tuple of arguments, or a map of those by name) with the batch in front.

    >>> from crisp_prune.shrink import shrink
    >>> model, sample = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2)), torch.zeros(1, 4)
    >>> with torch.no_grad(): _ = model[1].weight[:, 1].zero_()
    >>> found = shrunk_model(shrink(model, sample), sample)
    >>> found.layers[0].layer.out_channels, found.provenance["shrunk"]
    (3, {'0': [4, 3]})
    """
    model, given = shrunk.model, arguments(shrunk.model, sample)
    geometry = record(model, find_sites(model), lambda: model(*given[0], **given[1]), samples_of(without_masks(given)))
    made = pruned_model(model, PrunerState(CrispConfig(), geometry), name or type(model).__name__, {})
    sizes = {layer: list(size) for layer, size in shrunk.outputs.items() if size[1] < size[0]}
    kept = {key: value for key, value in made.provenance.items() if key in ("pruner", "torch", "notes", PRODUCTS)}
    return replace(made, provenance={**kept, SHRUNK: sizes})


def _again(seen: dict[str, int], name: str) -> str:
    """What tells a further call of the same name from the first."""
    seen[name] = seen.get(name, 0) + 1
    return "" if seen[name] == 1 else f"@{seen[name]}"


def _product(product: Product, batch: int, seen: dict[str, int], notes: list[str]) -> PrunedLayer:
    """A product of activations, which no mask prunes."""
    counted = product_layer(product, batch)
    layer = replace(counted.layer, name=counted.layer.name + _again(seen, counted.layer.name))
    notes += [f"{layer.name}: {counted.note}"] if counted.note else []
    return PrunedLayer(layer, "dense")


def _pruned_layer(state: PrunerState, layer: Layer, plan: LayerPlan, part: tuple[int, int]) -> PrunedLayer:
    """One entry of the file: all rows of the mask, or part i of k of them."""
    config, masks = state.config, state.masks.get(plan.name)
    if masks is None:
        return PrunedLayer(layer, "dense")
    keep = masks.keep.chunk(part[1])[part[0]]
    if not state.iteration:
        return PrunedLayer(layer, plan.role, keep.numpy())  # nothing is pruned yet, whatever the config asks for
    block = _block(config, layer.rows if part[1] > 1 else 0) if plan.role == "hybrid" else None
    nm = NM(config.n, config.m) if config.pattern in WITH_NM else None
    return PrunedLayer(layer, plan.role, keep.numpy(), nm, block if config.pattern in BALANCED else None)


def _block(config: CrispConfig, rows: int) -> int | None:
    """The side of blocks that a part of `rows` rows consists of: a smaller one where the parts cut through blocks."""
    side = gcd(config.block, rows)
    return side if side % config.m == 0 else None


def _repeated(layer: str, calls: int) -> str:
    """The note on a layer that one forward pass calls several times."""
    return f"{layer}: called {calls} times in one forward pass; every call is an entry, its weights are the same"


def _shared(site: Site) -> str:
    """The note on a weight that several layers share."""
    return f"{' and '.join(use.name for use in site.uses)} share one weight and one mask"


def _attention(model: nn.Module) -> tuple[Skipped, ...]:
    """What a state of an earlier release does not know."""
    said = "attention scores and their product with the values are not exported: this run began with an earlier release"
    return tuple(
        Skipped(path or "model", said)
        for path, module in modules_of(model).items()
        if isinstance(module, torch.nn.MultiheadAttention)
    )


def _facts(state: PrunerState) -> dict[str, Any]:
    """What the file says about its origin in any case."""
    return {
        "pruner": "crisp_prune",
        "torch": str(torch.__version__),
        "config": state.config.as_dict(),
        "column_order": list(COLUMN_ORDER),
        "iterations": state.iteration,
        "sparsity": state.sparsity,
        "sparsity_over": "weights of hybrid and nm layers, N:M counted",
        **({} if state.geometry is None or state.geometry.products is None else {PRODUCTS: "exported"}),
    }
