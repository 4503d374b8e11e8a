"""Pruned linear layers on a real GPU, by PyTorch's kernels for 2:4 weights."""

from crisp_hw.gpu.kernels import gpu_timer as gpu_timer
from crisp_hw.gpu.timing import timed as timed
