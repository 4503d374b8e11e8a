"""What `crisp-prune` runs."""

PROGRAM = "crisp-prune"


def run() -> None:
    """Read the command line and run what it asks for."""
    from crisp_prune.cli.commands import app

    app(prog_name=PROGRAM)
