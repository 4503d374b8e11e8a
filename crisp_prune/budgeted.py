"""A job with a budget of hardware: what its driver chose, kept so that a run that goes on has the same."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from torch import nn

from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.machine.writing import write_text
from crisp_prune.checkpoint import make_folder
from crisp_prune.config import CrispConfig
from crisp_prune.hardware import find_budget, target_from
from crisp_prune.options import Job
from crisp_prune.ratios.settle import problem_of, settle

FILE = "budget.json"
ARCH, DRIVER = "crisp-stc", "netadapt"
"""What a budget is for, and who meets it, where nothing is said."""


@dataclass(frozen=True)
class Budgeted:
    """What a network costs, of what it cost dense, on which accelerator; the share of blocks that each layer keeps."""

    arch: str
    metric: str
    driver: str
    cost: float
    dense: float
    sparsity: float
    max_sparsity: dict[str, float]
    shares: dict[str, float]

    def config(self, config: CrispConfig) -> CrispConfig:
        """The config that ends with these shares."""
        return replace(config, sparsity=self.sparsity, max_sparsity=self.max_sparsity)

    def __str__(self) -> str:
        share = self.cost / self.dense
        return (
            f"{self.cost:.6g} of {self.dense:.6g} {self.metric} on {self.arch} ({share:.3f} of dense) by {self.driver}"
        )


def budgeted(job: Job, model: nn.Module, config: CrispConfig, batches: Iterable[Any], resume: bool) -> Budgeted | None:
    """What the driver of a job chooses, or chose before the job was interrupted; None without a budget."""
    if job.budget is None:
        return None
    path = job.run_dir / FILE
    if resume and path.exists():
        try:
            return Budgeted(**json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError) as error:
            raise InputError("is damaged", Where(mark=Mark(str(path))), "choose another --run-dir") from error
    arch, driver, target = job.arch or ARCH, job.ratios or DRIVER, target_from(job.budget)
    problem = problem_of(model, config, list(batches), find_budget(arch, target.metric), target)
    found = settle(problem, driver)
    made = found.config
    return Budgeted(
        arch, target.metric, driver, found.cost, found.dense, made.target, dict(made.max_sparsity), found.shares
    )


def keep(job: Job, found: Budgeted | None) -> None:
    """Note what was chosen in the run directory."""
    if found is not None:
        make_folder(job.run_dir)
        write_text(job.run_dir / FILE, json.dumps(asdict(found), sort_keys=True) + "\n")
