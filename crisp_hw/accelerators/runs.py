"""`runs` of an architecture file, as cases with formulas, each checked for the names that it uses."""

from collections.abc import Iterator, Mapping
from typing import Any

from crisp_hw.accelerators.arrays import filled
from crisp_hw.accelerators.constraints import constraints_of
from crisp_hw.accelerators.places import at_place
from crisp_hw.accelerators.run_schema import (
    ActionField,
    ArchFile,
    CaseField,
    FormatField,
    NonzerosField,
    RankField,
    SayField,
)
from crisp_hw.encode.scope import CALLS, NAMES, OF_ARRAY, TEXTS, pieces
from crisp_hw.errors import InputError
from crisp_hw.machine.expressions import functions_in, names_in, texts_in
from crisp_hw.machine.positions import MarkedDict
from crisp_hw.machine.yaml_files import did_you_mean
from crisp_hw.spec.arch import Architecture
from crisp_hw.spec.constraints import Constraints
from crisp_hw.spec.runs import (
    ActionRule,
    Case,
    Charge,
    FormatRule,
    Formula,
    IndexRule,
    Limit,
    Nonzeros,
    RankRule,
    Remark,
    Runs,
    Sweep,
    dims_of,
)

Key = str | int


def runs_of(document: MarkedDict, file: ArchFile, architecture: Architecture) -> Runs:
    """The cases of a checked file; InputError for a formula that names what no formula can know."""
    values = {name: each.value for name, each in file.parameters.items()}
    cases = tuple(
        _Case(document, file, architecture, ("runs", place)).made(each) for place, each in enumerate(file.runs)
    )
    baseline = _Case(document, file, architecture, ("baseline",)).made(file.own_baseline)
    said = "".join(
        f"{values[piece]:g}" if place % 2 and piece in values else piece
        for place, piece in enumerate(pieces(file.does))
    )
    return Runs(cases, baseline, file.take, values, said, file.skips or "")


