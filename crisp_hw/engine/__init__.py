"""Sparseloop's model as pure functions, batched over mappings."""
