"""`python -m crisp_prune`."""

from crisp_prune.cli import main

if __name__ == "__main__":
    main()
