"""Which share of each layer to keep, with the cost of every choice at hand."""
