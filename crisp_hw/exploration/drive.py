"""The loop of a study: ask for a batch, judge what is not known, tell all in order."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from crisp_hw.exploration.axes import active, broken
from crisp_hw.exploration.keys import Keys
from crisp_hw.exploration.samplers import Sampler
from crisp_hw.exploration.stores import Kept
from crisp_hw.exploration.subject import Subject
from crisp_hw.exploration.workers import Crowd
from crisp_hw.spec.study import Judged, Point, Trial

BATCH = 16
"""Points that are asked for at a time. It depends on nothing, so that a sampler that learns asks for the same points
whoever judges them; not given; assumed because 16 keeps some workers busy and still lets a sampler learn in a study of
200 points."""
Seen = Callable[[int, Judged], None]
"""Called with the number of points that are through, and one that was judged just now."""


@dataclass(frozen=True)
class Loop:
    """What a study needs to run."""

    subject: Subject
    sampler: Sampler
    kept: Kept
    crowd: Crowd
    seen: Seen | None = None


def run(loop: Loop, trials: int | None) -> Iterator[Trial]:
    """The trials of a study in order, as many as are wanted or as there are."""
    keys, number = Keys(loop.subject), 0
    while trials is None or number < trials:
        many = BATCH if trials is None else min(BATCH, trials - number)
        asked = loop.sampler.ask(many)
        if not asked:
            return
        points = [active(loop.subject.space, each) for each in asked]
        judged = _batch(loop, keys, points, number)
        loop.sampler.tell(judged)
        for point, one in zip(points, judged, strict=True):
            yield Trial(number, point, one)
            number += 1


def _batch(loop: Loop, keys: Keys, points: list[Point], done: int) -> list[Judged]:
    """What the points of a batch cost; each that is not known is judged once, and kept as soon as it is."""
    found: dict[str, Judged] = {}
    missing: dict[str, Point] = {}
    names = [keys.key(point) for point in points]
    for name, point in zip(names, points, strict=True):
        if reason := broken(loop.subject.space, point):
            found[name] = Judged({}, reason)  # nothing was computed, so that nothing is kept
        elif known := loop.kept.known(name):
            found[name] = known
        else:
            missing[name] = point
    wanted = list(missing)
    for place, judged in loop.crowd(list(missing.values())) if missing else ():
        found[wanted[place]] = judged
        loop.kept.keep(wanted[place], missing[wanted[place]], judged)
        if loop.seen:
            loop.seen(done + len(found), judged)
    return [found[name] for name in names]
