"""One matrix product of a forward pass, as numbers alone."""

from dataclasses import dataclass

from crisp_hw.spec.calls import Shape
from crisp_hw.spec.convolutions import Convolution


@dataclass(frozen=True)
class Origin:
    """The parameter that a matrix comes from, whether transposed, and whether all of it."""

    parameter: str
    turned: bool = False
    whole: bool = True


@dataclass(frozen=True)
class Product:
    """W[rows, columns] x X[columns, tokens] in every one of `groups`, over all samples.

    `after` calls of modules had begun, the innermost open one is `module`. W comes from a parameter where there is an
    `origin`; of a convolution there are its `convolution` and the shapes of input and output. `role` is "scores" before
    a softmax, "values" behind it, and "product" otherwise. `masked` of its MACs a mask of attention drops. `numbers`
    names their kind.
    """

    module: str
    after: int
    rows: int
    columns: int
    tokens: int
    groups: int = 1
    origin: Origin | None = None
    role: str = "product"
    convolution: Convolution | None = None
    shapes: tuple[Shape, Shape] = ((), ())
    masked: int = 0
    numbers: str = "float32"

    @property
    def of_activations(self) -> bool:
        """Has it no weight at all?"""
        return self.origin is None and self.convolution is None
