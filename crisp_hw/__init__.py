"""crisp-hw: a pruned neural network in, hardware numbers that can be trusted out."""

__version__ = "0.1.0"
