"""Two examples of every command, for its help; a test parses them all."""

EXAMPLES: dict[str, tuple[str, ...]] = {}
