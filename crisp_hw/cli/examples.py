"""Two examples of every command, for its help; a test runs them all."""

EXAMPLES: dict[str, tuple[str, ...]] = {}
