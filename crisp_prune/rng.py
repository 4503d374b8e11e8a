"""All random generators that a training loop reads, as values that a checkpoint can hold."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from crisp_hw.errors import InputError
from crisp_prune.together import place

State = dict[str, Any]


def capture(loader: object = None) -> State:
    """State of Python's, NumPy's and torch's global generators and of the loader's own, in tensors and plain values.

    >>> state = capture()
    >>> drawn = torch.rand(1)
    >>> restore(state)
    >>> bool(torch.rand(1) == drawn)
    True
    """
    name, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    return {
        "python": random.getstate(),
        "numpy": [str(name), torch.from_numpy(np.asarray(keys).astype(np.int64)), position, has_gauss, float(cached)],
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "loader": [generator.get_state() for generator in generators(loader)],
    }


def restore(state: State, loader: object = None) -> None:
    """Put every generator back to a captured state; InputError when the loader has other generators than then.

    >>> restore(capture())
    """
    own = generators(loader)
    if len(own) != len(state["loader"]):
        raise InputError(
            f"the loader has {len(own)} generators, the saved run's had {len(state['loader'])}",
            hint="build it the same way",
        )
    version, internal, gauss = state["python"]
    random.setstate((version, tuple(internal), gauss))
    name, keys, position, has_gauss, cached = state["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), position, has_gauss, cached))
    torch.set_rng_state(state["torch"])
    if state["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"])
    for generator, saved in zip(own, state["loader"], strict=True):
        generator.set_state(saved)


STRIDE = 1_000_003
"""Between the seeds of two processes that train together: assumed, a prime above the seeds of a run's iterations."""


def seed_all(seed: int, loader: object = None) -> None:
    """Seed every generator; of processes that train together, the loader's own alike and all others differently.

    A loader's own generator says which samples are whose, and processes must agree on that.

    >>> seed_all(0); first = torch.rand(1); seed_all(0); bool(torch.rand(1) == first)
    True
    """
    mine = seed + STRIDE * place()
    random.seed(mine)
    np.random.seed(mine % 2**32)
    torch.manual_seed(mine)
    for generator in generators(loader):
        generator.manual_seed(seed)


@contextmanager
def preserved(loader: object = None) -> Iterator[None]:
    """Whatever is drawn inside, the generators stand afterwards where they stood before.

    >>> with preserved():
    ...     seed_all(1)
    """
    state = capture(loader)
    try:
        yield
    finally:
        restore(state, loader)


def generators(loader: object) -> list[torch.Generator]:
    """The generators that a DataLoader owns: its own and its sampler's, each once.

    >>> from torch.utils.data import DataLoader
    >>> len(generators(DataLoader([1, 2], shuffle=True, generator=torch.Generator())))
    1
    """
    owners = (
        loader,
        getattr(loader, "sampler", None),
        getattr(getattr(loader, "batch_sampler", None), "sampler", None),
    )
    found = [getattr(owner, "generator", None) for owner in owners]
    return list({id(one): one for one in found if isinstance(one, torch.Generator)}.values())
