"""Sparse acceleration features: gating, skipping, spatial skipping, and what they leave of every access."""

from crisp_hw.engine.safs.counts import Accesses, metadata_bits
from crisp_hw.engine.safs.sparse import Sparse, apply_safs, dense_only

__all__ = ["Accesses", "Sparse", "apply_safs", "dense_only", "metadata_bits"]
