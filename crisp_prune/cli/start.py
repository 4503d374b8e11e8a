"""What `crisp-prune` runs. PyTorch is loaded inside of it, where an interrupt or a missing library is one sentence."""

from crisp_hw.errors import CrispError

PROGRAM = "crisp-prune"


def run() -> None:
    """Read the command line and run what it asks for."""
    try:
        from crisp_prune.cli.commands import app
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise CrispError("PyTorch is not installed", hint='pip install "crisp-hw[torch]"') from None

    app(prog_name=PROGRAM)
