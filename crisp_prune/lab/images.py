"""Images of a study as tensors: the installed Fashion-MNIST, scikit-learn's digits, or a folder of class folders."""

import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.machine.foreign import in_our_words
from crisp_prune.data import Sampling, labels_of, open_dataset, stratified
from crisp_prune.image import ImageTransform

FASHION = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package dataset-fashion-mnist puts its four files."""
HELD_BACK = 0.2
"""Share of each class to validate on where the data has no test set of its own: that of `crisp-prune run`."""


@dataclass(frozen=True)
class Images:
    """Images to train and to test on, with labels; `source` names the data, `note` says what stands in for what."""

    source: str
    train: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]
    note: str = ""

    @property
    def classes(self) -> int:
        """One more than the highest label."""
        return int(self.train[1].max()) + 1

    @property
    def channels(self) -> int:
        """1 for grey images, 3 for coloured ones."""
        return int(self.train[0].shape[1])


def open_images(name: str, side: int) -> Images:
    """The images of a study: "fashion-mnist", "digits" or a folder with a sub-folder per class, `side` pixels wide.

    Where Fashion-MNIST is not installed the digits stand in for it, and `note` says so.
    """
    if name == "digits":
        return _digits(side)
    if name != "fashion-mnist":
        return _folder(Path(name), side)
    if not FASHION.is_dir():
        found = _digits(side)
        said = f"Fashion-MNIST is not in {FASHION} (apt install dataset-fashion-mnist): these are scikit-learn's digits"
        return Images(found.source, found.train, found.test, said)
    return Images("fashion-mnist", _idx("train", side), _idx("t10k", side))


def _idx(prefix: str, side: int) -> tuple[Tensor, Tensor]:
    """One of the two sets of images in the IDX format, averaged down to `side` pixels, in [0, 1]."""
    pixels = torch.from_numpy(_bytes(FASHION / f"{prefix}-images-idx3-ubyte.gz", 16).copy()).reshape(-1, 1, 28, 28)
    labels = torch.from_numpy(_bytes(FASHION / f"{prefix}-labels-idx1-ubyte.gz", 8).astype(np.int64))
    return adaptive_avg_pool2d(pixels.float() / 255, side), labels


def _bytes(path: Path, header: int) -> NDArray[np.uint8]:
    """The bytes behind the header of an IDX file."""
    try:
        with gzip.open(path) as file:
            return np.frombuffer(file.read(), dtype=np.uint8)[header:]
    except (OSError, EOFError) as error:
        raise InputError(
            f"cannot be read ({in_our_words(error)})", Where(mark=Mark(str(path))), "install dataset-fashion-mnist anew"
        ) from error


def _digits(side: int) -> Images:
    """scikit-learn's 1,797 digits of 8 x 8 pixels, a share of each class held back."""
    try:
        from sklearn.datasets import load_digits
    except ModuleNotFoundError:
        raise InputError("the digits need scikit-learn", hint='pip install "crisp-hw[demo]"') from None
    found = load_digits()
    pixels = torch.from_numpy(found.images).float().unsqueeze(1) / 16
    pixels = torch.nn.functional.interpolate(pixels, size=(side, side), mode="bilinear", antialias=True)
    return _held_back("digits", pixels, torch.from_numpy(found.target).long())


def _folder(root: Path, side: int) -> Images:
    """All images of a folder in memory."""
    dataset = open_dataset(str(root), ImageTransform(side))
    labels = torch.tensor(labels_of(dataset))
    return _held_back(str(root), torch.stack([dataset[index][0] for index in range(len(dataset))]), labels)


def _held_back(source: str, pixels: Tensor, labels: Tensor) -> Images:
    """A share of each class to test on, the same for every seed of a study."""
    classes = sorted(set(labels.tolist()))
    train, held = stratified(labels.tolist(), classes, Sampling(len(labels), HELD_BACK, seed=0))
    return Images(source, (pixels[train], labels[train]), (pixels[held], labels[held]))


def first_of_each(labels: Tensor, classes: tuple[int, ...], count: int) -> Tensor:
    """Indices of the first `count` images of each class.

    >>> first_of_each(torch.tensor([1, 0, 1, 1]), (1,), 2).tolist()
    [0, 2]
    """
    return torch.cat([torch.nonzero(labels == label).flatten()[:count] for label in classes])
