"""`python -m crisp_hw.cli`."""

from crisp_hw.cli import main

main()
