"""Timeloop's YAML: files, templates, expressions, typed fields, lines."""
