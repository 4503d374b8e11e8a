"""A pruning job as one value, whose fields are the options of `crisp-prune run`; PyTorch is not needed to read them."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from crisp_prune.config import CrispConfig
from crisp_prune.image import ImageTransform
from crisp_prune.option import option


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
        "The classes to prune for: label indices such as 3,5,7, or random:3 for a seeded choice, or all.", "all"
    )
    weights: Path | None = option("The state_dict to start from (tensors only).", None)
    validate: str | None = option("The validation data. Default: a share of --data that is held back.", None)
    config: CrispConfig = field(default_factory=CrispConfig)
    batch_size: int = option("The number of samples per batch.", 32)
    per_class: int = option("The most training samples of each class.", 256)
    holdout: float = option("The share of --data, from 0 to 1, that is held back without --validate.", 0.2)
    image: ImageTransform = field(default_factory=ImageTransform)
    device: str = option("The device to train on: cpu, cuda, cuda:1, ...", "cpu")

    def as_dict(self) -> dict[str, Any]:
        """Plain values for config.json."""
        plain = asdict(self) | {"config": self.config.as_dict()}
        return {name: str(value) if isinstance(value, Path) else value for name, value in plain.items()}
