"""The weights that a state dict means: masks, scales and packed forms of other tools, worked in by name alone."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from crisp_hw.errors import InputError, Where

if TYPE_CHECKING:
    import torch

    Tensors = dict[str, torch.Tensor]

WRAPPED = re.compile(r"(^|\.)(_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.")
"""What torch.compile, FSDP and activation checkpointing put into the names of the modules that they wrap."""
PARAMETRIZED = re.compile(r"(^|\.)parametrizations\.([^.]+)\.(original\d?|\d+\.mask)$")
MMA_MASK, MMA_PRUNED = re.compile(r"__(\w+)_mma_mask$"), re.compile(r"__(\w+)_mma_pruned_p$")
"""Buffers of NVIDIA's ASP: the mask of a weight, and what was pruned of it."""
PACKED = "_packed_params._packed_params"
"""A quantised linear layer of torch.ao: a pair of the quantised weight and the bias."""
DEQUANTISE = "give the weights before quantisation, or dequantise them"
CODES = ("qweight", "weight_packed", "quant_map", "quant_state", "absmax")
"""Last parts of names under which GPTQ, compressed-tensors and bitsandbytes keep codes of several weights in one."""


def plain_weights(content: Mapping[Any, Any]) -> "Tensors":
    """The tensors of a state dict with every mask multiplied in and every packed weight unpacked.

    Parameters
    ----------
    content
        Tensors by name, and what else a state dict holds. Read are `weight_orig` and `weight_mask` of
        torch.nn.utils.prune, `parametrizations` with masks, `__weight_mma_mask` of ASP, packed parameters of torch.ao,
        `bitmask` and `compressed` of compressed-tensors, and the names that torch.compile and FSDP make.

    Raises
    ------
    InputError
        When a weight is kept in a form whose zeros cannot be read.

    Examples
    --------
    >>> import torch
    >>> pruned = {"fc.weight_orig": torch.ones(1, 2), "fc.weight_mask": torch.tensor([[1, 0]])}
    >>> plain_weights(pruned)["fc.weight"].tolist()
    [[1.0, 0.0]]
    """
    import torch

    found: dict[str, Any] = {}
    for name, value in content.items():
        if not isinstance(name, str):
            continue
        given = value[0] if name.endswith(PACKED) and isinstance(value, tuple) and value else value
        if isinstance(given, torch.Tensor):
            found[WRAPPED.sub(r"\1", name)] = given
    for step in (_packed_pairs, _masked_pairs, _asp, _parametrized, _weight_norm, _bitmasks):
        step(found)
    _refuse_codes(found)
    return found


def _packed_pairs(found: "Tensors") -> None:
    for name in [name for name in found if name.endswith(PACKED)]:
        found[name.removesuffix(PACKED) + "weight"] = dense(found.pop(name))


def _masked_pairs(found: "Tensors") -> None:
    """`weight_orig` and `weight_mask`; the other way round there is nothing to do."""
    for name in [name for name in found if name.endswith("_orig")]:
        weight = name.removesuffix("_orig")
        mask = found.get(f"{weight}_mask")
        if mask is not None and mask.shape == found[name].shape:
            found[weight] = dense(found.pop(name)) * dense(found.pop(f"{weight}_mask"))


def _asp(found: "Tensors") -> None:
    for name in list(found):
        if match := MMA_MASK.search(name):
            weight, mask = name[: match.start()] + match[1], found.pop(name)
            if weight in found and found[weight].shape == mask.shape:
                found[weight] = dense(found[weight]) * dense(mask)
        elif MMA_PRUNED.search(name):
            del found[name]


def _parametrized(found: "Tensors") -> None:
    """Weights behind torch's parametrizations: those with a mask, and weight_norm, whose zeros are those of two."""
    parts: dict[str, dict[str, str]] = {}
    for name in found:
        if match := PARAMETRIZED.search(name):
            parts.setdefault(name[: match.start()] + match[1] + match[2], {})[match[3]] = name
    for weight, given in parts.items():
        if set(given) == {"original"}:
            said = f"'{weight}' is parametrized, and neither its mask nor what is done to it stands in the file"
            hint = "save the weights after sparsifier.squash_mask() or parametrize.remove_parametrizations"
            raise InputError(said, Where("checkpoint"), hint)
        values = [dense(found.pop(name)) for name in given.values()]
        found[weight] = _product(values)


def _weight_norm(found: "Tensors") -> None:
    """`weight_g` and `weight_v` of the older weight_norm."""
    for name in [name for name in found if name.endswith("_v")]:
        weight = name.removesuffix("_v")
        if f"{weight}_g" in found:
            found[weight] = _product([dense(found.pop(name)), dense(found.pop(f"{weight}_g"))])


def _product(values: "list[torch.Tensor]") -> "torch.Tensor":
    product = max(values, key=lambda value: value.numel())
    for value in values:
        product = product if value is product else product * value
    return product


def _bitmasks(found: "Tensors") -> None:
    """`bitmask`, `compressed` and `shape` of compressed-tensors, beside the weight's name or without its last part."""
    import numpy as np
    import torch

    for name in [name for name in found if name.endswith(".bitmask")]:
        stem = name.removesuffix(".bitmask")
        weight = stem if stem.endswith(".weight") else f"{stem}.weight"
        try:
            shape = [int(extent) for extent in found.pop(f"{stem}.shape").flatten()]
            bits = found.pop(name).cpu().numpy().view(np.uint8)
            kept = torch.from_numpy(np.unpackbits(bits, axis=-1, count=shape[-1], bitorder="little").astype(bool))
            values = found.pop(f"{stem}.compressed").flatten()
            whole = torch.zeros(shape, dtype=torch.float32)
            whole[kept] = values.float()
        except (KeyError, IndexError, RuntimeError, ValueError) as error:
            said = f"'{weight}' is packed as a bitmask whose parts do not fit each other"
            raise InputError(said, Where("checkpoint"), "save the model again") from error
        found[weight] = whole
        found.pop(f"{stem}.row_offsets", None)


def _refuse_codes(found: "Tensors") -> None:
    for name in found:
        if name.rpartition(".")[2] in CODES:
            said = f"'{name}' holds codes of several weights in one number, which are not unpacked here"
            raise InputError(said, Where("checkpoint"), DEQUANTISE)


def dense(tensor: "torch.Tensor") -> "torch.Tensor":
    """A strided tensor on the CPU of a quantised or sparse one; any other as it is.

    >>> import torch
    >>> dense(torch.tensor([0.0, 2.0]).to_sparse()).tolist()
    [0.0, 2.0]
    """
    import torch

    plain = tensor.detach().cpu()
    if plain.is_quantized:
        plain = plain.dequantize()
    if plain.is_floating_point() and plain.element_size() == 1:
        plain = _of_eight_bits(plain)
    return plain if plain.layout == torch.strided else plain.to_dense()


def _of_eight_bits(tensor: "torch.Tensor") -> "torch.Tensor":
    """Floats of 8 bits as ones of 32, because PyTorch cannot compare them; two of 4 bits in a byte are codes."""
    try:
        return tensor.float()
    except NotImplementedError as error:
        said = f"a tensor of {tensor.dtype} holds codes of several weights in one number, which are not unpacked here"
        raise InputError(
            said, Where("checkpoint"), "give the weights before quantisation, or dequantise them"
        ) from error


def without_prefix(names: "Mapping[str, Any]", prefix: str) -> dict[str, Any]:
    """The same by names without a prefix, where all have it; unchanged where one has not."""
    if not names or not all(name.startswith(prefix) for name in names):
        return dict(names)
    return {name.removeprefix(prefix): value for name, value in names.items()}
