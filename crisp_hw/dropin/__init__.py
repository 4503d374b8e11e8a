"""What timeloop-model and timeloop-mapper do, with Timeloop's own files."""
