"""Products of activations as layers, and in which order they stand among the others."""

from collections.abc import Iterator, Sequence

from crisp_hw.products.product import Product
from crisp_hw.spec.calls import Counted
from crisp_hw.spec.layer import Layer

COMPLEX = "products of complex numbers, each counted as one; of real numbers they take three or four"
UNEVEN = "products of activations that are no whole number for one sample; all are counted"


def product_layer(product: Product, samples: int) -> Counted:
    """One product of activations as a layer, for one sample.

    >>> scores = Product("attention", 0, rows=9, columns=4, tokens=9, groups=6, role="scores")
    >>> counted = product_layer(scores, samples=2).layer
    >>> counted.name, counted.groups, counted.macs
    ('attention.scores', 3, 972)
    """
    groups, tokens, note = product.groups, product.tokens, ""
    if groups % samples == 0:
        groups //= samples
    elif tokens % samples == 0:
        tokens //= samples
    else:
        note = UNEVEN
    note = note or (COMPLEX if product.numbers.startswith("complex") else "")
    name = f"{product.module}.{product.role}".removeprefix(".")
    sizes = (product.rows * groups, product.columns * groups)
    masked = product.masked // (1 if note == UNEVEN else samples)
    return Counted(Layer(name, "matmul", *sizes, groups=groups, tokens=tokens, masked_macs=masked), note)


def in_order(calls: int, products: Sequence[Product]) -> Iterator[int | Product]:
    """Numbers of calls, and products, as they began.

    >>> list(in_order(2, []))
    [0, 1]
    """
    waiting = list(products)
    for place in range(calls + 1):
        while waiting and waiting[0].after <= place:
            yield waiting.pop(0)
        if place < calls:
            yield place
