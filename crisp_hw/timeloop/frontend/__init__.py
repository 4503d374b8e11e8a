"""The 0.4 front end's documents, turned into the flattened form."""
