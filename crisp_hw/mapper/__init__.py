"""The space of legal mappings, and the search for the best of them."""
