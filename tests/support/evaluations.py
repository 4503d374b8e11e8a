"""Small evaluations of every kind that there is, by name; each is made once."""

from functools import cache

import numpy as np

from crisp_hw import api
from crisp_hw.spec.descriptors import PrunedLayer, PrunedModel
from crisp_hw.spec.layer import Layer, Skipped, Workload
from crisp_hw.spec.options import EvaluateOptions
from crisp_hw.spec.patterns import NM

CONV = Layer("conv", "conv2d", 32, 16, (3, 3), padding=(1, 1), input_size=(8, 8))
LAYERS = (CONV, Layer("a", "linear", 32, 64), Layer("same as a", "linear", 32, 64), Layer("c d/e", "linear", 16, 64))
TABLE = Workload("small", LAYERS, (Skipped("relu", "elementwise"), Skipped("bn", "folded")))


def masked() -> PrunedModel:
    """A layer in blocks of 16 with 2:4, one of N:M alone, a dense one; said of it are tuples and numbers."""
    blocks = np.zeros((64, 128), dtype=bool)
    for top in range(0, 64, 16):
        for block in (2, 4, 7):
            blocks[top : top + 16, 16 * block : 16 * block + 16] = np.tile([True, False, True, False], (16, 4))
    layers = (
        PrunedLayer(Layer("blocks", "linear", 64, 128), "hybrid", blocks, NM(2, 4), 16),
        PrunedLayer(Layer("nm", "linear", 32, 64), "nm", np.tile([True, True, False, False], (32, 16)), NM(2, 4)),
        PrunedLayer(Layer("dense", "linear", 10, 32), "dense"),
    )
    said = {"classes": (1, 2), "seed": 3, "top1_before": {"top1_all": 0.5}, "model": None}
    return PrunedModel("masked", layers, (1, 2), (Skipped("softmax", "no weights"),), said)


FABRIC = ("crisp-stc", "dense", "dstc", "stc")
KINDS = {
    "dense": (TABLE, {}, {}),
    "patterns": (TABLE, {"nm": NM(2, 4), "block": 16, "sparsity": 0.8}, {}),
    "hybrid density": (TABLE, {"nm": NM(2, 4), "block": 16, "sparsity": 0.8}, {"density": "hybrid"}),
    "energy, no overheads": (TABLE, {"nm": NM(2, 4)}, {"objective": "energy", "overheads": False}),
    "variants": (TABLE, {"nm": NM(2, 4)}, {"arch": ["crisp-stc", "crisp-stc:smem_bandwidth=32", "stc:cores=2"]}),
    "masks": (None, {}, {}),
    "actual density": (None, {}, {"density": "actual"}),
    "other publications": (TABLE, {"nm": NM(2, 4)}, {"arch": [each for each in api.list_arch() if each not in FABRIC]}),
}


@cache
def evaluation(kind: str) -> api.Evaluation:
    """The evaluation of that name, on the packaged accelerators of one fabric."""
    table, pattern, options = KINDS[kind]
    source = masked() if table is None else api.WorkloadPattern(table, **pattern)
    archs = options.get("arch", FABRIC)
    asked = {name: value for name, value in options.items() if name != "arch"}
    return api.evaluate(source, archs, options=EvaluateOptions(**asked))
