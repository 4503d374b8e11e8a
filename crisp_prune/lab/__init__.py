"""Comparisons of pruning methods on real images: a study in one YAML file, its cells, their table and figures."""
