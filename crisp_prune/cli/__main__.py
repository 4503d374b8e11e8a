"""`python -m crisp_prune.cli`."""

from crisp_prune.cli import main

main()
