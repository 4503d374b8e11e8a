"""Results to tidy rows, tables and figures."""
