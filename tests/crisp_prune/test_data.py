"""Folders, factories, classes and samples."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from crisp_hw.errors import InputError
from crisp_hw.machine.objects import load_object
from crisp_prune.data import (
    ImageFolder,
    Sampling,
    choose_classes,
    labels_of,
    names_of,
    open_dataset,
    require_labels,
    require_names,
    stratified,
)
from crisp_prune.image import IMAGENET_MEAN, IMAGENET_STD, ImageTransform


def make_folder(root, names, count=2, size=(20, 14)):
    """PNG images of one colour per class."""
    for shade, name in enumerate(names):
        (root / name).mkdir(parents=True)
        for index in range(count):
            Image.fromarray(np.full((size[1], size[0], 3), 40 * shade, np.uint8)).save(root / name / f"{index}.png")
    return root


def test_folder_names_that_are_numbers_are_the_classes(tmp_path):
    numbered = ImageFolder(make_folder(tmp_path / "a", ["10", "2"]), ImageTransform(8))
    named = ImageFolder(make_folder(tmp_path / "b", ["cat", "ant"]), ImageTransform(8))
    assert numbered.targets == [10, 10, 2, 2] and named.targets == [0, 0, 1, 1]
    assert labels_of(named) == named.targets


def test_transform_crops_the_middle_and_normalises():
    pixels = np.zeros((16, 32, 3), np.uint8)
    pixels[:, 8:24] = 255
    raw = ImageTransform(14, normalize=False)(Image.fromarray(pixels))
    assert raw.shape == (3, 14, 14) and raw.dtype == torch.float32 and (raw == 1).all()
    normal = ImageTransform(14)(Image.fromarray(pixels))
    for channel in range(3):
        assert normal[channel, 0, 0] == pytest.approx((1 - IMAGENET_MEAN[channel]) / IMAGENET_STD[channel])


@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 40))
def test_transform_gives_its_size_for_any_image(width, height, size):
    image = Image.new("L", (width, height))
    assert ImageTransform(size, normalize=False)(image).shape == (3, size, size)


def test_a_bad_image_and_a_bad_folder_are_named(tmp_path):
    folder = make_folder(tmp_path / "a", ["x"])
    (folder / "x" / "0.png").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"0\.png: not a readable image"):
        ImageFolder(folder, ImageTransform(8))[0]
    (tmp_path / "b" / "empty").mkdir(parents=True)
    with pytest.raises(InputError, match="no images in sub-folders"):
        open_dataset(str(tmp_path / "b"), ImageTransform(8))


def test_objects_by_name_and_their_errors():
    assert load_object("torch.nn:Linear") is torch.nn.Linear
    for spec, message in [
        ("torch.nn", "write package.module:name"),
        ("no_such_module_here:x", "no module named no_such_module_here"),
        ("math:nothing", "the module has no 'nothing'; it has acos"),
    ]:
        with pytest.raises(InputError, match=message):
            load_object(spec)
    with pytest.raises(InputError, match="no such folder"):
        open_dataset("nowhere/at/all", ImageTransform())
    with pytest.raises(InputError, match="no length or no items"):
        open_dataset("builtins:object", ImageTransform())


@pytest.mark.slow
@given(st.lists(st.integers(0, 4), min_size=30, max_size=90), st.integers(1, 6), st.integers(0, 99))
def test_samples_are_stratified_disjoint_and_seeded(labels, per_class, seed):
    labels = labels + [0, 1, 2, 3, 4] * 3
    train, held = stratified(labels, (1, 3), Sampling(per_class, 0.3, seed))
    assert not set(train) & set(held) and {labels[index] for index in train + held} == {1, 3}
    for label in (1, 3):
        kept_back = max(1, round(labels.count(label) * 0.3))
        assert sum(labels[index] == label for index in held) == kept_back
        assert sum(labels[index] == label for index in train) == min(per_class, labels.count(label) - kept_back)
    assert (train, held) == stratified(labels, (1, 3), Sampling(per_class, 0.3, seed))


def test_classes_are_listed_drawn_or_refused():
    labels = [3, 4, 5, 7, 7]
    assert choose_classes(" 7, 3", labels, 0) == (7, 3)
    drawn = {choose_classes("random:2", labels, seed) for seed in range(20)}
    assert len(drawn) > 1 and choose_classes("random:2", labels, 4) == choose_classes("random:2", labels, 4)
    for text, message in [
        ("random:5", "N from 1 to 4"),
        ("a,b", "'a' is no label and no name"),
        ("3,9", "classes 9 have no"),
    ]:
        with pytest.raises(InputError, match=message):
            choose_classes(text, labels, 0)
    names = {3: "cat", 4: "dog", 5: "12"}
    assert choose_classes("dog, cat", labels, 0, names) == (4, 3)
    with pytest.raises(InputError, match=r"'cow' is no label .* the data names cat, dog, 12"):
        choose_classes("dog,cow", labels, 0, names)
    with pytest.raises(InputError, match="class 3 has 1 samples, too few"):
        stratified(labels, (3,), Sampling(1, 0.5, 0))


# Two data sets, and labels that are listed and read


def test_a_folder_to_validate_on_has_the_labels_of_the_one_to_train_on(tmp_path):
    """It lacked `bee`, so that `cat` had the label of `bee`, and accuracies were those of other classes."""
    train = open_dataset(str(make_folder(tmp_path / "train", ["ant", "bee", "cat"])), ImageTransform(8))
    held = open_dataset(str(make_folder(tmp_path / "held", ["cat", "ant", "dog"])), ImageTransform(8), like=train)
    assert names_of(held) == {0: "ant", 2: "cat"} and held.targets == [0, 0, 2, 2]
    numbers = open_dataset(str(make_folder(tmp_path / "n", ["01", "7"])), ImageTransform(8))
    again = open_dataset(str(make_folder(tmp_path / "m", ["1", "7"])), ImageTransform(8), like=numbers)
    assert again.targets == numbers.targets == [1, 1, 7, 7]
    with pytest.raises(InputError, match=r"no images in sub-folders of the classes trained; expected .*/ant/NAME.png"):
        open_dataset(str(make_folder(tmp_path / "other", ["x"])), ImageTransform(8), like=train)


def test_names_of_one_label_must_agree():
    require_names({0: "cat", 1: "dog"}, {0: "cat", 1: "fox"}, (0,))
    require_names({}, {0: "cat"}, (0,))
    with pytest.raises(InputError, match="class 1 is 'dog' in the training data and 'fox' in the validation data"):
        require_names({0: "cat", 1: "dog"}, {0: "cat", 1: "fox"}, (0, 1))


class Listed:
    """Lists other labels than it gives, as with a target_transform."""

    def __init__(self, targets, read):
        self.targets, self.read = targets, read

    def __len__(self):
        return len(self.read)

    def __getitem__(self, index):
        return torch.zeros(1), self.read[index]


def test_labels_that_are_listed_must_be_those_that_are_read():
    require_labels(Listed([3, 5, 5], [3, 5, 5]), [3, 5, 5], [0, 2])
    with pytest.raises(InputError, match=r"sample 1 has the label 5 in `targets` and 1 when it is read; let `targets`"):
        require_labels(Listed([3, 5, 5], [3, 1, 1]), [3, 5, 5], [0, 1, 2])


@pytest.mark.parametrize(
    ("dataset", "said"),
    [
        (Listed([[0, 1], [1, 0]], []), r"the label of target 0 is no single number"),
        (Listed([0.5], []), r"the label of target 0 is 0.5, no whole number"),
        ([{"x": 1, "labels": 2}], "sample 0 is a dict; give pairs of an input and a label"),
        ([(1, 2, 3)], "sample 0 is a tuple; give pairs"),
    ],
)
def test_samples_without_one_whole_label_are_refused_in_one_sentence(dataset, said):
    with pytest.raises(InputError, match=said):
        labels_of(dataset)
