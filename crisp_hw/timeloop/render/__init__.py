"""Nouns, turned into documents."""
