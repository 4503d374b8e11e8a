"""A cache folder of each test's own, and a stand-in for the CACTI package."""

from cacti_stand_in import executable, make_package, own_cache

__all__ = ["executable", "make_package", "own_cache"]
