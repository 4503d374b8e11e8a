"""Fifteen kinds of files that hold a pruned network, each by its public writer: read, and the zeros right?

`python benchmarks/checkpoints.py` prints the table of docs/how-to/foreign-checkpoint.md. It needs an environment with
transformers, pytorch_lightning, compressed-tensors 0.12 (0.20 writes no bitmasks) and onnx beside crisp-hw; a kind
whose writer is missing fails.
"""

import json
import sys
import tempfile
import warnings
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.utils import prune

import crisp_hw

SIZES = (1, 3, 4, 4)
LAYERS = {"0": 0.5, "3": 0.25}
"""The share of weights that is kept."""
Writer = Callable[[Path], Path]


def net() -> nn.Sequential:
    """A convolution and a linear layer."""
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 16, 8))


def kept() -> dict[str, torch.Tensor]:
    """True where a weight is kept: of the linear layer one in four, in groups of four."""
    generator = torch.Generator().manual_seed(0)
    shapes = {name: net().get_parameter(f"{name}.weight").shape for name in LAYERS}
    found = {"0": torch.rand(shapes["0"], generator=generator) < LAYERS["0"]}
    place = torch.randint(4, (8, 32, 1), generator=generator)
    return {**found, "3": (torch.arange(4) == place).reshape(8, 128)}


def zeroed() -> nn.Sequential:
    """The network with its zeros."""
    model = net()
    with torch.no_grad():
        for name, mask in kept().items():
            model.get_parameter(f"{name}.weight").mul_(mask)
    return model.eval()


def saved(content: Any, path: Path) -> Path:
    """By torch.save."""
    torch.save(content, path)
    return path


def ours(folder: Path, name: str) -> Path:
    """By crisp_hw's own writer."""
    model = crisp_hw.import_model(saved(zeroed().state_dict(), folder / "w.pth"), model=net(), example=SIZES)
    crisp_hw.save_pruned(folder / name, model)
    return folder / name


def by_prune(folder: Path) -> Path:
    """torch.nn.utils.prune, not made permanent."""
    model = net()
    for name, mask in kept().items():
        prune.custom_from_mask(model.get_submodule(name), "weight", mask)
    return saved(model.state_dict(), folder / "w.bin")


def by_sparsifier(folder: Path) -> Path:
    """A sparsifier of torch.ao saved beside its model, before squash_mask()."""
    from torch.ao.pruning import WeightNormSparsifier

    model = zeroed()
    sparsifier = WeightNormSparsifier(sparsity_level=0.75, sparse_block_shape=(1, 4), zeros_per_block=3)
    sparsifier.prepare(model, [{"tensor_fqn": "3.weight"}])
    sparsifier.step()
    return saved({"model": model.state_dict(), "sparsifier": {"state": dict(sparsifier.state)}}, folder / "w.pt")


def by_lightning(folder: Path) -> Path:
    """A checkpoint of a Trainer."""
    import pytorch_lightning as lightning

    class Wrapped(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = zeroed()

        def training_step(self, batch: Any, _: Any = None) -> Any:
            return 0 * self.model(batch).sum()

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.0)

    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "accelerator": "cpu"}
    trainer = lightning.Trainer(max_steps=1, enable_model_summary=False, default_root_dir=folder, **quiet)
    trainer.fit(Wrapped(), torch.utils.data.DataLoader([torch.zeros(SIZES[1:])]))
    trainer.save_checkpoint(folder / "w.ckpt")
    return folder / "w.ckpt"


def averaged(folder: Path) -> Path:
    """An average beside the weights, which are read."""
    average = torch.optim.swa_utils.AveragedModel(net())
    return saved({"model": zeroed().state_dict(), "model_ema": average.state_dict()}, folder / "w.pth")


def quantised(folder: Path) -> Path:
    """Dynamic quantisation, whose linear layers are packed."""
    return saved(torch.ao.quantization.quantize_dynamic(zeroed(), {nn.Linear}).state_dict(), folder / "w.pt")


def hugging_face(folder: Path) -> Path:
    """`save_pretrained` in several files with an index."""
    import transformers as hf

    class Wrapped(hf.PreTrainedModel):
        config_class = hf.PretrainedConfig

        def __init__(self, config: Any) -> None:
            super().__init__(config)
            self.net = zeroed()
            self.post_init()

        def _init_weights(self, module: Any) -> None:
            return

    Wrapped(hf.PretrainedConfig()).save_pretrained(folder / "saved", max_shard_size="2KB")
    assert (folder / "saved" / "model.safetensors.index.json").exists()
    return folder / "saved"


