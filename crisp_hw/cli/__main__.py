"""`python -m crisp_hw.cli`."""

from crisp_hw.cli.app import main

main()
