"""The options of an evaluation, each stated once: its values, its default, and what it does.

Python takes the dataclass as it is; the command line makes its options from the same fields (`cli.options`).
"""

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypedDict

from crisp_hw.errors import InputError
from crisp_hw.spec.kinds import settled

if TYPE_CHECKING:
    from crisp_hw.spec.patterns import NM

Objective = Literal["cycles", "energy", "edp"]
DensityModel = Literal["model", "actual", "hybrid"]
PackingModel = Literal["skipping", "position-skipping"]
Offsets = Literal["coordinate", "mask"]
Device = Literal["numpy", "cpu", "cuda"]
GIB = 2**30


@dataclass(frozen=True)
class Stated:
    """What the command line says of a field: `help`, and its `flags` where --its-name is not all.

    A `hidden` option works, but help and manual do not offer it. `cli_default` is what the command line takes where
    nothing is said (...: the field's own default), `least` the smallest number that it takes, and `panel` the heading
    under which `--help` lists it. `argument` is the name of one that stands without a flag.
    """

    help: str
    flags: tuple[str, ...] = ()
    panel: str | None = None
    cli_default: Any = ...
    least: int | None = None
    argument: str = ""
    hidden: bool = False


def stated(kind: Any) -> dict[str, Stated]:
    """The fields of a dataclass that are options, by name."""
    return {each.name: said for each in fields(kind) for said in getattr(each.type, "__metadata__", ())}


SEARCHED = "How mappings are searched"
MODELLED = "How layers are modelled"


@dataclass(frozen=True)
class EvaluateOptions:
    """What `evaluate` leaves to the user.

    `density` is how weights are described: "model" (the statistical density of each scheme), "actual" (the masks
    themselves) or "hybrid" (blocks with N:M inside, in closed form). `packing` is how nonzeros of both operands fill
    lanes: "skipping", which public Timeloop can run (as if they filled the lanes perfectly), or "position-skipping",
    which packs them into lanes that partly stay idle (docs/model.md, section 6.7). `activation_density` is the share of
    activations that are not zero (CRISP paper: 40 % sparsity, so 0.6). `activation_nm` says that they obey
    N:M along input channels. `offsets` stores a kept weight's place in its
    N:M group as a coordinate of ceil(log2 M) bits, or the group as a mask of M bits. `jobs` processes search for
    mappings (None: one, and all cores as soon as that pays; where they cannot be forked, the caller's main module needs
    its `if __name__ == "__main__"`), and with `cache` what was found before is read from disk and what is found is kept
    there (`machine.store`); neither changes a number. With `gap` the search of a large mapspace ends as soon as nothing
    can be better by more than that share (0.05: 5 %); where a proven mapping is kept, that is taken. `said` names
    options that were written down although they have their default: `unused_options` looks at them, too.
    """

    objective: Annotated[
        Objective,
        Stated("What the mapper minimises: cycles, energy, or edp, which is cycles times energy.", panel=SEARCHED),
    ] = "cycles"
    energy: Annotated[
        str | None,
        Stated(
            "Where energies come from: a table of energies by name (fabric-45nm, reference) or as a .yaml file, or a "
            "characterization (table, cacti, accelergy). Default: the table that the accelerator names.",
            panel=MODELLED,
        ),
    ] = None
    backend: Annotated[
        str,
        Stated(
            "What evaluates the best mapping: the embedded engine, or an installed Timeloop (timeloop).", panel=MODELLED
        ),
    ] = "embedded"
    activation_density: Annotated[
        float,
        Stated(
            "The share of activations that are not zero, from 0 to 1, which only some accelerators exploit.",
            panel=MODELLED,
        ),
    ] = 0.6
    block_index: Annotated[
        bool, Stated("Charge the energy of fetching the indices of kept blocks.", panel=MODELLED)
    ] = True
    density: Annotated[
        DensityModel,
        Stated(
            "How the nonzeros of the weights are described: by the scheme's statistical density model (model), by the "
            "masks themselves (actual), or as kept blocks with N:M inside, in closed form (hybrid).",
            panel=MODELLED,
        ),
    ] = "model"
    packing: Annotated[
        PackingModel,
        Stated(
            "How nonzeros of both operands are packed into lanes: as if they filled every lane (skipping), or with the "
            "lanes that packing leaves idle (position-skipping).",
            panel=MODELLED,
        ),
    ] = "skipping"
    overheads: Annotated[
        bool,
        Stated(
            "Charge the energy of circuits that Sparseloop leaves out: block index, activation selection, decoders.",
            panel=MODELLED,
        ),
    ] = True
    jobs: Annotated[
        int | None,
        Stated(
            "The number of processes that search for mappings. Default: one per core where there is enough to search "
            "(on Linux from eight mappings on; elsewhere once a second has passed), else one.",
            ("--jobs", "-j"),
            SEARCHED,
            cli_default=None,
        ),
    ] = 1
    gap: Annotated[
        float,
        Stated(
            "How far above the best a mapping may be, such as 5%: the search of a layer whose mapspace is large ends "
            "once it knows that, and the result says so. A mapping that was proven before is reused.",
            panel=SEARCHED,
            cli_default="0%",
        ),
    ] = 0.0
    cache: Annotated[
        bool,
        Stated("Keep the mappings that searches find on disk, and reuse them (see crisp-hw cache).", panel=SEARCHED),
    ] = True
    offsets: Annotated[
        Offsets,
        Stated(
            "How the position of a kept weight in its N:M group is stored: as a number of ceil(log2 M) bits "
            "(coordinate), or as one mask of M bits per group (mask).",
            panel=MODELLED,
        ),
    ] = "coordinate"
    activation_nm: Annotated[
        str | None,
        Stated(
            "The N:M pattern that activations are pruned to, along input channels, such as 4:8, which only some "
            "accelerators exploit. Then activation density is N/M at most.",
            panel=MODELLED,
        ),
    ] = None
    said: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        settled(self)
        _check_gap(self.gap)
        nm = self.activations
        if nm is not None and not 1 <= nm.n <= nm.m:
            raise InputError(f"activation_nm is {nm}", hint="give N:M with N from 1 to M, such as 4:8")
        if nm is not None and "activation_density" in self.chosen and self.activation_density * nm.m > nm.n:
            said = f"activations of {nm} are no denser than {nm.n / nm.m:g}, and activation_density is"
            raise InputError(f"{said} {self.activation_density:g}", hint="leave one of the two out")

    @property
    def activations(self) -> "NM | None":
        """The pattern of activations; None without one."""
        if self.activation_nm is None:
            return None
        from crisp_hw.spec.patterns import nm_of  # with NumPy, which options do not need else

        return nm_of(self.activation_nm, "activation_nm")

    @property
    def activation_share(self) -> float:
        """Activations that are not zero, over all: those of the pattern, or fewer where fewer were asked for."""
        nm = self.activations
        return self.activation_density if nm is None else min(self.activation_density, nm.n / nm.m)

    @property
    def chosen(self) -> frozenset[str]:
        """Options that were said, or that do not have their default."""
        changed = {each.name for each in fields(self) if getattr(self, each.name) != each.default}
        return self.said | (changed & stated(self).keys())


