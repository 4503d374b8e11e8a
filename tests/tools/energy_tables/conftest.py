"""A cache folder of each test's own, and a stand-in for the CACTI package."""

from cacti_stand_in import make_package, own_cache

__all__ = ["make_package", "own_cache"]
