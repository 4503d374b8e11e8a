"""Which kinds of numbers a weight may be kept as, so that its zeros are those of the network."""

from crisp_hw.errors import InputError, Where

DEQUANTISE = "give the weights before quantisation, or dequantise them"


def check_number_kind(name: str, kind: str) -> None:
    """InputError for a weight of numbers that are not those that the layer multiplies with.

    Parameters
    ----------
    name
        The weight.
    kind
        The name of its type of numbers, as NumPy and PyTorch have it.

    Examples
    --------
    >>> check_number_kind("fc.weight", "bfloat16")
    >>> check_number_kind("fc.weight", "complex64")
    Traceback (most recent call last):
    ...
    crisp_hw.errors.InputError: checkpoint: 'fc.weight' holds complex numbers, ...
    """
    if kind.startswith("complex"):
        said = f"'{name}' holds complex numbers, and a product of two takes three or four of real ones"
        raise InputError(said, Where("checkpoint"), "give the network with real weights for both parts")
    if kind.startswith("uint"):
        said = f"'{name}' holds codes ({kind}), and nothing beside it tells which code is zero"
        raise InputError(said, Where("checkpoint"), DEQUANTISE)
