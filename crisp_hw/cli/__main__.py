"""`python -m crisp_hw.cli`."""

from crisp_hw.cli.start import main

main()
