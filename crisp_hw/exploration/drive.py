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
"""Points that a sampler that learns is asked for at a time, unless a study says otherwise; not given; assumed because
16 keep some workers busy and still let a sampler learn in a study of 200 points."""
AHEAD = 1024
"""Points that a sampler that does not learn is asked for at a time, so that a thousand workers have one each."""
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
    batch: int = BATCH


def run(loop: Loop, trials: int | None) -> Iterator[Trial]:
    """The trials of a study in order, as many as are wanted or as there are."""
    keys, number = Keys(loop.subject), 0
    while trials is None or number < trials:
        ahead = loop.batch if loop.sampler.learns else max(loop.batch, AHEAD)
        many = ahead if trials is None else min(ahead, trials - number)
        asked = loop.sampler.ask(many)
        if not asked:
            return
        points = [active(loop.subject.space, each) for each in asked]
        names, found = [keys.key(point) for point in points], dict[str, Judged]()
        try:
            _judge_all(loop, dict(zip(names, points, strict=True)), found, number)
        except KeyboardInterrupt:
            judged_before = (place for place, name in enumerate(names) if name in found)
            yield from (Trial(number + place, points[place], found[names[place]]) for place in judged_before)
            raise
        judged = [found[name] for name in names]
        loop.sampler.tell(judged)
        for point, one in zip(points, judged, strict=True):
            yield Trial(number, point, one)
            number += 1


def _judge_all(loop: Loop, points: dict[str, Point], found: dict[str, Judged], done: int) -> None:
    """Find what points cost, by their keys; what is not known is judged once, and kept as soon as it is."""
    missing: dict[str, Point] = {}
    for name, point in points.items():
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
