"""`python -m crisp_prune.cli`."""

from crisp_prune.cli.start import main

main()
