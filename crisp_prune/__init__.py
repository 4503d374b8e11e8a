"""crisp_prune: class-aware hybrid N:M + block pruning of a PyTorch model."""
