"""The nouns of the project: frozen dataclasses without I/O."""
