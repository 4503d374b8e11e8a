"""Names to ways of evaluating a design point."""
