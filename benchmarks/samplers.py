"""What the samplers of Optuna think, by how many points they know: processor time a point, without engine and storage.

`python benchmarks/samplers.py [--points 2000] [--objectives 3]`
"""

import argparse
import time

from scale import space

from crisp_hw.exploration.axes import space_of
from crisp_hw.exploration.drive import BATCH
from crisp_hw.exploration.samplers import sampler_of
from crisp_hw.spec.study import Judged, Objective, Point

MARKS = (100, 200, 500, 1000, 2000, 5000, 10_000)


def judged(point: Point, objectives: tuple[Objective, ...]) -> Judged:
    """Figures that contradict each other: each is least where another axis is."""
    numbers = [float(each or 0) for each in point.values()]  # type: ignore[arg-type]  # all axes are numbers
    return Judged({each.name: 1 + sum(numbers) / (1 + numbers[at % 3]) for at, each in enumerate(objectives)})


def main() -> None:
    """Ask and tell, and print at some numbers of points what it has taken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=2000)
    parser.add_argument("--objectives", type=int, default=3)
    parser.add_argument("--methods", nargs="*", default=["nsga2", "tpe"])
    asked = parser.parse_args()
    objectives = tuple(Objective(f"figure{place}") for place in range(asked.objectives))
    for method in asked.methods:
        sampler = sampler_of(method, space_of(space(10_000)), objectives, 0)
        done, last, start = 0, 0, time.process_time()
        marks = [each for each in MARKS if each <= asked.points]
        begun = start
        while marks:
            points = sampler.ask(BATCH)
            sampler.tell([judged(each, objectives) for each in points])
            done += len(points)
            if done >= marks[0]:
                now = time.process_time()
                each = 1000 * (now - start) / (done - last)
                print(f"{method}: {done} points, {now - begun:.1f} s so far, {each:.2f} ms a point of late", flush=True)
                start, last = now, done
                marks.pop(0)


if __name__ == "__main__":
    main()
