"""Makers of the energy tables in arch/energy: they ask CACTI and join the answers (`make characterize`)."""
