"""Points of a design space, judged on one machine or many: `explore`."""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any, Unpack

from crisp_hw.data_files import packaged
from crisp_hw.errors import InputError
from crisp_hw.exploration.axes import label, space_of
from crisp_hw.exploration.curve import curve_of
from crisp_hw.exploration.drive import BATCH, Loop, run
from crisp_hw.exploration.given import Given, accelerators_of, check_given, networks_of
from crisp_hw.exploration.judge import ALIASES, KEPT
from crisp_hw.exploration.progress import OBJECTIVES
from crisp_hw.exploration.samplers import sampler_of
from crisp_hw.exploration.stores import Kept
from crisp_hw.exploration.study import Study
from crisp_hw.exploration.subject import Pruning, Subject, check_axes
from crisp_hw.exploration.workers import crowd
from crisp_hw.machine.yaml_files import did_you_mean
from crisp_hw.sources import Arch
from crisp_hw.spec.keywords import options_from, with_fields
from crisp_hw.spec.kinds import check_callable, of_kind, wrong_kind
from crisp_hw.spec.options import EvaluateFields, EvaluateOptions
from crisp_hw.spec.patterns import NM
from crisp_hw.spec.study import MAXIMISED, Judged, Objective, Trial
from crisp_hw.spec.vocabulary import SECTIONS, columns

TEXT = ("text", "prose")
Progress = Callable[[int, int, Judged], None]
"""Called with the points that are through, how many are wanted, and one that was judged just now."""


DEFAULT_ARCH = packaged().default


@with_fields(EvaluateOptions)
def explore(  # noqa: PLR0913 - what a user may say of a study, all but the network by name
    source: Any,
    *,
    base: Arch | None = None,
    space: Mapping[str, Any],
    objectives: Sequence[str] = OBJECTIVES,
    conditions: Sequence[str] = (),
    method: str = "grid",
    trials: int | None = None,
    store: str | Path | None = None,
    workers: Any = 1,
    seed: int = 0,
    batch: int = BATCH,
    nm: NM | str | None = None,
    block: int | None = None,
    sparsity: float | None = None,
    layers: str | None = None,
    accuracy: Mapping[Any, Any] | None = None,
    options: EvaluateOptions | None = None,
    progress: Progress | None = None,
    **fields: Unpack[EvaluateFields],
) -> Study:
    """Evaluate a network at many points of a design space, and say which none other beats.

    Parameters
    ----------
    source
        The network, as `evaluate` takes it; None where an axis `network` lists some.
    base
        The accelerator whose numbers the space varies. None takes crisp-stc, or what an axis `arch` lists.
    space
        What varies, by name: a list of values, or {"low": 8, "high": 64, "step": 8}, or {"low": .., "high": .., "log":
        True}; with "when" a condition over axes before. Names are numbers of the accelerator (`smem_kb`, `cores`, as
        in `Accelerator.replace`), `nm`, `block` and `sparsity`, `arch`, `network`, and options of `evaluate`.
    objectives
        Figures of the totals that count (docs/columns.md); `area_mm2` is `on_chip_mm2`. Speedups, gains, TOPS and
        accuracy are made large, all others small.
    conditions
        What a feasible point meets, such as "smem_kb >= 64 * rf_kb".
    method
        "grid" for every combination, "random", or "tpe" and "nsga2" of Optuna.
    trials
        How many points; None takes all of a grid, and 200 otherwise.
    store
        A folder, or the URL of a database, that keeps every point by its content: none in it is evaluated again. None
        keeps them in memory alone.
    workers
        How many processes (they are started anew, so that the caller's main module needs its `if __name__ ==
        "__main__"`), or a `dask.distributed.Client`. The study is the same for any.
    seed
        The seed of all that is drawn.
    batch
        How many points tpe and nsga2 are asked for before they hear what they cost; more keep more workers busy. It
        decides which points are asked for, as the seed does.
    nm, block, sparsity, layers
        As in `evaluate`, where no axis says otherwise.
    accuracy
        Accuracies that were measured, by sparsity; between them it is on the line, and `accuracy` can be an objective.
        {"study": "results.json", "method": "..."} takes those of a method that `crisp-prune compare` measured.
    options
        The options of an evaluation as one value, instead of `fields`.
    progress
        Called as points are judged.
    **fields
        The fields of EvaluateOptions that hold for all points, as in `evaluate`; `objective` is what mappings are
        chosen by.

    Returns
    -------
    Study
        A record for every point, infeasible ones with their reason. After Ctrl-C, what there was until then.

    Raises
    ------
    InputError
        When the source, an accelerator, an axis or an option is not accepted.

    Examples
    --------
    >>> study = explore("resnet50", space={"smem_bandwidth": [8, 32]}, nm="2:4", layers="fc")
    >>> study.to_frame()["cycles"].tolist()
    [166656, 41664]
    """
    wanted = _objectives(objectives, accuracy is not None)
    settled = options_from(EvaluateOptions, options, fields)
    check_callable("progress", progress)
    if settled.jobs != 1:
        raise InputError("jobs has no effect on a study", hint="give workers, which judge whole points")
    found = space_of(space, conditions)
    given = Given(source, base, settled.energy, space)
    check_given(given)
    subject = Subject(
        networks_of(given),
        accelerators_of(given, DEFAULT_ARCH),
        Pruning(None if nm is None else str(nm), block, sparsity),
        layers,
        settled,
        found,
        tuple(dict.fromkeys((*(each.name for each in wanted), *KEPT))),
        curve_of(accuracy),
        str(label(DEFAULT_ARCH if base is None else base)),
        settled.energy,
    )
    check_axes(subject)
    many = _trials(method, trials)
    total = many or prod(len(axis.listed) for axis in found.axes)
    sampler = sampler_of(method, found, wanted, of_kind("seed", seed, int))
    kept = Kept(store, found, wanted)
    judged: list[Trial] = []
    interrupted = False
    with crowd(workers, subject) as judges:
        seen = None if progress is None else (lambda done, one: progress(done, total, one))
        try:
            judged.extend(run(Loop(subject, sampler, kept, judges, seen, _batch(batch, method, sampler.learns)), many))
        except KeyboardInterrupt:
            interrupted = True
    return Study(str(next(iter(subject.networks))), found, wanted, tuple(judged), interrupted)


