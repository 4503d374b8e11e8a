"""`python -m crisp_hw`."""

from crisp_hw.cli import main

if __name__ == "__main__":
    main()
