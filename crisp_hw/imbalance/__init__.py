"""Work that is not shared evenly, beside the model: Sparseloop knows expectations, not the slowest of many."""
