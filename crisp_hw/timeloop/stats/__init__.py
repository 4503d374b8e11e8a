"""What timeloop-model prints, from a result."""