class EvaluateFields(TypedDict, total=False):
    """The fields of `EvaluateOptions` as keywords of a function; a test holds it to them."""

    objective: Objective
    energy: str | None
    backend: str
    activation_density: float
    block_index: bool
    density: DensityModel
    packing: PackingModel
    overheads: bool
    jobs: int | None
    gap: float
    cache: bool
    offsets: Offsets
    activation_nm: str | None


SEARCH = ("objective", "energy", "jobs", "gap", "cache")
"""The options that choose a mapping and change nothing else."""


@dataclass(frozen=True)
class SearchOptions:
    """How to search for a mapping; `memory_bytes` is the most that it takes (`--memory`), and `gap` how far above the
    best the result may be (`--gap`; 0.05: 5 %) where templates are searched, which ends sooner.

    `device` is where mappings are evaluated, `front` whether the Pareto front of cycles and energy is wanted, which
    forbids lower bounds (`--front`), `said` as in `EvaluateOptions`; it changes no search.
    """

    budget: Annotated[
        int | None,
        Stated(
            "The most mappings to evaluate. Default: as many as prove the optimum; in larger spaces 500,000, or "
            "20,000 where each is slow.",
            least=1,
        ),
    ] = None
    seed: Annotated[
        int, Stated("The seed of the random choice of mappings where a budget leaves some out.", least=0)
    ] = 0
    memory_bytes: int = GIB
    gap: float = 0.0
    device: Annotated[
        Device,
        Stated(
            "The array library that evaluates mappings: NumPy, or PyTorch on the CPU or on a GPU (cuda).",
            hidden=True,  # on no GPU was a search measured yet, so that nothing speaks for it
        ),
    ] = "numpy"
    front: bool = False
    both_axes: Annotated[
        bool,
        Stated(
            "Let a dimension lie along both axes of a mesh. The result then has a level between the axes that keeps "
            "nothing, and the folder the documents of that design.",
        ),
    ] = False
    imperfect: Annotated[
        bool,
        Stated(
            "Search factors that do not divide their dimension, too: the last tile is then smaller (K=5,3 in "
            "map.yaml). Not where tensors are stored in formats.",
        ),
    ] = False
    said: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        settled(self)
        for name, said in stated(self).items():
            value = getattr(self, name)
            if said.least is not None and value is not None and value < said.least:
                raise InputError(f"{name} is {value}", hint=f"give {said.least} or more")
        _check_gap(self.gap)


def _check_gap(gap: float) -> None:
    if not 0 <= gap < float("inf"):
        raise InputError(f"gap is {gap:g}", hint="give a share from 0 on, such as 0.05 for 5 %")


class SearchFields(TypedDict, total=False):
    """The fields of `SearchOptions` as keywords of a function; a test holds it to them."""

    budget: int | None
    seed: int
    memory_bytes: int
    gap: float
    device: Device
    front: bool
    both_axes: bool
    imperfect: bool
