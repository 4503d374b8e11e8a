"""Flattened documents, turned into nouns."""
