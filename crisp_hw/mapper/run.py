"""One search under way: by labels and templates, by going through everything, or from good seeds.

Labels and templates are loaded where they are needed: small mapspaces are gone through without them, and to load them
takes as long as to search several of those.
"""

from dataclasses import dataclass, replace

from crisp_hw.mapper.bypass import perfect_spaces
from crisp_hw.mapper.found import SearchStatus
from crisp_hw.mapper.sample import descend, first_look
from crisp_hw.mapper.space import Space
from crisp_hw.mapper.stream import factorizations
from crisp_hw.mapper.sweep import Sweep, catalog_of
from crisp_hw.mapper.watch import Watch
from crisp_hw.spec.options import SearchOptions

LARGE = 100_000_000  # factorizations of one choice of which labels are made: fewer, templates prove as soon
MOST_SPACES = 4096  # choices of keep and bypass whose templates are searched one by one


@dataclass
class Run:
    """A search under way, which tells `watch` of it. No mapping has a better objective than `least`."""

    sweeps: tuple[Sweep, ...]
    total: int
    watch: Watch
    chunk_rows: int
    jobs: int = 1
    done: int = 0
    least: float | None = None

    def by_templates(self, spaces: tuple[Space, ...], options: SearchOptions) -> bool:
        """Level by level, then branch and bound; False when it gave up. `least` is the bound of what is open."""
        from crisp_hw.mapper.chains.proof import Levels, chain_of
        from crisp_hw.mapper.chains.proof import seeds as level_seeds
        from crisp_hw.mapper.exact.search import Exact

        tally, first = self.sweeps[0].tally, spaces[0]
        chain = None if options.front else chain_of(spaces)  # which knows of the best alone
        if chain is not None:
            levels = Levels(chain, tally, self._levels_tick, options.memory_bytes, options.gap)
            if levels.run():
                self._bounded(levels.least)
                return not options.gap
            if len(spaces) > MOST_SPACES and tally.leader is not None:
                return False
        elif not options.front:
            level_seeds(spaces, tally, self._levels_tick, options.memory_bytes)
            if self._thinned(spaces, options):
                return not options.gap
        if first.imperfect and (perfect := perfect_spaces(spaces)):
            # they are among the others, and found in seconds; the walk of imperfect ones takes milliseconds each
            sweeps = tuple(Sweep(catalog_of(space), tally) for space in perfect)
            replace(self, sweeps=sweeps, least=None, jobs=1).by_templates(perfect, options)
        if tally.leader is None or not first.imperfect:
            first_look(self.sweeps, options.seed, self.tick)

        def tick(done: int, waiting: int, least: float) -> None:
            best = tally.leader
            # what is better by less than the gap that is allowed may have been dropped
            self._bounded(min(least, best.scores[0] / (1 + options.gap)) if best and options.gap else least)
            self._tell(done, done + waiting)

        done = Exact(spaces, tally, tick, options.memory_bytes, gap=options.gap, jobs=self.jobs).run()
        if done and options.gap and tally.leader is not None:
            self.least = tally.leader.scores[0] / (1 + options.gap)
        return done and not options.gap

    def _thinned(self, spaces: tuple[Space, ...], options: SearchOptions) -> bool:
        """Level by level with the least that a sparse design leaves of every count: seldom a proof, mostly a bound."""
        from crisp_hw.mapper.chains.proof import Levels, thinned

        size = sum(space.size for space in spaces)
        chain = thinned(spaces) if len(spaces) > 1 or size > LARGE else None
        if chain is None:
            return False
        by_keeps = {space.keeps: space for space in spaces}
        tally = self.sweeps[0].tally
        levels = Levels(chain, tally, self._levels_tick, options.memory_bytes, options.gap, judged=by_keeps)
        done = levels.run()
        self._bounded(levels.least)
        return done

    def _levels_tick(self, done: int, total: int, least: float) -> None:
        """Tell how far the search level by level is."""
        self._bounded(least)
        self._tell(done, total)

    def _bounded(self, least: float) -> None:
        """Take note of a bound of all mappings; none that was known before is lost."""
        self.least = max(self.least or 0.0, least) or None

    def _tell(self, done: int, total: int) -> None:
        best, least = self.sweeps[0].tally.leader, self.least
        if best is None:
            self.watch.tell(SearchStatus(done, total, bound=least))
            return
        least = None if least is None else min(least, best.scores[0])
        gap = None if least is None else best.scores[0] / least - 1.0
        self.watch.tell(SearchStatus(done, total, best.cycles, best.energy_pj, gap, least))

    def from_seeds(self, spaces: tuple[Space, ...], options: SearchOptions, budget: int) -> None:
        """Good mappings of the dense design, and descent from the best of them where it beats what a sample found."""
        from crisp_hw.mapper.exact.seeds import seeds

        tally = self.sweeps[0].tally
        before = tally.leader
        seeds(spaces, tally, lambda *_: self.tick(), options.memory_bytes)
        if tally.leader is not before:
            more = tally.tried + budget // 2
            descend(tuple(replace(sweep, budget=more) for sweep in self.sweeps), more, self.tick)

    def enumerate(self) -> bool:
        """Everything, space by space; False when the budget ended first."""
        for sweep in self.sweeps:
            before, space = self.done, sweep.catalog.space
            for chunk in factorizations(space, self.chunk_rows, sweep.keep):
                if sweep.spent:
                    return False
                sweep.take(chunk.rows)
                self.done = before + chunk.done
                self.tick()
            self.done = before + space.size
        self.tick()
        return not self.sweeps[0].spent

    def tick(self) -> None:
        """Tell how far it is; of a sample, how many mappings of the budget are evaluated."""
        tally, budget = self.sweeps[0].tally, self.sweeps[0].budget
        self._tell(*((self.done, self.total) if budget is None else (min(tally.tried, budget), budget)))
