"""What the outputs of layers say about their filters: the scale of the batch norm behind them, how often they fire."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from crisp_hw.errors import InputError, Where
from crisp_hw.spec.wrapped import modules_of
from crisp_prune.choices import Criterion, Layout
from crisp_prune.sites import CONVOLUTIONS, TRANSPOSED


def of_outputs(
    model: nn.Module, weights: Mapping[str, Tensor], layouts: Mapping[str, Layout], run: Callable[[], object]
) -> dict[Criterion, dict[str, Tensor]]:
    """Both criteria of every layer for what `run()` sends through the model, in the shape of the layer's weight.

    "apoz" is the share of positions above zero, which a ReLU lets pass (Hu et al., arXiv 1607.03250, say the share of
    zeros), behind the batch norm where one follows; "bn-scale" the size of its scale (network slimming, Liu et al.,
    arXiv 1708.06519), which only such layers have. Which norm follows is seen: it reads the very tensor that came out.

    >>> import torch
    >>> model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.BatchNorm1d(2)).eval()
    >>> with torch.no_grad(): _ = model[0].weight.copy_(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]))
    >>> found = of_outputs(model, {"0": model[0].weight}, {"0": "plain"}, lambda: model(torch.ones(1, 2)))
    >>> found["apoz"]["0"].tolist(), found["bn-scale"]["0"].tolist()
    ([[1.0, 1.0], [0.0, 0.0]], [[1.0, 1.0], [1.0, 1.0]])
    """
    made: dict[int, tuple[str, Tensor]] = {}
    fired: dict[str, Tensor] = {}
    scales: dict[str, Tensor] = {}

    def out_of(name: str) -> Any:
        def note(module: nn.Module, args: Any, output: Any) -> None:
            if isinstance(output, Tensor):
                made[id(output)] = name, output
                fired[name] = _firing(output, 1 if isinstance(module, (*CONVOLUTIONS, *TRANSPOSED)) else -1)

        return note

    def behind(module: nn.Module, args: Any, output: Tensor) -> None:
        name, before = made.get(id(args[0]), ("", None))
        if before is args[0] and module.weight is not None:
            scales[name], fired[name] = module.weight.detach().abs(), _firing(output, 1)  # type: ignore[operator]  # a tensor

    modules = modules_of(model)
    handles = [modules[name].register_forward_hook(out_of(name)) for name in weights if name in modules]
    handles += [each.register_forward_hook(behind) for each in modules.values() if isinstance(each, _BatchNorm)]
    try:
        run()
    finally:
        for handle in handles:
            handle.remove()
    found: dict[Criterion, dict[str, Tensor]] = {"apoz": fired, "bn-scale": scales}
    return {
        criterion: {name: _spread(value, weights[name], layouts[name]) for name, value in values.items()}
        for criterion, values in found.items()
    }


def complete(found: Mapping[str, Tensor], weights: Mapping[str, Tensor], criterion: Criterion) -> None:
    """InputError where a layer has no such number.

    >>> import torch
    >>> complete({"0": torch.ones(1)}, {"0": torch.ones(1)}, "apoz")
    """
    for name in weights:
        if name not in found:
            why = "no batch norm follows it" if criterion == "bn-scale" else "no tensor of its own comes out of it"
            said = f"cannot be ranked by {criterion}: {why}"
            raise InputError(said, Where(key=name), "give it the role dense, or choose another criterion")


def _firing(output: Tensor, axis: int) -> Tensor:
    """The share of positions above zero of each channel."""
    others = [place for place in range(output.ndim) if place != axis % output.ndim]
    return (output.detach() > 0).float().mean(others)


def _spread(value: Tensor, weight: Tensor, layout: Layout) -> Tensor:
    """A number of each output, for every weight of it."""
    axis = 1 if layout == "turned" else 0
    return value.reshape([-1 if place == axis else 1 for place in range(weight.ndim)]).expand_as(weight).clone()
