"""Data sets by name or folder, the user's classes, and stratified samples of them."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor
from torch.utils.data import Dataset

from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.machine.foreign import in_our_words
from crisp_hw.machine.objects import call_factory
from crisp_hw.spec.shown import listed
from crisp_prune.image import ImageTransform

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"})
"""File names that count as images (lower case)."""


class ImageFolder(Dataset[tuple[Tensor, int]]):
    """Images in one sub-folder per class.

    A class is its folder's name when all names are whole numbers, else its place in alphabetical order, or what
    `classes` says, beside which folders do not count; `targets` lists the class of every image. InputError when there
    is no image.
    """

    def __init__(
        self, root: Path, transform: Callable[["Image"], Tensor], classes: Mapping[str, int] | None = None
    ) -> None:
        """List the files, sorted, so that an index means the same image on every machine."""
        names = sorted(folder.name for folder in root.iterdir() if folder.is_dir())
        numbered = bool(names) and all(name.isdecimal() for name in names)
        own = {name: int(name) if numbered else index for index, name in enumerate(names)}
        self.transform = transform
        if classes is not None and not (numbered and all(map(str.isdecimal, classes))):
            own = {name: classes[name] for name in names if name in classes}
        self.classes = own
        self.files = [
            (file, label)
            for name, label in self.classes.items()
            for file in sorted((root / name).rglob("*"))
            if file.suffix.lower() in SUFFIXES
        ]
        self.targets = [label for _, label in self.files]
        if not self.files:
            wanted = "CLASS" if classes is None else next(iter(classes), "CLASS")
            said = "no images in sub-folders" if classes is None else "no images in sub-folders of the classes trained"
            raise InputError(said, Where(mark=Mark(str(root))), f"expected {root}/{wanted}/NAME.png")

    def __len__(self) -> int:
        """Images of all classes."""
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        """Image and class."""
        try:
            from PIL import Image
        except ModuleNotFoundError:
            raise InputError("reading images needs Pillow: pip install pillow") from None
        file, label = self.files[index]
        if not file.is_file():
            raise InputError("is no regular file", Where(mark=Mark(str(file))), "repair or remove it")
        try:
            with Image.open(file) as image:
                return self.transform(image), label
        except OSError as error:
            raise InputError(
                f"not a readable image ({in_our_words(error)})", Where(mark=Mark(str(file))), "repair or remove it"
            ) from error


def open_dataset(spec: str, transform: ImageTransform, like: Any = None) -> Any:
    """A data set of (input, label): a folder of class sub-folders, or "package.module:factory", which is called.

    A folder has the labels of the folder that it is `like`, by the names of the classes, also where it lacks some.
    """
    if Path(spec).is_dir():
        return ImageFolder(Path(spec), transform, like.classes if isinstance(like, ImageFolder) else None)
    if ":" not in spec:
        said = "is no folder" if Path(spec).exists() else "no such folder"
        hint = "give a folder of class sub-folders or package.module:factory"
        raise InputError(said, Where(mark=Mark(spec)), hint)
    dataset = call_factory(spec)
    if not hasattr(dataset, "__len__") or not hasattr(dataset, "__getitem__"):
        raise InputError(f"{spec} gave {type(dataset).__name__}, which has no length or no items to index")
    return dataset


def labels_of(dataset: Any) -> list[int]:
    """The label of every sample: `dataset.targets` where there is one, else read sample by sample.

    >>> labels_of([("a", 3), ("b", 5)])
    [3, 5]
    """
    targets = getattr(dataset, "targets", None)
    if targets is not None:
        return [_label(label, f"target {place}") for place, label in enumerate(targets)]
    return [_label_at(dataset, index) for index in range(len(dataset))]


def require_labels(dataset: Any, labels: Sequence[int], chosen: Sequence[int]) -> None:
    """InputError where the first sample of a class is read with another label than the data set lists for it.

    >>> require_labels([("a", 3), ("b", 5)], [3, 5], [0, 1])
    """
    for index in {labels[index]: index for index in reversed(chosen)}.values():
        read = _label_at(dataset, index)
        if read != labels[index]:
            said = f"sample {index} has the label {labels[index]} in `targets` and {read} when it is read"
            raise InputError(said, hint="let `targets` list what is read: does a target_transform change it?")


def require_names(names: Mapping[int, str], others: Mapping[int, str], classes: Sequence[int]) -> None:
    """InputError where the data to validate on has another name for one of the classes.

    >>> require_names({0: "cat"}, {0: "cat", 1: "dog"}, (0,))
    """
    for label in classes:
        if label in names and label in others and names[label] != others[label]:
            said = f"class {label} is {names[label]!r} in the training data and {others[label]!r} in the validation"
            raise InputError(f"{said} data", hint="give data sets that number their classes alike")


def _label_at(dataset: Any, index: int) -> int:
    match dataset[index]:
        case [_, label]:
            return _label(label, f"sample {index}")
        case other:
            raise InputError(f"sample {index} is a {type(other).__name__}", hint="give pairs of an input and a label")


def _label(value: Any, what: str) -> int:
    """A label as a whole number."""
    try:
        label = int(value)
    except (TypeError, ValueError, RuntimeError) as error:
        said = f"the label of {what} is no single number ({in_our_words(error)})"
        raise InputError(said, hint="give one class a sample, as a whole number") from error
    if label != value:
        raise InputError(f"the label of {what} is {value}, no whole number", hint="give one class a sample")
    return label


def names_of(dataset: Any) -> dict[int, str]:
    """The names of labels, where a data set has them: `classes` as names in order, or as a map to labels.

    >>> from types import SimpleNamespace
    >>> names_of(SimpleNamespace(classes=["cat", "dog"])), names_of([])
    ({0: 'cat', 1: 'dog'}, {})
    """
    known = getattr(dataset, "classes", None)
    match known:
        case Mapping():
            return {int(label): str(name) for name, label in known.items()}
        case list() | tuple():
            return {label: str(name) for label, name in enumerate(known)}
    return {}


def choose_classes(
    text: str, labels: Sequence[int], seed: int, names: Mapping[int, str] | None = None
) -> tuple[int, ...]:
    """Classes from "3,5,7", "cat,dog", "random:3" (seeded) or "all"; InputError for a class without a sample.

    Numbers are labels; anything else is looked up in `names`.

    >>> choose_classes("5,3", [3, 4, 5], seed=0), choose_classes("all", [3, 4, 5], seed=0)
    ((5, 3), (3, 4, 5))
    >>> len(choose_classes("random:2", [3, 4, 5], seed=0)), choose_classes("dog", [0, 1], 0, {0: "cat", 1: "dog"})
    (2, (1,))
    """
    known = sorted(set(labels))
    kind, _, number = text.partition(":")
    if text == "all":
        return tuple(known)
    if kind == "random":
        if not number.isdecimal() or not 1 <= int(number) <= len(known):
            raise InputError(f"classes {text!r}: write random:N with N from 1 to {len(known)}, the classes in the data")
        return tuple(sorted(random.Random(seed).sample(known, int(number))))
    labelled = {name: str(label) for label, name in (names or {}).items()}
    parts = [labelled.get(part, part) if not part.isdecimal() else part for part in map(str.strip, text.split(","))]
    if unknown := [part for part in parts if not part.isdecimal()]:
        there = f"; the data names {listed(list(labelled), 5)}" if labelled else ""
        said = f"classes {text!r}: {unknown[0]!r} is no label and no name of a class"
        raise InputError(said, hint=f"write labels such as 3,5,7, or random:3, or all{there}")
    missing = [part for part in parts if int(part) not in known]
    if missing:
        raise InputError(f"classes {', '.join(missing)} have no sample", hint=f"the data has {known[0]} to {known[-1]}")
    return tuple(int(part) for part in parts)


@dataclass(frozen=True)
class Sampling:
    """How many samples of each class: at most `per_class` to train on, a `holdout` share kept back to validate."""

    per_class: int
    holdout: float
    seed: int


def stratified(labels: Sequence[int], classes: Sequence[int], sampling: Sampling) -> tuple[list[int], list[int]]:
    """Indices to train on and to validate on, the same number per class where the data allows, none in both.

    With a holdout above 0 at least one sample of each class is kept back. InputError when a class has none left.

    >>> train, held = stratified([0, 0, 0, 1, 1, 1, 2], (0, 1), Sampling(per_class=1, holdout=0.5, seed=0))
    >>> len(train), len(held), set(train) & set(held)
    (2, 4, set())
    """
    train: list[int] = []
    held: list[int] = []
    for label in classes:
        mine = [index for index, other in enumerate(labels) if other == label]
        random.Random(f"{sampling.seed}/{label}").shuffle(mine)
        back = max(1, round(len(mine) * sampling.holdout)) if sampling.holdout else 0
        if back >= len(mine):
            raise InputError(
                f"class {label} has {len(mine)} samples, too few to train and to validate on", hint="add some"
            )
        held += mine[:back]
        train += mine[back : back + sampling.per_class]
    return sorted(train), sorted(held)
