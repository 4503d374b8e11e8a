"""How an image of a folder becomes an input."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crisp_prune.option import option

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

IMAGENET_MEAN = (0.485, 0.456, 0.406)
"""Per channel, of images in [0, 1]; what torchvision's pretrained models expect (torchvision.transforms docs)."""
IMAGENET_STD = (0.229, 0.224, 0.225)
"""As above."""


@dataclass(frozen=True)
class ImageTransform:
    """Shorter side to size * 256/224 (the usual ImageNet evaluation), centre crop, [0, 1], optionally normalised.

    >>> from PIL import Image
    >>> ImageTransform(4, normalize=False)(Image.new("RGB", (10, 6), "red"))[:, 0, 0].tolist()
    [1.0, 0.0, 0.0]
    """

    size: int = option(
        "The side of the images of a folder after the centre crop, in pixels.", 224, spelled="image_size"
    )
    normalize: bool = option("Leave pixels between 0 and 1 instead of normalising them.", True, spelled="raw_pixels")

    def __call__(self, image: "Image") -> "Tensor":
        """float32[3, size, size]."""
        import numpy as np  # what makes the options of a command need not load these two
        import torch

        scale = max(self.size, round(self.size * 256 / 224)) / min(image.size)
        width, height = (max(self.size, round(side * scale)) for side in image.size)
        left, top = (width - self.size) // 2, (height - self.size) // 2
        resized = image.convert("RGB").resize((width, height))
        pixels = np.asarray(resized.crop((left, top, left + self.size, top + self.size)), dtype=np.float32) / 255
        tensor = torch.from_numpy(pixels).permute(2, 0, 1).contiguous()
        if not self.normalize:
            return tensor
        return (tensor - torch.tensor(IMAGENET_MEAN).view(3, 1, 1)) / torch.tensor(IMAGENET_STD).view(3, 1, 1)
