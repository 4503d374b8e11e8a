"""Every choice of a pruning run, as one plain value."""

from collections.abc import Iterable, Mapping
from dataclasses import InitVar, asdict, dataclass, field
from fnmatch import fnmatchcase
from operator import index
from typing import Any, Literal, TypedDict, TypeVar

from crisp_hw.errors import InputError, Where
from crisp_hw.spec.descriptors import Role
from crisp_hw.spec.keywords import options_from
from crisp_hw.spec.kinds import of_kind, settled, wrong_kind
from crisp_hw.spec.patterns import NM, nm_of
from crisp_hw.spec.wrapped import plain_name
from crisp_prune.choices import OF_OUTPUTS, SIDES, WITH_NM, WITHOUT_GRADIENTS, Criterion, Normalize, Pattern, Scope
from crisp_prune.option import option
from crisp_prune.schedule import Ramp, block_iterations, nm_sparsity, targets

Amp = Literal["off", "bf16", "fp16"]
MAX: Literal["max"] = "max"
"""The word for the highest sparsity that a model can reach."""
Value = TypeVar("Value")


@dataclass(frozen=True)
class CrispConfig:
    """What to prune to, how to rank, when to prune, and how `Crisp.fit` fine-tunes.

    `pattern` says what is kept or pruned as one, and `criterion` what is worth keeping; they combine freely.
    `sparsity` is the target over all prunable weights, N:M counted, or "max": the highest that a model can reach for
    certain; `classes` are label indices (empty: all).
    `n`, `m` and `block` belong to patterns that have them: 2:4 where there is N:M, sides of 64 (vectors: 16), and a
    target of 0.9 (N:M alone: what it gives) are the defaults.
    `roles` and `max_sparsity` map globs of layer names to a role or to a ceiling of the layer's sparsity; of several
    globs that match, the last one wins. `increment` is the largest share of all blocks that one iteration prunes;
    all pruning falls into the first `prune_until` of the optimizer steps, and the learning rate falls after it (with
    `rewind` after every iteration anew).
    `online` scores with the gradients of the last fine-tuning epoch instead of a pass of its own. `sr_ste` is the
    pull on weights that N:M dropped (0: none; 2e-4 in Zhou et al., arXiv 2102.04010). With `keep_zeros` weights that
    are zero at the start never come back. `warmup_epochs` None is a
    tenth of the epochs. Defaults of the fine-tuning follow the project's notes on arXiv 2311.14272.
    Raises InputError for a value out of range.

    Examples
    --------
    >>> config = CrispConfig(sparsity=0.9, n=2, m=4, block=64)
    >>> config.iterations, round(config.targets[1], 3)
    (8, 0.55)
    """

    sparsity: float | Literal["max"] = option(
        "The share of zeros to reach over all prunable weights, from 0 to 1, those of N:M included; or max, the "
        "highest that can be reached for certain. Default: 0.9, and what N:M gives where it is the whole pattern.",
        None,
        may_be_left_out=True,
    )
    pattern: Pattern = option("What is kept or pruned as one", "hybrid")
    n: int = option("N of N:M.", None)
    m: int = option("M of N:M.", None)
    block: int = option(
        "The side of square blocks, in weights, a multiple of M; the length of vectors. Default: 64 for blocks, 16 for "
        "vectors.",
        None,
        may_be_left_out=True,
    )
    classes: tuple[int, ...] = ()
    criterion: Criterion = option("How weights are ranked", "cass")
    scope: Scope = option("Whether units compete over all layers, inside a layer, or inside an output row", "global")
    online: bool = option("Rank by the gradients of the last fine-tuning epoch instead of a pass of their own.", False)
    normalize: Normalize = option(
        "Whether columns of blocks are ranked by their score per weight or by its sum", "weight"
    )
    ramp: Ramp = option("How the target rises from iteration to iteration", "linear")
    increment: float = option("The largest share of all blocks that one iteration prunes, from 0 to 1.", 0.1)
    prune_until: float = option(
        "The share of the steps in which all pruning is done, from 0 to 1. The learning rate falls after it.", 0.5
    )
    rewind: bool = option(
        "Let the learning rate start at its peak again after every iteration and fall until the next, instead of once.",
        False,
    )
    roles: Mapping[str, Role] = field(default_factory=dict)
    max_sparsity: Mapping[str, float] = field(default_factory=dict)
    sr_ste: float = option(
        "How strongly SR-STE pulls weights that N:M dropped towards zero; 2e-4 is usual, 0 is none.", 0.0
    )
    bn_l1: float = option(
        "How strongly scales of batch norms are pulled to zero while training (network slimming); 1e-4 is usual.",
        0.0,
    )
    keep_zeros: bool = option("Keep weights that are zero at the start at zero, as in a network pruned before.", False)
    epochs: int = option("The epochs of fine-tuning, of all iterations together.", 50)
    lr: float = option("The peak learning rate.", 0.01)
    momentum: float = option("The momentum of SGD.", 0.9)
    weight_decay: float = option("The weight decay of SGD.", 5e-4)
    warmup_epochs: float | None = option("The epochs of linear warm-up. Default: a tenth of all.", None)
    amp: Amp = option("Whether to train in mixed precision, and in which type", "off")
    seed: int = option("The seed of initial weights, classes, samples and the order of data.", 0)
    score: InitVar[Criterion | None] = None  # what `criterion` was called before there were patterns

    def __post_init__(self, score: Criterion | None) -> None:
        """Refuse what cannot work; a list of classes becomes a tuple, what was left out its default."""
        if score is not None:
            object.__setattr__(self, "criterion", score)
        object.__setattr__(self, "classes", _labels(self.classes))
        for name in ("roles", "max_sparsity"):
            globs = getattr(self, name)
            if not isinstance(globs, Mapping) or not all(isinstance(glob, str) for glob in globs):
                raise wrong_kind(name, globs, "a map from globs of layer names, such as {'layer4.*': ...}")
        of_kind("pattern", self.pattern, Pattern)
        self._fill_in()
        settled(self)
        for glob, role in self.roles.items():
            of_kind(f"roles[{glob!r}]", role, Role)
        _check_pattern(self)
        for name in ("epochs", "lr", "momentum", "weight_decay", "sr_ste", "bn_l1", "seed"):
            if getattr(self, name) < 0:
                raise InputError(f"{name} is {getattr(self, name)} and cannot be negative")
        if len(set(self.classes)) != len(self.classes) or min(self.classes, default=0) < 0:
            raise InputError(f"classes {self.classes} must be different label indices from 0 up")
        if self.criterion in OF_OUTPUTS and self.pattern != "filter":
            said = f"criterion={self.criterion!r} ranks whole filters, not what the pattern {self.pattern} prunes"
            raise InputError(said, hint="choose the pattern filter, or another criterion")
        if self.online and self.criterion in WITHOUT_GRADIENTS | OF_OUTPUTS:
            raise InputError(f"criterion={self.criterion!r} reads no gradients", hint="set online=False")

    def _fill_in(self) -> None:
        """Defaults that depend on the pattern."""
        nm = self.pattern in WITH_NM
        for name, default in (("n", 2 if nm else 1), ("m", 4 if nm else 1), ("block", SIDES.get(self.pattern, 1))):
            if getattr(self, name) is None:
                object.__setattr__(self, name, default)
        whole = self.pattern == "nm" and isinstance(self.n, int) and isinstance(self.m, int) and self.m > 0
        if getattr(self, "sparsity") is None or (whole and self.sparsity == MAX):  # noqa: B009 - its type tells what it is after this
            object.__setattr__(self, "sparsity", nm_sparsity(self.n, self.m) if whole else 0.9)

    @property
    def target(self) -> float:
        """The sparsity to reach as a number; InputError for "max", which is one once a model is known."""
        if self.sparsity == MAX:
            raise InputError(
                "sparsity 'max' is a number once a model is known", hint="ask Crisp(model, config).config, or make_plan"
            )
        return self.sparsity

    @property
    def iterations(self) -> int:
        """Pruning iterations after the first (p = 0), which sets N:M alone."""
        return block_iterations(self.target, self.n, self.m, self.increment)

    @property
    def targets(self) -> tuple[float, ...]:
        """Sparsity target of each iteration p = 0, 1, ..."""
        return targets(self.target, self.n, self.m, self.iterations, self.ramp)

    @property
    def warmup(self) -> float:
        """Epochs of linear warm-up."""
        return self.epochs / 10 if self.warmup_epochs is None else self.warmup_epochs

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers, strings, lists and dicts, for JSON and for checkpoints."""
        plain = asdict(self)
        plain["classes"] = list(self.classes)
        return plain


class CrispFields(TypedDict, total=False):
    """The fields of `CrispConfig` as keywords of a function; a test holds it to them."""

    sparsity: float | Literal["max"]
    pattern: Pattern
    n: int
    m: int
    block: int
    classes: tuple[int, ...]
    criterion: Criterion
    scope: Scope
    online: bool
    normalize: Normalize
    ramp: Ramp
    increment: float
    prune_until: float
    rewind: bool
    roles: Mapping[str, Role]
    max_sparsity: Mapping[str, float]
    sr_ste: float
    bn_l1: float
    keep_zeros: bool
    epochs: int
    lr: float
    momentum: float
    weight_decay: float
    warmup_epochs: float | None
    amp: Amp
    seed: int


def config_from(config: CrispConfig | None, nm: NM | str | None, fields: Mapping[str, Any]) -> CrispConfig:
    """The config that a function was given, as one value or as keywords, of which `nm` is n and m in one.

    >>> config_from(None, "1:4", {"sparsity": 0.9}).n
    1
    """
    if "score" in fields and "criterion" not in fields:
        fields = {"criterion" if name == "score" else name: value for name, value in fields.items()}
    if nm is None:
        return options_from(CrispConfig, config, fields, "config")
    if twice := [name for name in ("n", "m") if name in fields]:
        raise InputError(f"nm and {twice[0]} are given", hint="give nm alone")
    found = nm_of(nm)
    return options_from(CrispConfig, config, {**fields, "n": found.n, "m": found.m}, "config")


def _labels(classes: object) -> tuple[int, ...]:
    """Label indices as whole numbers, also those of an array."""
    accepted = "label indices such as (3, 5, 8)"
    if isinstance(classes, str | bytes | Mapping) or not isinstance(classes, Iterable):
        raise wrong_kind("classes", classes, accepted)
    labels = tuple(classes)
    for label in labels:
        if not hasattr(label, "__index__"):
            raise wrong_kind("a label of classes", label, accepted)
    return tuple(index(label) for label in labels)


def _check_pattern(config: CrispConfig) -> None:
    """N:M, block and target must fit each other."""
    n, m, block = config.n, config.m, config.block
    if not 1 <= n <= m:
        raise InputError(f"{n}:{m} is no N:M pattern", hint="choose 1 <= n <= m")
    if config.pattern not in WITH_NM and n != m:
        raise InputError(f"the pattern {config.pattern} has no N:M, but {n}:{m} is given", hint="leave nm out")
    if config.pattern not in (*SIDES, "nm") and block != 1:
        raise InputError(f"the pattern {config.pattern} has no side, but block {block} is given", hint="leave it out")
    if config.pattern != "nm" and (block < 1 or block % m):
        raise InputError(f"block {block} is no multiple of m = {m}", hint=f"blocks must hold whole {n}:{m} groups")
    _check_scope(config)
    alone = nm_sparsity(n, m)
    if config.sparsity != MAX and not alone - 1e-9 <= config.sparsity < 1:
        raise InputError(f"sparsity {config.sparsity} must be below 1 and at least {alone:.4f}, which {n}:{m} gives")
    if not 0 < config.increment <= 1:
        raise InputError(f"increment {config.increment} must lie in (0, 1]: it is a share of all blocks")
    if not 0 <= config.prune_until <= 1:
        raise InputError(f"prune_until {config.prune_until} must lie in [0, 1]: it is a share of the optimizer steps")
    for glob, ceiling in config.max_sparsity.items():
        of_kind(f"max_sparsity[{glob!r}]", ceiling, float)
        if not alone - 1e-9 <= ceiling <= 1:
            raise InputError(
                f"{ceiling} must lie in [{alone:.4f}, 1], as {n}:{m} alone gives {alone:.4f}",
                Where(key=f"max_sparsity[{glob!r}]"),
                "give the layer the role dense to keep more",
            )


def _check_scope(config: CrispConfig) -> None:
    """Rows compete inside where the pattern has single weights; N:M alone leaves no choice of a target."""
    alone = nm_sparsity(config.n, config.m)
    if config.pattern == "nm" and abs(config.target - alone) > 1e-9:
        raise InputError(
            f"{config.n}:{config.m} alone gives {alone:.4f}, not {config.sparsity}", hint="leave sparsity out"
        )
    if config.pattern == "nm" and config.scope != "global":
        raise InputError("N:M keeps the same share everywhere, so that scope has no effect", hint="leave it out")
    if config.scope == "row" and config.pattern != "unstructured":
        raise InputError("scope='row' is for the pattern unstructured", hint="choose global or layer")


def match_glob(globs: Mapping[str, Value], name: str) -> Value | None:
    """The value of the last glob that matches a layer name, or None; words of wrappers in a glob stand for nothing.

    >>> match_glob({"*": 1.0, "layer4.*": 0.9}, "layer4.0.conv1")
    0.9
    """
    found = None
    for glob, value in globs.items():
        if fnmatchcase(name, plain_name(glob)):
            found = value
    return found
