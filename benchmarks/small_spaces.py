"""Random small mapspaces by search and by brute force: `python benchmarks/small_spaces.py [--spaces 300]`.

Every kind of `drawn_spaces` gets a fifth of the spaces, the objectives take turns. Brute force evaluates every
factorization in every order on every axis, with no knowledge of the model. The answer of the search must have the same
scores, and so must that of the search by templates wherever it covers a space, also one so small that every mapping is
gone through. The exit code is 1 when anything differs; each difference is printed with the kind and the seed. With
`--kept FILE` every space that was compared is kept there as a line of JSON, and is not compared again.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path
from statistics import median

from brute_force import Compared, each_compared
from drawn_spaces import KINDS

SPACES = 300


def main() -> int:
    """Compare, and print what came out."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--spaces", type=int, default=SPACES, help=f"how many [{SPACES}]")
    parser.add_argument("--kinds", default=",".join(KINDS), help="of which kinds, separated by commas")
    parser.add_argument("--first", type=int, default=0, help="the first seed of each kind [0]")
    parser.add_argument("--device", default="numpy", help="where batches are evaluated")
    parser.add_argument("--kept", type=Path, help="a file that keeps what was compared, so that nothing is done twice")
    given = parser.parse_args()
    kinds = given.kinds.split(",")
    if wrong := [kind for kind in kinds if kind not in KINDS]:
        parser.error(f"no kind {wrong[0]!r}; there are {', '.join(KINDS)}")
    names = [(kinds[number % len(kinds)], given.first + number // len(kinds)) for number in range(given.spaces)]
    done = []
    for each in each_compared(names, given.device, given.kept):
        done.append(each)
        if each.differs:
            print(f"{each.kind}, seed {each.seed}, {each.objective}: {each.differs}", flush=True)
        print(f"{len(done)} of {len(names)} spaces", end="\r", file=sys.stderr, flush=True)
    print_summary(done)
    return int(any(each.differs for each in done))


def print_summary(done: list[Compared]) -> None:
    """One line a kind, and one for all."""
    heads = f"{'kind':14} {'spaces':>6} {'equal':>6} {'none':>5} {'by templates':>12} {'median valid':>12}"
    print(f"{heads} {'mappings':>11} {'brute CPU s':>11} {'search CPU s':>12}")
    for kind in (*dict.fromkeys(each.kind for each in done), "all"):
        here = [each for each in done if kind in (each.kind, "all")]
        equal, none = sum(not each.differs for each in here), sum(each.brute is None for each in here)
        valid = [each.valid for each in here]
        figures = f"{sum(each.covered is None for each in here):12d} {median(valid):12,.0f} {sum(valid):11,d}"
        seconds = f"{sum(each.brute_s for each in here):11.1f} {sum(each.search_s for each in here):12.1f}"
        print(f"{kind:14} {len(here):6d} {equal:6d} {none:5d} {figures} {seconds}")
    for why, count in Counter(each.covered for each in done if each.covered).most_common():
        print(f"  not by templates, gone through: {count} with {why}")


if __name__ == "__main__":
    sys.exit(main())
