"""Processes of torch.distributed that train one network together: what all of them add up, average and agree on.

In one process, with torch.distributed or without it, every function here leaves things as they are.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch import distributed as dist

from crisp_hw.errors import InputError
from crisp_prune.nesting import tensors_of

Value = TypeVar("Value")
PIECE = 2**23
"""Gradients that are summed in one message: 32 MiB of fp32, near the 25 MiB of DistributedDataParallel's buckets."""


def processes() -> int:
    """How many there are.

    >>> processes()
    1
    """
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def place() -> int:
    """Which of them this one is, from 0.

    >>> place()
    0
    """
    return dist.get_rank() if processes() > 1 else 0


def gathered(value: Value) -> list[Value]:
    """The values of all processes, in the order of their places.

    >>> gathered(3)
    [3]
    """
    found: list[Any] = [value] * processes()
    if len(found) > 1:
        dist.all_gather_object(found, value)
    return found


def of_first(make: Callable[[], Value]) -> Value:
    """What the first process makes, in all of them; where it cannot, InputError in all of them.

    >>> of_first(lambda: 3)
    3
    """
    if processes() == 1:
        return make()
    told: list[Any] = [None, None]
    if place() == 0:
        try:
            told[0] = make()
        except InputError as error:
            told[1] = str(error)
    dist.broadcast_object_list(told, src=0)
    if told[1] is not None:
        raise InputError(told[1])
    made: Value = told[0]
    return made


def from_first(tensors: Iterable[Tensor]) -> None:
    """Put the values of the first process into these tensors of all."""
    for tensor in tensors if processes() > 1 else ():
        plain = tensor.detach()
        sent = (plain.to(torch.uint8) if plain.dtype == torch.bool else plain).contiguous()
        dist.broadcast(sent, src=0)
        plain.copy_(sent)


def shares_of(samples: float) -> list[float]:
    """The shares that all processes have of the samples of a step, by their places; none where no process has one.

    >>> shares_of(8), shares_of(0)
    ([1.0], [])
    """
    found = gathered(samples)
    return [one / sum(found) for one in found] if any(found) else []


def average(parameters: Sequence[nn.Parameter], share: float) -> None:
    """Make gradients the sums over all processes of what each has, times its share of the samples.

    That is the gradient of the mean loss over all samples. Without any in a process, zeros count; a parameter that has
    none in any stays without one.
    """
    if not parameters or (processes() == 1 and share == 1):
        return
    have = torch.tensor([each.grad is not None for each in parameters], dtype=torch.int32, device=parameters[0].device)
    if processes() > 1:
        dist.all_reduce(have, dist.ReduceOp.MAX)
    for each, known in zip(parameters, have.tolist(), strict=True):
        if known:
            each.grad = torch.zeros_like(each) if each.grad is None else each.grad.to_dense()
    add_up([each.grad for each in parameters if each.grad is not None], share)


def add_up(tensors: Sequence[Tensor], share: float) -> None:
    """Make each of these tensors the sum over all processes of theirs times their share."""
    for piece in _pieces(tensors):
        flat = torch.cat([tensor.reshape(-1) for tensor in piece]) * share
        if processes() > 1:
            dist.all_reduce(flat)
        for tensor, values in zip(piece, torch.split(flat, [tensor.numel() for tensor in piece]), strict=True):
            tensor.copy_(values.view(tensor.shape))


def _pieces(tensors: Sequence[Tensor]) -> Iterator[list[Tensor]]:
    """Those of one type and device, as many as fit into a message."""
    kinds: dict[tuple[torch.dtype, torch.device], list[Tensor]] = {}
    for tensor in tensors:
        kinds.setdefault((tensor.dtype, tensor.device), []).append(tensor)
    for same in kinds.values():
        piece: list[Tensor] = []
        for tensor in same:
            if piece and sum(one.numel() for one in piece) + tensor.numel() > PIECE:
                yield piece
                piece = []
            piece.append(tensor)
        yield piece


def require_same(what: str, tensors: Iterable[Tensor], hint: str) -> None:
    """InputError in all processes where these tensors are not the same in all."""
    if processes() > 1 and len(set(gathered(_digest(tensors)))) > 1:
        raise InputError(f"{what} differ between the {processes()} processes", hint=hint)


def require_shares(batch: Any) -> None:
    """InputError where every process was given the same first batch: then each would do the work of all."""
    if processes() > 1 and len(set(gathered(_digest(tensors_of(batch))))) == 1:
        raise InputError(
            f"each of the {processes()} processes is given the same first batch",
            hint="give each its share: DataLoader(data, sampler=DistributedSampler(data))",
        )


def _digest(tensors: Iterable[Tensor]) -> str:
    """What tells the contents of tensors apart."""
    digest = sha256()
    for tensor in tensors:
        digest.update(str((tensor.dtype, tuple(tensor.shape))).encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