def compressed(folder: Path) -> Path:
    """2:4 as a bitmask, by the compressor itself; where a group keeps one weight alone, a zero is stored beside it."""
    from compressed_tensors.compressors.sparse_compressors import Sparse24BitMaskCompressor
    from compressed_tensors.config import Sparse24BitMaskConfig
    from safetensors.torch import save_file

    state = {name: value.detach() for name, value in zeroed().state_dict().items()}
    linear = {name: state.pop(name) for name in ("3.weight",)}
    (folder / "saved").mkdir()
    packed = dict(Sparse24BitMaskCompressor(Sparse24BitMaskConfig()).compress(linear))
    save_file({**state, **packed}, folder / "saved" / "model.safetensors")
    (folder / "saved" / "config.json").write_text(json.dumps({"model_type": "own"}))
    return folder / "saved"


def by_onnx(folder: Path) -> Path:
    """torch.onnx.export."""
    torch.onnx.export(zeroed(), (torch.zeros(SIZES),), folder / "net.onnx", dynamo=False)
    return folder / "net.onnx"


def by_export(folder: Path) -> Path:
    """torch.export.save."""
    torch.export.save(torch.export.export(zeroed(), (torch.zeros(SIZES),)), folder / "net.pt2")
    return folder / "net.pt2"


def in_safetensors(folder: Path) -> Path:
    """save_file of safetensors."""
    from safetensors.torch import save_file

    save_file(zeroed().state_dict(), folder / "w.safetensors")
    return folder / "w.safetensors"


KINDS: Mapping[str, tuple[Writer, str]] = {
    "run.pt of crisp-hw": (lambda folder: ours(folder, "run.pt"), "crisp_hw.save_pruned"),
    "run.safetensors of crisp-hw": (lambda folder: ours(folder, "run.safetensors"), "crisp_hw.save_pruned"),
    "state dict": (lambda folder: saved(zeroed().state_dict(), folder / "w.pth"), "torch.save"),
    "state dict, safetensors": (in_safetensors, "safetensors"),
    "pruning not made permanent": (by_prune, "torch.nn.utils.prune"),
    "sparsifier with its masks": (by_sparsifier, "torch.ao.pruning"),
    "checkpoint of a Trainer": (by_lightning, "pytorch_lightning"),
    "DataParallel": (lambda folder: saved(nn.DataParallel(zeroed()).state_dict(), folder / "w.pt"), "torch"),
    "compiled": (lambda folder: saved(torch.compile(zeroed()).state_dict(), folder / "w.pt"), "torch.compile"),
    "averaged beside it": (averaged, "torch.optim.swa_utils"),
    "quantised": (quantised, "torch.ao.quantization"),
    "folder with an index": (hugging_face, "transformers"),
    "2:4 as a bitmask": (compressed, "compressed-tensors"),
    "ONNX": (by_onnx, "torch.onnx"),
    "exported program": (by_export, "torch.export"),
}


def masks_of(path: Path) -> list[np.ndarray]:
    """The masks that are read, in order; graphs and files of ours need no model."""
    alone = path.suffix in (".onnx", ".pt2") or path.name.startswith("run.")
    given = {} if alone else {"model": net(), "example": SIZES}
    model = crisp_hw.load_pruned(path) if path.name.startswith("run.") else crisp_hw.import_model(path, **given)
    return [np.ones((1, 1), bool) if each.mask is None else each.mask for each in model.layers]


def row_of(kind: str) -> str:
    """One line of the table: how many weights are judged wrongly."""
    writer, name = KINDS[kind]
    with tempfile.TemporaryDirectory() as folder:
        found = masks_of(writer(Path(folder)))
    wanted = [mask.movedim(1, -1).reshape(len(mask), -1).numpy() for mask in kept().values()]
    assert len(found) == len(wanted) and all(a.shape == b.shape for a, b in zip(found, wanted, strict=True)), kind
    lost = sum(int((b & ~a).sum()) for a, b in zip(found, wanted, strict=True))
    wrong = sum(int((a & ~b).sum()) for a, b in zip(found, wanted, strict=True))
    total = sum(mask.size for mask in wanted)
    said = f"all of {total:,}" if not lost + wrong else f"{total - lost - wrong:,} of {total:,}"
    if lost and not wrong and kind == "quantised":
        said = f"all; {lost} of {total:,} weights was so small that its code is that of zero"
    package = name.partition(".")[0]
    number = crisp_hw.__version__ if package == "crisp_hw" else version(package).partition("+")[0]
    return f"| {kind} | {name} ({number}) | yes | {said} |"


def main() -> int:
    """Print the table."""
    warnings.simplefilter("ignore")
    lines = ["| kind | writer | read | right zeros |", "|---|---|---|---|", *map(row_of, KINDS)]
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
