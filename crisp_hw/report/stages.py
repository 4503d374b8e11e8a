"""Layers grouped by the stage of the network that they belong to, as their names tell."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """A run of layers that belong together; `name` is the part of their names that they share."""

    name: str
    layers: tuple[str, ...]

    def short(self, layer: str) -> str:
        """What remains of a layer's name below the stage; the whole name where nothing remains.

        >>> Stage("layer1", ("layer1.0.conv1",)).short("layer1.0.conv1"), Stage("fc", ("fc",)).short("fc")
        ('0.conv1', 'fc')
        """
        return layer.removeprefix(f"{self.name}.")


def stages(names: Iterable[str]) -> tuple[Stage, ...]:
    """The stages of a network in the order in which their first layers run.

    A name is cut after its first part with a digit (`layer1.0.conv1` belongs to `layer1`, `encoder.layer.5.output` to
    `encoder.layer.5`, `features.3.conv.2` to `features.3`), or after its first part where none has a digit. Where every
    number below a parent stands for a single layer, as in VGG's `features.0`, the parent is the stage.

    >>> [each.name for each in stages(["conv1", "layer1.0.conv1", "layer1.0.conv2", "layer2.0.conv1", "fc"])]
    ['conv1', 'layer1', 'layer2', 'fc']
    >>> [each.name for each in stages(["features.0", "features.2", "classifier.0", "classifier.3"])]
    ['features', 'classifier']
    """
    found = list(dict.fromkeys(names))
    keys = {name: _numbered(name) for name in found}
    sizes = Counter(keys.values())
    crowded = {_parent(key) for key, size in sizes.items() if size > 1}
    grouped: dict[str, list[str]] = {}
    for name in found:
        parent = _parent(keys[name])
        grouped.setdefault(parent if parent and parent not in crowded else keys[name], []).append(name)
    return tuple(Stage(name, tuple(layers)) for name, layers in grouped.items())


def do_group(found: Sequence[Stage]) -> bool:
    """Do the stages say more than the layers themselves, or than the whole network?

    >>> do_group(stages(["conv1", "conv2"])), do_group(stages(["a.0.x", "a.0.y", "a.1.x"]))
    (False, True)
    """
    return len(found) > 1 and any(len(stage.layers) > 1 for stage in found)


def _numbered(name: str) -> str:
    parts = name.split(".")
    cut = next((place for place, part in enumerate(parts, 1) if any(c.isdigit() for c in part)), 1)
    return ".".join(parts[:cut])


def _parent(key: str) -> str:
    return key.rpartition(".")[0]