class _Case:
    """One case of a document: its formulas know where they stand."""

    def __init__(self, document: MarkedDict, file: ArchFile, architecture: Architecture, keys: tuple[Key, ...]) -> None:
        self._document, self._file, self._architecture, self._keys = document, file, architecture, keys
        self._known: frozenset[str] = frozenset((*NAMES, *file.parameters))

    def made(self, field: CaseField) -> Case:
        """The case as the nouns have it."""
        each = field.each
        if not filled(field.constraints or self._file.constraints):
            self._known -= OF_ARRAY
        if each is not None:
            sweep = Sweep(each.name, self._formula(each.first, "each", "from"), self._formula(each.last, "each", "to"))
            self._known |= {each.name}
        own = (field, self._keys)
        shared = [(self._file.features[name], ("features", name)) for name in field.features]
        parts = [*shared, own]
        return Case(
            name=field.name,
            when=self._maybe(field.when, "when"),
            each=None if each is None else sweep,
            problem=field.problem,
            across=self._formulas(field.across, "across"),
            pads=self._formulas(field.pads, "pads"),
            weights=self._nonzeros(field.weights, "weights"),
            activations=self._nonzeros(field.activations, "activations"),
            formats=tuple(self._format(f, (*k, "formats", i)) for p, k in parts for i, f in enumerate(p.formats)),
            actions=tuple(self._action(a, (*k, "actions", i)) for p, k in parts for i, a in enumerate(p.actions)),
            compute=tuple(kind for part, _ in parts for kind in part.compute),
            limits=tuple(self._limits(field.at_most)),
            charges=tuple(
                Charge(c.circuit, c.per, self._at(c.size, (*k, "charges", i, "size")))
                for p, k in parts
                for i, c in enumerate(p.charges)
            ),
            index=self._index(field),
            remarks=tuple(self._remark(each, place) for place, each in enumerate(field.say)),
            constraints=self._constraints(field),
        )

    def _constraints(self, field: CaseField) -> Constraints | None:
        """Its own; or those of the file for its problem, where that is not the problem of the first case."""
        given = field.constraints
        if given is None and dims_of(field.problem) == dims_of(self._file.runs[0].problem):
            return None
        return constraints_of(self._architecture, given or self._file.constraints, field.problem)

    def _at(self, value: Any, keys: tuple[Key, ...]) -> Formula:
        made = Formula(str(value), at_place(self._document, *keys))
        check_formula(made, self._known)
        return made

    def _formula(self, value: Any, *keys: Key) -> Formula:
        return self._at(value, (*self._keys, *keys))

    def _maybe(self, value: Any, *keys: Key) -> Formula | None:
        return None if value is None else self._formula(value, *keys)

    def _formulas(self, values: Mapping[str, Any], key: str) -> dict[str, Formula]:
        return {name: self._formula(value, key, name) for name, value in values.items()}

    def _nonzeros(self, field: NonzerosField | None, key: str) -> Nonzeros | None:
        if field is None:
            return None
        if field.structured is not None:
            return Nonzeros("structured", self._formula(field.structured, key, "structured"))
        return Nonzeros("scattered", self._formula(field.scattered, key, "scattered"))

    def _format(self, field: FormatField, keys: tuple[Key, ...]) -> FormatRule:
        ranks = tuple(self._rank(rank, (*keys, "ranks", place)) for place, rank in enumerate(field.ranks))
        when = None if field.when is None else self._at(field.when, (*keys, "when"))
        return FormatRule(field.level, field.tensor, ranks, field.rank_application_order == "inner-to-outer", when)

    def _rank(self, field: RankField, keys: tuple[Key, ...]) -> RankRule:
        bits = [
            None if value is None else self._at(value, (*keys, name))
            for name, value in (("metadata_bits", field.metadata_bits), ("payload_bits", field.payload_bits))
        ]
        return RankRule(field.format, bits[0], bits[1], field.times, frozenset(field.flattened))

    def _action(self, field: ActionField, keys: tuple[Key, ...]) -> ActionRule:
        options = tuple((option.target, tuple(option.condition_on)) for option in field.options)
        when = None if field.when is None else self._at(field.when, (*keys, "when"))
        return ActionRule(field.level, field.type, options, when)

    def _limits(self, given: Mapping[str, Mapping[str, Any]]) -> Iterator[Limit]:
        for level, dims in given.items():
            for dim, most in dims.items():
                yield Limit(level, dim, self._formula(most, "at_most", level, dim))

    def _index(self, field: CaseField) -> IndexRule | None:
        given = field.index
        if given is None:
            return None
        return IndexRule(self._formula(given.bits, "index", "bits"), self._formula(given.entries, "index", "entries"))

    def _remark(self, field: SayField, place: int) -> Remark:
        at = at_place(self._document, *self._keys, "say", place)
        for number, piece in enumerate(pieces(field.say)):
            if number % 2:
                check_formula(Formula(piece, at), self._known)
        return Remark(field.say, self._maybe(field.when, "say", place, "when"), at)


def check_formula(formula: Formula, known: frozenset[str]) -> None:
    """Raises InputError, with the line, for what is no expression, and for a name or a function that there is not."""
    try:
        names, functions = names_in(formula.text), functions_in(formula.text)
    except InputError as error:
        raise InputError(error.reason, formula.at, error.hint) from error
    for name in names:
        if name in OF_ARRAY - known:
            said = f"{name} is a number of the array, and no constraint here says `spatial: fill`"
            raise InputError(said, formula.at, "say which level fills it, or write the number itself")
        if name not in known:
            raise InputError(f"no formula knows {name}", formula.at, did_you_mean(name, sorted(known)))
    for name, text in texts_in(formula.text):
        if text not in TEXTS.get(name, (text,)):
            raise InputError(f"{name} is never {text!r}", formula.at, did_you_mean(text, TEXTS[name]))
    for name in functions:
        if name not in CALLS:
            raise InputError(f"there is no function {name}", formula.at, did_you_mean(name, CALLS))
