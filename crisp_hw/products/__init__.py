"""Matrix products that no layer module makes, seen in one forward pass; importing it does not import PyTorch."""
