"""The weights that a state dict means: masks, scales and packed forms of other tools, worked in by name alone."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from crisp_hw.errors import InputError, Where
from crisp_hw.io.number_kinds import DEQUANTISE, check_number_kind
from crisp_hw.spec.wrapped import plain_name

if TYPE_CHECKING:
    import torch

    Tensors = dict[str, torch.Tensor]

PARAMETRIZED = re.compile(r"(^|\.)parametrizations\.([^.]+)\.(original\d?|\d+\.mask)$")
MMA_MASK, MMA_PRUNED = re.compile(r"__(\w+)_mma_mask$"), re.compile(r"__(\w+)_mma_pruned_p$")
"""Buffers of NVIDIA's ASP: the mask of a weight, and what was pruned of it."""
PACKED = "_packed_params._packed_params"
"""A quantised linear layer of torch.ao: a pair of the quantised weight and the bias."""
CODES = ("qweight", "weight_packed", "quant_map", "quant_state", "absmax", "W_q")
"""Last parts of names under which GPTQ, compressed-tensors, bitsandbytes and HQQ keep several weights in one number."""
PIECE = re.compile(r"(^|\.)weight[.:](?!weight$|bias$)\w+$")
"""A weight that is kept in pieces, as optimum-quanto ("weight._data") and torchao ("weight:qdata") write it."""
ZERO_POINT = "_zero_point"


def plain_weights(content: Mapping[Any, Any]) -> "Tensors":
    """The tensors of a state dict with every mask multiplied in and every packed weight unpacked.

    Parameters
    ----------
    content
        Tensors by name, and what else a state dict holds. Read are `weight_orig` and `weight_mask` of
        torch.nn.utils.prune, `parametrizations` with masks, `__weight_mma_mask` of ASP, packed parameters of torch.ao,
        `bitmask`, `compressed` and `weight_zero_point` of compressed-tensors, and the names that torch.compile and FSDP
        make.

    Raises
    ------
    InputError
        When a weight is kept in a form whose zeros cannot be read, and when a mask beside it says other zeros.

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
            found[plain_name(name)] = given
    steps = (_packed_pairs, _masked_pairs, _asp, _parametrized, _weight_norm, _bitmasks, _zero_points, _masks_aside)
    for step in steps:
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
        if f"{weight}_mask" in found:
            found[weight] = _masked(weight, found.pop(name), found.pop(f"{weight}_mask"))
        elif weight not in found and f"{weight}_u" in found:  # spectral_norm divides by one number: the zeros stay
            found[weight] = found.pop(name)
        elif weight not in found:
            said = f"'{name}' is a weight before pruning, and '{weight}_mask' is not in the file"
            raise InputError(said, Where("checkpoint"), "save both, or the weights after prune.remove")


def _asp(found: "Tensors") -> None:
    for name in list(found):
        if match := MMA_MASK.search(name):
            weight, mask = name[: match.start()] + match[1], found.pop(name)
            if weight in found:
                found[weight] = _masked(weight, found[weight], mask)
        elif MMA_PRUNED.search(name):
            del found[name]


def _masked(name: str, weight: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
    if mask.shape != weight.shape:
        said = f"the mask of '{name}' is {list(mask.shape)}, and the weight {list(weight.shape)}"
        raise InputError(said, Where("checkpoint"), "save the model again")
    kept = dense(mask)
    _check_two_values(f"the mask of '{name}'", kept)
    return dense(weight) * kept


def _check_two_values(what: str, mask: "torch.Tensor") -> None:
    """A mask keeps or drops; of scores, whose zeros are an accident, somebody has to say which are kept."""
    kept = mask[mask != 0]
    if kept.numel() and not bool((kept == kept[0]).all()):
        said = f"{what} holds more than two values, as scores do"
        raise InputError(said, Where("checkpoint"), "save the weights times the mask that follows from them")


def _masks_aside(found: "Tensors") -> None:
    """Masks that no rule above multiplies in must agree with the zeros of their weight: whether the network uses them
    is not known, and so neither are its zeros."""
    for name in [name for name in found if "mask" in name]:
        parts = [part for part in name.split(".") if "mask" not in part]
        weight = next((each for each in (".".join(parts), ".".join([*parts, "weight"])) if each in found), None)
        if weight is None or name == weight or found[weight].ndim < 2 or found[weight].shape != found[name].shape:
            continue
        mask = dense(found[name])
        _check_two_values(f"'{name}'", mask)
        if bool((dense(found[weight])[mask == 0] != 0).any()):
            said = f"'{name}' has zeros where '{weight}' has none, and which of them the network uses is not known"
            raise InputError(said, Where("checkpoint"), f"save '{weight}' times its mask, or leave the mask out")


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


def _zero_points(found: "Tensors") -> None:
    """Whole numbers away from the code of zero: one for all, one per row, or one per group of columns."""
    import torch

    for name in [name for name in found if name.endswith(ZERO_POINT)]:
        codes = found.get(name.removesuffix(ZERO_POINT))
        if codes is None or codes.is_floating_point() or codes.ndim < 2:
            continue
        zero = found[name].to(torch.int32)
        if zero.ndim == 1 and zero.numel() > 1:
            zero = zero.reshape(-1, *[1] * (codes.ndim - 1))
        if zero.ndim == codes.ndim == 2 and zero.shape[1] > 1 and codes.shape[1] % zero.shape[1] == 0:
            zero = zero.repeat_interleave(codes.shape[1] // zero.shape[1], dim=1)
        try:
            moved = codes.to(torch.int32) - zero
        except RuntimeError:
            moved = codes[..., None]  # of no size that a weight may have
        if moved.shape != codes.shape:
            said = f"'{name}' is {list(found[name].shape)}, which does not fit the codes of {list(codes.shape)}"
            raise InputError(said, Where("checkpoint"), DEQUANTISE)
        found[name.removesuffix(ZERO_POINT)] = moved


def _refuse_codes(found: "Tensors") -> None:
    for name in found:
        if PIECE.search(name):
            said = f"'{name}' is a piece of a weight, and how the pieces make a weight is not known here"
            raise InputError(said, Where("checkpoint"), DEQUANTISE)
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

    if tensor.device.type == "meta":
        said = f"a tensor of {list(tensor.shape)} has a size and no numbers, because it is on the device 'meta'"
        raise InputError(said, Where("checkpoint"), "give it with its values")
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
        raise InputError(said, Where("checkpoint"), DEQUANTISE) from error


def numbers(name: str, tensor: "torch.Tensor") -> "torch.Tensor":
    """The tensor of a weight as `dense` makes it, every element a finite number that the layer multiplies with.

    >>> import torch
    >>> numbers("fc.weight", torch.tensor([[1, 0]], dtype=torch.int8)).tolist()
    [[1, 0]]
    """
    import torch

    plain = dense(tensor)
    check_number_kind(name, str(plain.dtype).removeprefix("torch."))
    if plain.is_floating_point() and not bool(torch.isfinite(plain).all()):
        raise InputError(f"'{name}' holds values that are not finite", Where("checkpoint"), "was training stable?")
    return plain


def without_prefix(names: "Mapping[str, Any]", prefix: str) -> dict[str, Any]:
    """The same by names without a prefix, where all have it; unchanged where one has not."""
    if not names or not all(name.startswith(prefix) for name in names):
        return dict(names)
    return {name.removeprefix(prefix): value for name, value in names.items()}
