"""crisp_prune: class-aware hybrid N:M + block pruning of a PyTorch model.

>>> from crisp_prune import Crisp, CrispConfig
>>> CrispConfig(sparsity=0.9, n=2, m=4, block=64).iterations
8
"""

TYPE_CHECKING = False  # as in typing, which takes a while to load
if TYPE_CHECKING:
    from typing import Any

    from crisp_prune.config import CrispConfig
    from crisp_prune.plan import Plan, make_plan
    from crisp_prune.prune import Crisp
    from crisp_prune.training import FitOptions

__all__ = ["Crisp", "CrispConfig", "FitOptions", "Plan", "make_plan"]

_HOMES = {"Crisp": "prune", "CrispConfig": "config", "FitOptions": "training", "Plan": "plan", "make_plan": "plan"}


def __getattr__(name: str) -> "Any":
    """A public name when it is asked for, and PyTorch with it: the command line can answer before that is loaded."""
    from importlib import import_module

    if name == "__version__":  # both packages have one
        return import_module("crisp_hw").__version__
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(f"crisp_prune.{_HOMES[name]}"), name)
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise ModuleNotFoundError('crisp_prune needs PyTorch: pip install "crisp-hw[torch]"', name="torch") from None


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__", "__doc__"])
