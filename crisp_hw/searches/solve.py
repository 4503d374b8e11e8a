"""One search, looked up before it is made."""

import base64
import zlib
from dataclasses import dataclass, replace
from functools import cache

from crisp_hw.errors import CrispError
from crisp_hw.machine.store import Store, claimed, read, refuse, write
from crisp_hw.mapper.found import Found, Progress
from crisp_hw.searches.content import Content
from crisp_hw.searches.recent import Recent
from crisp_hw.spec.constraints import Constraints
from crisp_hw.spec.design import Design, DesignPoint
from crisp_hw.spec.options import SearchOptions
from crisp_hw.spec.result import Result
from crisp_hw.spec.spelling import read_spelled, spelled


@dataclass(frozen=True)
class Task:
    """A design whose best mapping is wanted; `key` names the search among all others, on disk too.

    Where a gap is allowed, `proven_key` is that of the same search without one: what is proven there is good here, too.
    """

    design: Design
    constraints: Constraints
    objective: str
    options: SearchOptions
    key: str
    proven_key: str | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """Under which the answer may be kept, the best first."""
        return (self.key,) if self.proven_key is None else (self.proven_key, self.key)


@dataclass(frozen=True)
class Solved:
    """The best mapping of a task, what the embedded engine makes of it, and what roundings cost there (`rounded`)."""

    found: Found
    result: Result
    rounded: tuple[str, ...] = ()


_USUAL = SearchOptions()
_RECENT: Recent[Solved] = Recent()
_CONFIRMED: set[Store] = set()


def task_of(
    design: Design,
    constraints: Constraints,
    objective: str = "cycles",
    options: SearchOptions | None = None,
    content: Content | None = None,
) -> Task:
    """A task with its key; one `content` for many tasks reads what they share once.

    >>> from crisp_hw.spec.arch import Architecture, ComputeLevel
    >>> from crisp_hw.spec.problem import Problem
    >>> design = Design(Architecture((), ComputeLevel()), Problem("nothing", (), (), ()))
    >>> task_of(design, Constraints()).key == task_of(design, Constraints(), "energy").key
    False
    """
    options = options or _USUAL
    content = content or Content()
    key = content.digest(design, constraints, objective, options)
    proven = content.digest(design, constraints, objective, _without_gap(options)) if options.gap else None
    return Task(design, constraints, objective, options, key, proven)


@cache
def _without_gap(options: SearchOptions) -> SearchOptions:
    return replace(options, gap=0.0)


def recall(task: Task, store: Store) -> Solved | None:
    """A search that was kept, with all counts of then; `confirmed` says whether the engine counts them today.

    What this process read a short while ago is not read again, as long as its file is the same.
    """
    for key in task.keys:
        solved = _recalled(key, store)
        if solved is not None and (key == task.key or solved.found.proven):
            return solved
    return None


def is_kept(task: Task, store: Store) -> bool:
    """Is there an entry that may be the answer? `recall` says whether it is."""
    return any(store.path(key).exists() for key in task.keys)


def _recalled(key: str, store: Store) -> Solved | None:
    path = store.path(key)
    if (known := _RECENT.get(path)) is not None:
        return known
    solved = _read(key, store)
    if solved is not None:
        _RECENT.put(path, solved)
    return solved


def _read(key: str, store: Store) -> Solved | None:
    entry = read(store, key)
    if not isinstance(entry, dict):
        return None
    try:
        return read_spelled(Solved, zlib.decompress(base64.b64decode(entry["solved"], validate=True)))
    except (CrispError, ValueError, KeyError, TypeError, zlib.error) as error:
        refuse(store, key, f"holds no search ({' '.join(str(error).split())[:120]})")
    return None


def confirmed(task: Task, kept: Solved, store: Store) -> bool:
    """Does the engine count the same, to the last bit, as it did when this search was kept?

    An entry belongs to the very sources that made it (`engine_version`), and its checksum tells of damage. What is left
    is another NumPy, or an entry that somebody wrote by hand: counting one entry of a process once more notices the
    first, and takes a hundredth of the time that counting all of them takes. So one that is confirmed stands for its
    store.
    """
    if store in _CONFIRMED:
        return True
    try:
        same = _evaluated(task, kept.found) == kept
    except (CrispError, ValueError, IndexError) as error:
        refuse(store, task.key, f"does not fit the design ({' '.join(str(error).split())[:120]})")
        return False
    if not same:
        refuse(store, task.key, "holds other cycles, energy or counts than the engine computes now")
        return False
    _CONFIRMED.add(store)
    return True


def solve(task: Task, store: Store | None = None, progress: Progress | None = None) -> Solved:
    """Search and evaluate; kept in the store when there is one, as proven or not as it is (`Found.proven`).

    Where a gap was allowed and all was looked at nevertheless, it is kept as what it is: the best. Of several processes
    with one store that want the same, one searches, and the others wait for what it finds.

    Raises InputError and MappingError as `search`, and KeyboardInterrupt where the search returned because of one.
    """
    if store is None:
        return _searched(task, progress)
    refused = store.path(task.key).exists()  # whoever asks has looked it up before
    with claimed(store, task.key) as claim:
        if not refused and (kept := recall(task, store)):
            return kept  # another process was faster
        solved = _searched(task, progress)
        if solved.result.valid:
            packed = zlib.compress(spelled(solved).encode())  # a sixth of its text
            key = task.keys[0] if solved.found.complete else task.key
            write(store, key, {"solved": base64.b64encode(packed).decode()}, claim)
        return solved


def _searched(task: Task, progress: Progress | None) -> Solved:
    from crisp_hw.mapper.search import search  # the search itself, for which a mapping that is kept has no use

    found = search(task.design, task.constraints, task.objective, options=task.options, progress=progress)
    if found.interrupted:
        raise KeyboardInterrupt
    return _evaluated(task, found)


def _evaluated(task: Task, found: Found) -> Solved:
    """What a search found, with everything that is wanted of the mapping counted once."""
    from crisp_hw.engine.evaluate import evaluate_point, result_of  # the engine, as little needed as the search
    from crisp_hw.engine.rounded import rounded

    counted = evaluate_point(DesignPoint(task.design, found.mapping))
    result = result_of(counted)
    return Solved(found, result, rounded(counted, task.design.energy, result))
