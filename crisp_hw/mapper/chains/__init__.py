"""The best of every choice of keep and bypass at once, level by level: for chains of many levels."""
