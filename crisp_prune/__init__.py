"""crisp_prune: class-aware hybrid N:M + block pruning of a PyTorch model.

>>> from crisp_prune import Crisp, CrispConfig
>>> CrispConfig(sparsity=0.9, n=2, m=4, block=64).iterations
8
"""

from importlib.util import find_spec

if find_spec("torch") is None:
    raise ModuleNotFoundError('crisp_prune needs PyTorch: pip install "crisp-hw[torch]"', name="torch")

from crisp_prune.config import CrispConfig
from crisp_prune.plan import Plan, make_plan
from crisp_prune.prune import Crisp
from crisp_prune.train import FitOptions

__all__ = ["Crisp", "CrispConfig", "FitOptions", "Plan", "make_plan"]
