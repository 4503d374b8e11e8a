"""What the commands crisp-hw and crisp-prune have in common: how they parse, what they say, how they end."""
