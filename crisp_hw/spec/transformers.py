"""Transformers by the numbers of their configuration: projections, and the products of activations in attention.

The names of numbers and of layers are those of Hugging Face's config.json and checkpoints; nothing here reads files.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

from crisp_hw.errors import InputError
from crisp_hw.spec.configurations import Config, check_numbers, head_size, shares_embeddings, vit_tokens
from crisp_hw.spec.layer import Layer, Skipped

Phase = Literal["prefill", "decode"]
USUAL_TOKENS = 128  # assumed because a configuration names the longest sequence alone, and 128 is the usual short one


@dataclass(frozen=True)
class Demand:
    """What a user asks of a network: samples at once, and of a transformer, tokens and those kept from before.

    >>> Demand(tokens=3).said
    'tokens'
    """

    phase: Phase | None = None
    tokens: int | None = None
    context: int | None = None
    batch: int = 1

    def __post_init__(self) -> None:
        for name, least in (("tokens", 1), ("context", 0), ("batch", 1)):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < least):
                raise InputError(f"{name} is {value!r}", hint=f"it must be a whole number, {least} or more")
        if self.phase not in (None, *get_args(Phase)):
            raise InputError(f"phase is {self.phase!r}", hint=f"it must be {' or '.join(get_args(Phase))}")

    @property
    def said(self) -> str:
        """The names of what only a transformer has."""
        return ", ".join(name for name in ("phase", "tokens", "context") if getattr(self, name) is not None)


@dataclass(frozen=True)
class Step:
    """What one pass computes: `tokens` new vectors per sample, behind `context` ones whose keys and values are kept.

    `source` are the tokens of an encoder that a decoder looks at. In the phase "decode" the encoder does not run.
    """

    phase: Phase
    tokens: int
    context: int
    source: int

    @property
    def keys(self) -> int:
        """What a query may look at."""
        return self.context + self.tokens


@dataclass(frozen=True)
class Attention:
    """Heads of one attention, of which `kv_heads` have keys and values of their own, each for as many queries.

    With `causal`, a query sees the keys up to its own place: what follows is calculated, and a mask drops it.
    """

    name: str
    heads: int
    kv_heads: int
    size: int
    causal: bool = False

    def __post_init__(self) -> None:
        if self.heads % self.kv_heads:
            said = f"{self.heads} heads of attention cannot share {self.kv_heads} keys evenly"
            raise InputError(said, hint="num_attention_heads must be a multiple of num_key_value_heads")

    def products(self, queries: int, keys: int) -> Iterator[Layer]:
        """Queries with keys, and the weights of attention with values, for one sample.

        Rows of the first are keys, columns the size of a head; queries of all heads that share keys are positions.

        >>> scores, values = Attention("a", heads=8, kv_heads=2, size=64).products(queries=1, keys=100)
        >>> scores.groups, scores.rows // 2, scores.columns, scores.positions
        (2, 100, 64, 4)
        >>> scores.macs == values.macs == 8 * 64 * 100
        True
        >>> half, _ = Attention("a", heads=8, kv_heads=8, size=64, causal=True).products(queries=3, keys=3)
        >>> half.macs, half.masked_macs == 8 * 64 * (2 + 1)
        (4608, True)
        """
        groups, vectors = self.kv_heads, queries * self.heads // self.kv_heads
        wide, deep = groups * keys, groups * self.size
        behind = queries * (queries - 1) // 2 if self.causal else 0
        one = Layer(self.name, "matmul", wide, deep, groups=groups, tokens=vectors)
        one = replace(one, masked_macs=self.heads * self.size * behind)
        yield replace(one, name=f"{self.name}.scores")
        yield replace(one, name=f"{self.name}.values", out_channels=deep, in_channels=wide)


@dataclass(frozen=True)
class Tables:
    """Weights that no matrix product reads: tables of vectors, and scales of normalisations."""

    embeddings: int
    norms: int

    def skipped(self, layers: tuple[Layer, ...]) -> tuple[Skipped, ...]:
        """What is not modelled, with its share of the bytes of all weights."""
        modelled = sum(layer.weights for layer in layers if layer.kind != "matmul")
        whole = modelled + self.embeddings + self.norms
        named = (("embeddings", "table look-up", self.embeddings), ("norms", "normalisation", self.norms))
        return tuple(
            Skipped(name, f"{kind} of {count:,} weights, {count / whole:.2%} of the bytes of all weights, not modelled")
            for name, kind, count in named
        )


@dataclass(frozen=True)
class Made:
    """The layers of one pass, and what is left out of them."""

    layers: tuple[Layer, ...]
    tables: Tables


def transformer_step(config: Config, demand: Demand, usual: int) -> Step:
    """The pass that is asked for; `usual` tokens where nothing is said.

    >>> transformer_step({"model_type": "gpt2"}, Demand("decode"), 1024)
    Step(phase='decode', tokens=1, context=1024, source=1024)
    """
    phase, tokens, context = demand.phase or "prefill", demand.tokens, demand.context
    fixed = config.get("model_type") in ENCODERS
    if fixed and (phase == "decode" or context):
        said = f"{config['model_type']} is an encoder, which has no cache of keys and values"
        raise InputError(said, hint="leave --phase decode and --context out")
    if config.get("model_type") == "vit":
        usual = vit_tokens(config)
        if tokens not in (None, usual):
            raise InputError(f"the tokens of a vit are those of its image, {usual}", hint="leave --tokens out")
    default = usual if phase == "prefill" else 1
    behind = 0 if phase == "prefill" else usual
    return Step(phase, default if tokens is None else tokens, behind if context is None else context, usual)


def transformer(config: Config, step: Step) -> Made:
    """The layers of a network by its configuration; InputError for a family that is not known, or a number it lacks.

    >>> small = {"model_type": "llama", "hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 1}
    >>> small |= {"num_attention_heads": 2, "vocab_size": 32}
    >>> made = transformer(small, Step("decode", 1, 3, 4))
    >>> [layer.name for layer in made.layers][:5:4], sum(layer.macs for layer in made.layers)
    (['model.layers.0.self_attn.q_proj', 'model.layers.0.self_attn.values'], 960)
    """
    family = FAMILIES.get(config.get("model_type", ""))
    if family is None:
        said = f"the layers of model_type {config.get('model_type')!r} are not known"
        raise InputError(said, hint=f"known are {', '.join(FAMILIES)}")
    check_numbers(config)
    try:
        return family(config, step)
    except KeyError as error:
        raise InputError(
            f"the configuration has no {error.args[0]}", hint="give a config.json as it was saved"
        ) from error


def _linears(prefix: str, tokens: int, **sizes: tuple[int, int]) -> Iterator[Layer]:
    """Linear layers by their names, __ for a point: outputs, inputs."""
    for name, (rows, columns) in sizes.items():
        yield Layer(f"{prefix}.{name.replace('__', '.')}", "linear", rows, columns, tokens=tokens)


def _bert(config: Config, step: Step) -> Made:
    wide, inner, depth = config["hidden_size"], config["intermediate_size"], config["num_hidden_layers"]
    heads = config["num_attention_heads"]
    square, layers = (wide, wide), list[Layer]()
    for place in range(depth):
        at, tokens = f"encoder.layer.{place}", step.tokens
        own = f"{at}.attention.self"
        layers += _linears(own, tokens, query=square, key=square, value=square)
        layers += Attention(own, heads, heads, head_size(config, wide, heads)).products(tokens, tokens)
        layers += _linears(f"{at}.attention.output", tokens, dense=square)
        layers += _linears(at, tokens, intermediate__dense=(inner, wide), output__dense=(wide, inner))
    layers += _linears("pooler", 1, dense=square)
    rows = config["vocab_size"] + config["max_position_embeddings"] + config["type_vocab_size"]
    return Made(tuple(layers), Tables(rows * wide, (2 * depth + 1) * 2 * wide))


def _vit(config: Config, step: Step) -> Made:
    wide, inner, depth = config["hidden_size"], config["intermediate_size"], config["num_hidden_layers"]
    heads, tokens, patch = config["num_attention_heads"], vit_tokens(config), (config["patch_size"],) * 2
    stem = "embeddings.patch_embeddings.projection"
    image = (config["image_size"],) * 2
    layers = [Layer(stem, "conv2d", wide, config["num_channels"], kernel=patch, stride=patch, input_size=image)]
    square = (wide, wide)
    for place in range(depth):
        at = f"encoder.layer.{place}"
        own = f"{at}.attention.attention"
        layers += _linears(own, tokens, query=square, key=square, value=square)
        layers += Attention(own, heads, heads, head_size(config, wide, heads)).products(tokens, tokens)
        layers += _linears(f"{at}.attention.output", tokens, dense=square)
        layers += _linears(at, tokens, intermediate__dense=(inner, wide), output__dense=(wide, inner))
    layers.append(Layer("classifier", "linear", config["num_labels"], wide))
    return Made(tuple(layers), Tables((tokens + 1) * wide, (2 * depth + 1) * 2 * wide))


def _gpt2(config: Config, step: Step) -> Made:
    wide, depth, heads = config["n_embd"], config["n_layer"], config["n_head"]
    inner = config.get("n_inner") or 4 * wide
    layers = list[Layer]()
    for place in range(depth):
        at = f"h.{place}"
        layers += _linears(at, step.tokens, attn__c_attn=(3 * wide, wide))
        attention = Attention(f"{at}.attn", heads, heads, head_size(config, wide, heads), True)
        layers += attention.products(step.tokens, step.keys)
        layers += _linears(
            at, step.tokens, attn__c_proj=(wide, wide), mlp__c_fc=(inner, wide), mlp__c_proj=(wide, inner)
        )
    layers.append(Layer("lm_head", "linear", config["vocab_size"], wide, tokens=step.tokens))
    return Made(tuple(layers), Tables(config["n_positions"] * wide, (2 * depth + 1) * 2 * wide))


def _llama(config: Config, step: Step) -> Made:
    wide, inner, depth = config["hidden_size"], config["intermediate_size"], config["num_hidden_layers"]
    heads = config["num_attention_heads"]
    kv_heads = config.get("num_key_value_heads") or heads
    size = head_size(config, wide, heads)
    outer, shared, layers = heads * size, kv_heads * size, list[Layer]()
    for place in range(depth):
        at = f"model.layers.{place}"
        own = f"{at}.self_attn"
        layers += _linears(own, step.tokens, q_proj=(outer, wide), k_proj=(shared, wide), v_proj=(shared, wide))
        layers += Attention(own, heads, kv_heads, size, True).products(step.tokens, step.keys)
        layers += _linears(own, step.tokens, o_proj=(wide, outer))
        mlp = {"gate_proj": (inner, wide), "up_proj": (inner, wide), "down_proj": (wide, inner)}
        layers += _linears(f"{at}.mlp", step.tokens, **mlp)
    layers.append(Layer("lm_head", "linear", config["vocab_size"], wide, tokens=step.tokens))
    tied = 0 if shares_embeddings(config) else config["vocab_size"] * wide
    heads_too = 2 * size * depth if config["model_type"] == "qwen3" else 0  # it normalises queries and keys
    return Made(tuple(layers), Tables(tied, (2 * depth + 1) * wide + heads_too))


def _t5(config: Config, step: Step) -> Made:
    """Encoder and decoder; a decoding pass runs the decoder alone, whose keys of the source are kept."""
    wide, inner, depth, heads = config["d_model"], config["d_ff"], config["num_layers"], config["num_heads"]
    size, below = config["d_kv"], config.get("num_decoder_layers") or config["num_layers"]
    attention = {"q": (heads * size, wide), "k": (heads * size, wide), "v": (heads * size, wide)}
    back = {"o": (wide, heads * size)}
    gates = {"wi_0": (inner, wide), "wi_1": (inner, wide)} if "gated" in config.get("feed_forward_proj", "relu") else {}
    mlp = {**(gates or {"wi": (inner, wide)}), "wo": (wide, inner)}
    layers = list[Layer]()
    source = step.tokens if step.phase == "prefill" else step.source
    for place in range(depth if step.phase == "prefill" else 0):
        own = f"encoder.block.{place}.layer.0.SelfAttention"
        layers += _linears(own, source, **attention)
        layers += Attention(own, heads, heads, size).products(source, source)
        layers += _linears(own, source, **back)
        layers += _linears(f"encoder.block.{place}.layer.1.DenseReluDense", source, **mlp)
    for place in range(below):
        at = f"decoder.block.{place}.layer"
        own, cross = f"{at}.0.SelfAttention", f"{at}.1.EncDecAttention"
        layers += _linears(own, step.tokens, **attention)
        layers += Attention(own, heads, heads, size, True).products(step.tokens, step.keys)
        layers += _linears(own, step.tokens, **back)
        layers += _linears(cross, step.tokens, q=attention["q"])
        if step.phase == "prefill":
            layers += _linears(cross, source, k=attention["k"], v=attention["v"])
        layers += Attention(cross, heads, heads, size).products(step.tokens, source)
        layers += _linears(cross, step.tokens, **back)
        layers += _linears(f"{at}.2.DenseReluDense", step.tokens, **mlp)
    layers.append(Layer("lm_head", "linear", config["vocab_size"], wide, tokens=step.tokens))
    tied = 0 if shares_embeddings(config) else config["vocab_size"] * wide
    biases = 2 * config.get("relative_attention_num_buckets", 32) * heads
    return Made(tuple(layers), Tables(tied + biases, (2 * depth + 3 * below + 2) * wide))


FAMILIES: Mapping[str, Callable[[Config, Step], Made]] = {
    "bert": _bert,
    "camembert": _bert,
    "gemma": _llama,
    "gpt2": _gpt2,
    "llama": _llama,
    "mistral": _llama,
    "qwen2": _llama,
    "qwen3": _llama,
    "roberta": _bert,
    "t5": _t5,
    "vit": _vit,
    "xlm-roberta": _bert,
}
"""By the model_type of config.json; what a family adds beside these layers (biases, windows) makes no product."""
ENCODERS = ("bert", "camembert", "roberta", "vit", "xlm-roberta")