def _trials(method: str, trials: int | None) -> int | None:
    if trials is None:
        return None if method == "grid" else 200
    if of_kind("trials", trials, int) < 1:
        raise InputError(f"trials is {trials}", hint="give 1 or more")
    return trials


def _batch(batch: int, method: str, learns: bool) -> int:
    """Points that are asked for at a time; InputError for none, and where it makes no difference how many they are."""
    if of_kind("batch", batch, int) < 1:
        raise InputError(f"batch is {batch}", hint="give 1 or more")
    if batch != BATCH and not learns:
        said = f"batch {batch} has no effect on {method}, which asks for the same points whatever it hears"
        raise InputError(said, hint="leave it out, or take tpe or nsga2")
    return batch


def _objectives(names: Sequence[str], with_accuracy: bool) -> tuple[Objective, ...]:
    if isinstance(names, str):
        names = (names,)
    if not names or not all(isinstance(each, str) for each in names):
        raise wrong_kind("objectives", names, 'the names of some figures, such as ("cycles", "energy_uj")')
    if twice := next((each for each in names if list(names).count(each) > 1), None):
        raise InputError(f"objective {twice} is given twice", hint="name each once")
    if "accuracy" in names and not with_accuracy:
        raise InputError("the accuracy is not known", hint="give accuracy={sparsity: accuracy, ...}, as measured")
    for each in names:
        _check_figure(each)
    return tuple(Objective(each, each in MAXIMISED) for each in names)


def _check_figure(name: str) -> None:
    """InputError for a name that no column of a total can have."""
    try:
        found = columns([ALIASES.get(name, name)]) if name != "accuracy" else ()
    except KeyError as error:
        known = (*ALIASES, "accuracy", *(each.key for each in SECTIONS["totals"].columns if each.style not in TEXT))
        raise InputError(f"no figure {name[:40]!r}", hint=did_you_mean(name, known)) from error
    if any(each.style in TEXT for each in found):
        raise InputError(f"{name} is text, of which none is less than another", hint="take a number, such as cycles")
