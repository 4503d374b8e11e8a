"""A pruning job as one value, whose fields are the options of `crisp-prune run`; PyTorch is not needed to read them."""

import json
import os
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from crisp_prune.config import CrispConfig
from crisp_prune.image import ImageTransform
from crisp_prune.option import option

CONFIG_NAME = "job.yaml"
"""The file of the run directory that repeats the options of the run."""


@dataclass(frozen=True)
class Job:
    """What to prune, on which data, and where the results go; `classes` is text that `choose_classes` reads.

    `model` is "package.module:factory", `weights` an initial state_dict; `validate` None holds back a share of `data`.
    """

    model: str = option("The function that makes the PyTorch model, as package.module:factory.")
    data: str = option("The training data: a folder with a sub-folder per class, or package.module:factory.")
    out: Path = option("The pruned-model file to write (.pt or .safetensors).")
    run_dir: Path = option("The folder for the state of the run. Default: beside --out.", may_be_left_out=True)
    classes: str = option(
        "The classes to prune for: labels such as 3,5,7, names of class folders, random:3 for a seeded choice, or all.",
        "all",
    )
    weights: Path | None = option("The state_dict to start from (tensors only).", None)
    validate: str | None = option("The validation data. Default: a share of --data that is held back.", None)
    config: CrispConfig = field(default_factory=CrispConfig)
    batch_size: int = option("The number of samples per batch.", 32)
    per_class: int = option("The most training samples of each class.", 256)
    holdout: float = option("The share of --data, from 0 to 1, that is held back without --validate.", 0.2)
    image: ImageTransform = field(default_factory=ImageTransform)
    budget: str | None = option(
        "What the network may cost on --arch instead of a sparsity: cycles=2e6, ms=0.5, energy_uj=40, bytes=1e6, or a "
        "share of the dense network's, such as 0.25x or energy_uj=0.25x.",
        None,
    )
    arch: str | None = option("The accelerator of --budget. Default: crisp-stc.", None)
    ratios: str | None = option(
        "Who decides how much of each layer stays under --budget: uniform, global, sensitivity, netadapt, amc or tpe. "
        "Default: netadapt.",
        None,
    )
    device: str = option("The device to train on: cpu, cuda, cuda:1, ...", "cpu")

    def as_dict(self) -> dict[str, Any]:
        """Plain values for config.json."""
        plain = asdict(self) | {"config": self.config.as_dict()}
        return {name: str(value) if isinstance(value, Path) else value for name, value in plain.items()}


def job_text(job: Job) -> str:
    """The job as a file that `crisp-prune run --config` reads in the run directory, where its paths begin.

    >>> job = Job("nets:build", "images", Path("made/run.pt"), Path("made/run-run"))
    >>> [line for line in job_text(job).splitlines() if line[:3] in ("dat", "nm:", "out")]
    ['data: "../../images"', 'out: "../run.pt"', 'nm: "2:4"']
    """
    config, image, told = job.config, job.image, dict[str, Any]()
    for owner in (job, config, image):
        for entry in fields(owner):
            if "help" in entry.metadata:
                told[entry.metadata["spelled"] or entry.name] = getattr(owner, entry.name)
    n, m = told.pop("n"), told.pop("m")
    told |= {"nm": None if n is None else f"{n}:{m}", "raw_pixels": not image.normalize}
    told["role"] = [f"{glob}={role}" for glob, role in config.roles.items()]
    told["max_sparsity"] = [f"{glob}={ceiling}" for glob, ceiling in config.max_sparsity.items()]
    for name in ("data", "validate"):
        told[name] = told[name] if told[name] is None or ":" in told[name] else Path(told[name])
    lines = [
        f"{name.replace('_', '-')}: {_flow(value, job.run_dir)}"
        for name, value in told.items()
        if value not in (None, [])
    ]
    return "\n".join([f"# crisp-prune run --config {CONFIG_NAME} --resume", *lines, ""])


def _flow(value: Any, folder: Path) -> str:
    """A value on one line of YAML."""
    return json.dumps(os.path.relpath(value, folder) if isinstance(value, Path) else value)
