"""Fabrics step by step on data: short, slow and obvious, so that the model's counts have something to be held against.

Nothing here knows the engine or the encodings; a contract of import-linter holds that.
"""
