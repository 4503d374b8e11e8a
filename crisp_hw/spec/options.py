"""The options of an evaluation, each stated once: its values, its default, and what it does.

Python takes the dataclass as it is; the command line makes its options from the same fields (`cli.options`).
"""

from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal, get_args

from crisp_hw.errors import InputError

Objective = Literal["cycles", "energy", "edp"]
DensityModel = Literal["model", "actual", "hybrid"]
DstcModel = Literal["skipping", "position-skipping"]
Offsets = Literal["coordinate", "mask"]
Device = Literal["numpy", "cpu", "cuda"]
GIB = 2**30


@dataclass(frozen=True)
class Stated:
    """What the command line says of a field: `help`, and its `flags` where --its-name is not all.

    `cli_default` is what the command line takes where nothing is said (...: the field's own default), `least` the
    smallest number that it takes.
    """

    help: str
    flags: tuple[str, ...] = ()
    cli_default: Any = ...
    least: int | None = None


def stated(kind: Any) -> dict[str, Stated]:
    """The fields of a dataclass that are options, by name."""
    return {each.name: said for each in fields(kind) for said in getattr(each.type, "__metadata__", ())}


@dataclass(frozen=True)
class EvaluateOptions:
    """What `evaluate` leaves to the user.

    `density` is how weights are described: "model" (the statistical density of each scheme), "actual" (the masks
    themselves) or "hybrid" (blocks with N:M inside, in closed form). `dstc` is how DSTC avoids zeros: "skipping", which
    public Timeloop can run (as if nonzeros filled the lanes perfectly), or "position-skipping", which packs them into
    lanes that partly stay idle (docs/model.md, section 6.7). `activation_density` is what DSTC sees (CRISP paper: 40 %
    sparsity, so 0.6). `offsets` stores a kept weight's place in its N:M group as a coordinate of ceil(log2 M) bits, or
    the group as a mask of M bits. `jobs` processes search for mappings (None: one, and all cores as soon as that pays;
    spawned, so that the caller's main module needs its `if __name__ == "__main__"`), and with `cache` what was found
    before is read from disk and what is found is kept there (`machine.store`); neither changes a number.
    `said` names options that were written down although they have their default: `unused_options` looks at them, too.
    """

    objective: Annotated[Objective, Stated("What the mapper minimises.")] = "cycles"
    energy: Annotated[str | None, Stated("Energy table by name or .yaml path.")] = None
    backend: Annotated[str, Stated("What evaluates: embedded, or an installed Timeloop.")] = "embedded"
    activation_density: Annotated[float, Stated("Share of nonzero activations (DSTC).")] = 0.6
    block_index: Annotated[bool, Stated("Count fetches of the block index.")] = True
    density: Annotated[
        DensityModel, Stated("Weights by statistical model, by the masks themselves, or by blocks with N:M.")
    ] = "model"
    dstc: Annotated[DstcModel, Stated("DSTC as if zeros cost nothing, or with lanes that packing leaves idle.")] = (
        "skipping"
    )
    overheads: Annotated[bool, Stated("Charge what Sparseloop does not: block index, selection, decoders.")] = True
    jobs: Annotated[
        int | None,
        Stated(
            "Processes that search for mappings; default: one, from the second second on every core if that pays.",
            ("--jobs", "-j"),
            cli_default=None,
        ),
    ] = 1
    cache: Annotated[bool, Stated("Keep what searches find, and read it back (`crisp-hw cache`).")] = True
    offsets: Annotated[Offsets, Stated("Place of a kept weight in its N:M group: number or mask.")] = "coordinate"
    said: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for each in fields(self):
            valid, value = get_args(get_args(each.type)[0]), getattr(self, each.name)
            if valid and isinstance(valid[0], str) and value not in valid:
                raise InputError(f"unknown {each.name} {value!r}", hint=f"there are {', '.join(valid)}")

    @property
    def chosen(self) -> frozenset[str]:
        """Options that were said, or that do not have their default."""
        changed = {each.name for each in fields(self) if getattr(self, each.name) != each.default}
        return self.said | (changed & stated(self).keys())


SEARCH = ("objective", "energy", "jobs", "cache")
"""The options that choose a mapping and change nothing else."""


@dataclass(frozen=True)
class SearchOptions:
    """How to search for a mapping; `memory_bytes` is the most that it takes (`--memory`).

    `device` is where mappings are evaluated, `front` whether the Pareto front of cycles and energy is wanted, which
    forbids lower bounds (`--front`), `said` as in `EvaluateOptions`; it changes no search.
    """

    budget: Annotated[int | None, Stated("Most mappings to evaluate; default: all that may be best.", least=1)] = None
    seed: Annotated[int, Stated("Which mappings a budget picks.", least=0)] = 0
    memory_bytes: int = GIB
    device: Annotated[Device, Stated("Where mappings are evaluated.")] = "numpy"
    front: bool = False
    said: frozenset[str] = frozenset()
