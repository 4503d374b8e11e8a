"""N:M in one shot of a model and data that are named: calibrate, prune, and write the pruned-model file and weights."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from glob import escape
from pathlib import Path
from typing import Any

from torch import Tensor
from torch.utils.data import DataLoader, Subset

from crisp_hw.documents.columns import table
from crisp_hw.documents.document import Document
from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.machine.writing import check_writable
from crisp_hw.pruned_file import save_pruned
from crisp_hw.spec.columns import Record
from crisp_hw.spec.descriptors import PrunedModel
from crisp_hw.spec.documents.workloads import ONE_SHOT
from crisp_hw.spec.patterns import NM, nm_of
from crisp_hw.spec.shown import counted
from crisp_prune.batches import LABEL_KEYS
from crisp_prune.calling import names_taken
from crisp_prune.checkpoint import save_checkpoint
from crisp_prune.config import CrispConfig
from crisp_prune.data import open_dataset
from crisp_prune.image import ImageTransform
from crisp_prune.job import build_model
from crisp_prune.oneshot import OneShot, Rule, one_shot
from crisp_prune.prune import Crisp
from crisp_prune.sites import find_sites, weight_of

SCHEMA = "crisp-prune/one-shot/1"


@dataclass(frozen=True)
class Calibrated:
    """A model and data by name, how to prune, and the file to write; `weights` None keeps those of the factory."""

    model: str
    data: str
    out: Path
    nm: str = "2:4"
    rule: Rule = "wanda"
    weights: Path | None = None
    samples: int = 128
    batch_size: int = 32
    image: ImageTransform = field(default_factory=ImageTransform)

    @property
    def saved_weights(self) -> Path:
        """The file of the weights that stay, beside the pruned-model file."""
        return self.out.with_name(f"{self.out.stem}-weights.pt")


def prune_once(asked: Calibrated) -> Document:
    """Prune as asked and write both files; the answer has the relative error of every layer's output.

    InputError where a name leads nowhere, or a file cannot be written.
    """
    pattern = nm_of(asked.nm)
    if asked.out.suffix not in (".pt", ".safetensors"):
        said = "the pruned-model file must end in .pt or .safetensors"
        raise InputError(said, Where(mark=Mark(str(asked.out))))
    check_writable(asked.out.parent)
    model = build_model(asked.model, asked.weights, seed=0)
    batches, samples = calibration(asked, names_taken(model))
    asked = replace(asked, samples=samples)
    found = one_shot(model, batches, pattern, asked.rule)
    exported = as_pruned(found, batches[0], pattern, asked)
    save_checkpoint(asked.saved_weights, found.model.state_dict())
    save_pruned(asked.out, exported)
    return document(found, asked)


def calibration(asked: Calibrated, taken: Collection[str] = ()) -> tuple[list[Any], int]:
    """Inputs of samples of the data, in batches, without labels that are not `taken` by name; how many there are."""
    if asked.samples < 1 or asked.batch_size < 1:
        raise InputError(f"{asked.samples} samples in batches of {asked.batch_size} cannot be", hint="take at least 1")
    dataset = open_dataset(asked.data, asked.image)
    step = max(1, len(dataset) // asked.samples)  # spread over the classes, which folders list one after the other
    chosen = Subset(dataset, list(range(0, len(dataset), step))[: asked.samples])
    return [_inputs(batch, taken) for batch in DataLoader(chosen, asked.batch_size)], len(chosen)


def _inputs(batch: Any, taken: Collection[str]) -> Any:
    """The inputs of a batch, which may be a pair with labels, or a map with them."""
    match batch:
        case [inputs, _]:
            return inputs
        case Tensor():
            return batch
        case Mapping():
            return {name: value for name, value in batch.items() if name in taken or name not in LABEL_KEYS}
        case [inputs]:
            return inputs
    raise InputError(f"batches are {type(batch).__name__}s of {len(batch)}", hint="give inputs, or pairs with labels")


def as_pruned(found: OneShot, batch: Any, pattern: NM, asked: Calibrated) -> PrunedModel:
    """The masks of the layers that were pruned, with the geometry that one batch shows."""
    roles = {"*": "dense"} | {escape(name): "nm" for name in found.errors}
    config = CrispConfig(pattern="nm", n=pattern.n, m=pattern.m, criterion="magnitude", roles=roles, keep_zeros=True)  # type: ignore[arg-type]
    pruner = Crisp(found.model, config, sample=batch)
    pruner.step()
    told = {"one_shot": {"rule": asked.rule, "samples": asked.samples, "data": asked.data}}
    exported = pruner.export(asked.model.partition(":")[2], told)
    pruner.finalize(check=False)  # the weights have these zeros already
    return exported


def document(found: OneShot, asked: Calibrated) -> Document:
    """A record for every pruned layer, in the order in which they were pruned."""
    weights = {site.name: weight_of(found.model, site.uses[0]) for site in find_sites(found.model)}
    zeros = {name: float((weights[name] == 0).float().mean()) for name in found.errors}
    records: list[Record] = [
        {"layer": name, "sparsity": zeros[name], "error": error} for name, error in found.errors.items()
    ]
    said = f"{counted(len(records), 'layer')} to {asked.nm} by {asked.rule}; {asked.samples} samples calibrate"
    content = {
        "schema": SCHEMA,
        "file": str(asked.out),
        "weights": str(asked.saved_weights),
        "rule": asked.rule,
        "nm": asked.nm,
        "layers": records,
        "dense": [{"name": name, "reason": why} for name, why in found.dense.items()],
    }
    remarks = {"in all": (said,), "stays dense": tuple(f"{name}: {why}" for name, why in found.dense.items())}
    return Document("one-shot", (table(str(asked.out), ONE_SHOT.columns, records),), remarks, records, content)
