"""A study: which methods at which sparsities, for which classes, with which seeds; and the cells in it."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.machine.yaml_files import checked, read_mapping
from crisp_hw.spec.patterns import nm_of
from crisp_prune.choices import Criterion, Driver, Pattern, Scope
from crisp_prune.config import CrispConfig
from crisp_prune.hardware import target_from

Kind = Literal["dense", "pruned", "ocap", "ocap-fr", "capnn-b", "capnn-w", "capnn-m", "captor", "myml"]
"""Fine-tuned without pruning, pruned by `Crisp`, or by one of the methods of `lab.class_aware`."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Method(_Strict):
    """A way to prune, by the name that tables and figures show; all not named are the defaults of `CrispConfig`.

    `ratio` is the share of channels that OCAP's images choose and that CAPTOR keeps; the default is OCAP's own.
    With a `driver` the targets are the budgets of the study instead of its sparsities.
    """

    name: str
    kind: Kind = "pruned"
    pattern: Pattern = "hybrid"
    criterion: Criterion = "cass"
    scope: Scope = "global"
    nm: str | None = None
    block: int | None = None
    ramp: Literal["linear", "cubic"] = "linear"
    prune_until: float = 0.5
    rewind: bool = False
    ratio: float = Field(0.05, gt=0, lt=1)
    driver: Driver | None = None


class Study(_Strict):
    """What a YAML file of `crisp-prune compare` says. `classes` are lists of labels, or numbers of the first labels."""

    schema_: Literal["crisp-hw/study/1"] = Field(alias="schema")
    data: str = "fashion-mnist"
    model: str = "resnet"
    side: int = Field(14, ge=4, le=256)
    methods: list[Method]
    sparsities: list[float]
    budgets: list[str] = []
    arch: str = "crisp-stc"
    evaluations: int = Field(200, ge=1)
    classes: list[list[int] | int]
    seeds: list[int] = [0, 1, 2]
    epochs: int = Field(24, ge=0)
    per_class: int = Field(256, ge=1)
    pretrain_epochs: int = Field(24, ge=0)
    batch_size: int = Field(32, ge=2)
    lr: float = 0.01
    pairs: list[Annotated[list[str], Field(min_length=2, max_length=2)]] = []


@dataclass(frozen=True)
class Cell:
    """One network pruned once: everything that its result depends on. `sparsity` None: the method leaves no choice."""

    data: str
    model: str
    side: int
    method: Method
    sparsity: float | None
    classes: tuple[int, ...]
    seed: int
    epochs: int
    per_class: int
    pretrain_epochs: int
    batch_size: int
    lr: float
    budget: str | None = None
    arch: str | None = None
    evaluations: int | None = None

    @property
    def key(self) -> str:
        """The name of its file: the same for the same cell, another for any other."""
        later = {name: getattr(self, name) for name in ("budget", "arch", "evaluations")}
        plain = asdict(self) | {"method": self.method.model_dump(exclude_defaults=True)}
        plain = {name: value for name, value in plain.items() if name not in later or value is not None}
        digest = hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:16]
        return f"{len(self.classes)}-{self.seed}-{digest}"

    @property
    def start(self) -> str:
        """The name of the dense network that it starts from."""
        plain = [self.data, self.model, self.side, self.seed, self.per_class, self.pretrain_epochs]
        return f"{self.seed}-{hashlib.sha256(json.dumps(plain).encode()).hexdigest()[:16]}"

    def config(self) -> CrispConfig:
        """What `Crisp` is asked for; of the dense network nothing is pruned."""
        told: dict[str, Any] = {"classes": self.classes, "epochs": self.epochs, "seed": self.seed, "lr": self.lr}
        method = self.method
        if method.kind != "pruned":
            return CrispConfig(pattern="unstructured", criterion="magnitude", sparsity=0.0, **told)
        if method.nm is not None:
            found = nm_of(method.nm)
            told |= {"n": found.n, "m": found.m}
        if method.block is not None:
            told["block"] = method.block
        return CrispConfig(
            sparsity=self.sparsity if self.sparsity is not None else CrispConfig(pattern="nm", **told).sparsity,
            pattern=method.pattern,
            criterion=method.criterion,
            scope=method.scope,
            ramp=method.ramp,
            prune_until=method.prune_until,
            rewind=method.rewind,
            **told,
        )


def read_study(path: Path) -> Study:
    """The study of a YAML file; InputError names the line of what it does not know."""
    study = checked(Study, read_mapping(path, "see `crisp-prune compare --help`"), "study")
    names = [method.name for method in study.methods]
    where = Where(mark=Mark(str(path)))
    twice = [name for name in names if names.count(name) > 1]
    if twice or not names:
        raise InputError(f"two methods are named {twice[0]!r}" if twice else "names no method", where)
    lacking = [name for pair in study.pairs for name in pair if name not in names]
    if lacking:
        raise InputError(f"pairs name {lacking[0]!r}", where, f"the methods are {', '.join(names)}")
    for method in study.methods:
        _check_fields(method, where)
    list(cells_of(study))
    return study


def _check_fields(method: Method, where: Where) -> None:
    """A field that the kind of a method does not read is refused."""
    reads = {
        "pruned": {*Method.model_fields} - {"ratio"},
        "ocap": {"ratio"},
        "ocap-fr": {"ratio"},
        "captor": {"ratio"},
    }
    given = method.model_fields_set - {"name", "kind"} - reads.get(method.kind, set())
    if given:
        said = f"{sorted(given)[0]} has no effect on {method.name!r}, which is of the kind {method.kind}"
        raise InputError(said, where, "leave it out")


def cells_of(study: Study) -> Iterator[Cell]:
    """Every cell, those of the first seed first, so that a broken run has something of everything."""
    for seed in study.seeds:
        for labels in study.classes:
            chosen = tuple(range(labels)) if isinstance(labels, int) else tuple(labels)
            for method in study.methods:
                for sparsity, budget in _targets(study, method):
                    told = (budget, study.arch, study.evaluations) if budget is not None else (None, None, None)
                    cell = Cell(
                        study.data, study.model, study.side, method, sparsity, chosen, seed, study.epochs,
                        study.per_class, study.pretrain_epochs, study.batch_size, study.lr, *told,
                    )  # fmt: skip
                    cell.config()
                    yield cell


def _targets(study: Study, method: Method) -> list[tuple[float | None, str | None]]:
    """Sparsities and budgets of a method: N:M alone and a dense network have a sparsity of their own, and no budget."""
    if method.driver is not None:
        for budget in study.budgets:
            target_from(budget)
        return [(None, budget) for budget in study.budgets]
    if method.kind != "pruned" or method.pattern == "nm":
        return [(None, None)]
    return [(sparsity, None) for sparsity in study.sparsities]
