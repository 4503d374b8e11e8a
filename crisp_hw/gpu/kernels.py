"""PyTorch's kernels for semi-structured (2:4) weights against its dense ones."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from crisp_hw.backends.timeloop.failure import ToolError
from crisp_hw.errors import InputError
from crisp_hw.spec.gpu import KernelTimes

Precision = Literal["float16", "bfloat16"]
TimeProduct = Callable[[NDArray[np.bool_], int], KernelTimes]
"""Times of the product of weights kept by a mask, bool[rows, columns], with so many vectors; InputError where PyTorch
has no kernel of the shape."""

CAPABILITY = (8, 0)
"""torch.sparse.to_sparse_semi_structured: NVIDIA's Ampere is the first with sparse tensor cores."""
SECONDS = 0.2
"""Least time over which a kernel is timed; torch.utils.benchmark's own default of `blocked_autorange`."""


def gpu_timer(precision: Precision) -> TimeProduct:
    """What times products on the GPU of this machine.

    Raises
    ------
    ToolError
        When PyTorch is missing, or sees no GPU that has kernels for 2:4 weights.
    """
    try:
        import torch
    except ImportError as error:
        raise ToolError("timing needs PyTorch", hint="pip install 'crisp-hw[torch]', built for your GPU") from error
    if not torch.cuda.is_available():
        raise ToolError(
            f"PyTorch {torch.__version__} sees no GPU on this machine, so nothing is timed",
            hint="run it where there is an NVIDIA GPU, with a PyTorch built for CUDA; `crisp-hw evaluate` needs none",
        )
    if (found := torch.cuda.get_device_capability()) < CAPABILITY:
        said = f"{torch.cuda.get_device_name()} has compute capability {found[0]}.{found[1]}"
        raise ToolError(f"{said}, and 2:4 kernels need 8.0 or more")
    kind = getattr(torch, precision)
    return lambda mask, tokens: _times(torch, kind, mask, tokens)


def _times(torch: Any, kind: Any, mask: NDArray[np.bool_], tokens: int) -> KernelTimes:
    from torch.utils.benchmark import Timer

    kept = torch.from_numpy(mask).cuda()
    weights = torch.randn(mask.shape, dtype=kind, device="cuda") * kept  # values do not change the time of a product
    vectors = torch.randn(tokens, mask.shape[1], dtype=kind, device="cuda")
    try:
        packed = torch.sparse.to_sparse_semi_structured(weights)
        torch.nn.functional.linear(vectors, packed)
    except (RuntimeError, ValueError) as error:
        rows, columns = mask.shape
        raise InputError(f"PyTorch has no 2:4 kernel for {rows} x {columns} weights of {kind}") from error

    def median_ms(matrix: Any) -> float:
        scope = {"linear": torch.nn.functional.linear, "vectors": vectors, "matrix": matrix}
        return float(
            Timer("linear(vectors, matrix)", globals=scope).blocked_autorange(min_run_time=SECONDS).median * 1e3
        )

    return KernelTimes(median_ms(weights), median_ms(packed))
