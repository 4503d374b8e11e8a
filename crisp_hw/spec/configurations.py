"""Numbers of a transformer's configuration: which are counted with, what they may be, and what follows from them."""

from collections.abc import Mapping
from typing import Any

from crisp_hw.errors import InputError

Config = Mapping[str, Any]

TIED = ("gemma", "gpt2", "t5")
"""Families whose head is that of the embeddings where their configuration does not say: transformers' defaults."""
OPTIONAL = frozenset({"num_key_value_heads", "head_dim", "n_inner", "num_decoder_layers"})
NUMBERS = OPTIONAL | {"hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "vocab_size"}
NUMBERS |= {"max_position_embeddings", "type_vocab_size", "image_size", "patch_size", "num_channels", "num_labels"}
NUMBERS |= {"n_embd", "n_layer", "n_head", "n_positions", "d_model", "d_ff", "d_kv", "num_layers", "num_heads"}
"""What is counted with; the first may also be null."""
DEPTHS = frozenset({"num_hidden_layers", "n_layer", "num_layers", "num_decoder_layers"})
DEEPEST = 2**12  # not given; assumed because no known network has a thousand layers
LARGEST = 2**24  # not given; assumed because the largest vocabularies known have some 10^6 words


def check_numbers(config: Config) -> None:
    """InputError for a number that is none.

    >>> check_numbers({"hidden_size": 64, "head_dim": None})
    """
    for name in sorted(NUMBERS & config.keys()):
        _check(name, config[name])


def _check(name: str, value: Any) -> None:
    """InputError for a number of a configuration that is none; what may be left out may be nothing, too."""
    most = DEEPEST if name in DEPTHS else LARGEST
    whole = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most
    if not whole and (value is not None or name not in OPTIONAL):
        said = f"the configuration has {name} {value!r}"
        raise InputError(said, hint=f"it must be a whole number from 1 to {most:,}")


def head_size(config: Config, wide: int, heads: int) -> int:
    """The vectors of a head: as it is said, or the width in equal parts.

    >>> head_size({}, wide=64, heads=4)
    16
    """
    if not config.get("head_dim") and wide % heads:
        said = f"a width of {wide} is no multiple of the {heads} heads of attention"
        raise InputError(said, hint="give the size of a head as head_dim")
    return int(config.get("head_dim") or wide // heads)


def shares_embeddings(config: Config) -> bool:
    """Are the weights of the head for words those of the embeddings?

    >>> shares_embeddings({"model_type": "gpt2"}), shares_embeddings({"model_type": "llama"})
    (True, False)
    """
    return bool(config.get("tie_word_embeddings", config.get("model_type") in TIED))


def vit_tokens(config: Config) -> int:
    """Patches of the image, and the vector of its class.

    >>> vit_tokens({"image_size": 224, "patch_size": 16})
    197
    """
    for name in ("image_size", "patch_size"):
        _check(name, config.get(name))
    return int(config["image_size"] // config["patch_size"]) ** 2 + 1
