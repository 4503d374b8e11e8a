"""What the cases of an architecture file must obey: levels, dimensions, circuits and features are those there are."""

import re
from collections.abc import Iterator, Mapping

from crisp_hw.accelerators.arrays import filled, sharing
from crisp_hw.accelerators.places import at_place
from crisp_hw.accelerators.run_schema import ArchFile, CaseField, FeaturesField
from crisp_hw.accelerators.schema import Constraint
from crisp_hw.accelerators.zero_rules import zero_faults
from crisp_hw.characterization.components import OVERHEADS
from crisp_hw.encode.scope import NAMES
from crisp_hw.errors import InputError, Where
from crisp_hw.machine.positions import MarkedDict
from crisp_hw.machine.yaml_files import did_you_mean
from crisp_hw.spec.runs import dims_of

Keys = tuple[str | int, ...]


def case_faults(document: MarkedDict, file: ArchFile) -> Iterator[InputError]:
    """Of all cases, of the baseline, and of features that they share."""
    for name, features in file.features.items():
        yield from _feature_faults(document, file, features, ("features", name))
    for place, case in enumerate(file.runs):
        yield from _one(document, file, case, ("runs", place))
        if case.name in [each.name for each in file.runs[:place]]:
            at = at_place(document, "runs", place, "name")
            yield InputError(f"another case is called {case.name}, too", at, "rename one")
    yield from _one(document, file, file.baseline, ("baseline",))
    if file.baseline.when is not None or file.baseline.each is not None:
        yield InputError("the baseline is for every layer", at_place(document, "baseline"), "leave out when and each")
    used = {name for case in (*file.runs, file.baseline) for name in case.features}
    for name in file.features:
        if name not in used:
            at = at_place(document, "features", name)
            yield InputError(f"no case has the features {name}", at, "name them in a case, or leave them out")


def _one(document: MarkedDict, file: ArchFile, case: CaseField, keys: Keys) -> Iterator[InputError]:
    yield from _feature_faults(document, file, case, keys)
    for place, name in enumerate(case.features):
        if name not in file.features:
            at = at_place(document, *keys, "features", place)
            yield InputError(f"there are no features {name}", at, did_you_mean(name, file.features))
    yield from zero_faults(document, file, case, keys)
    yield from _problem_faults(document, case, keys)
    yield from _lane_faults(document, case, case.constraints or file.constraints, keys)
    dims = dims_of(case.problem)
    for level, given in case.at_most.items():
        at = at_place(document, *keys, "at_most", level)
        yield from _level_faults(file, level, at_place(document, *keys, "at_most", level))
        if unknown := [dim for dim in given if dim not in dims]:
            yield InputError(f"the problem {case.problem} has no {unknown[0]}", at, f"known are {', '.join(dims)}")
    if case.each is not None and (case.each.name in NAMES or case.each.name in file.parameters):
        at = at_place(document, *keys, "each", "name")
        yield InputError(f"{case.each.name} is known already", at, "take another name")
    if case.each is not None and case.each.name not in _words(file, case):
        at = at_place(document, *keys, "each", "name")
        said = f"{case.each.name} has no effect, because no formula of the case names it"
        yield InputError(said, at, "name it, or leave each out")
    if case.index is None and any(charge.per == "index_entries" for charge in case.charges):
        at = at_place(document, *keys, "charges")
        yield InputError("a charge per index entry has no effect without an index", at, "add `index`, or leave it out")


def _words(file: ArchFile, case: CaseField) -> set[str]:
    """The words of all texts of a case and of its features."""
    shared = [file.features[name] for name in case.features if name in file.features]
    said = [case.model_dump(exclude={"each"}), *(each.model_dump() for each in shared)]
    return set(re.findall(r"[A-Za-z_]\w*", str(said)))


def _problem_faults(document: MarkedDict, case: CaseField, keys: Keys) -> Iterator[InputError]:
    """The problem of a case, and the sizes of it that the case speaks of."""
    dims = dims_of(case.problem)
    if case.problem == "convolution" and case.across:
        at = at_place(document, *keys, "across")
        yield InputError("across has no effect on convolutions", at, "their constraints say what lies on the array")
        return
    for dim in sorted(case.across.keys() - {"K", "N"} & set(dims)):
        at = at_place(document, *keys, "across", dim)
        yield InputError(f"the lanes take no {dim} at once", at, "rows lie along the other axis; known are K, N")
    for field in ("across", "pads"):
        for dim in getattr(case, field):
            if dim not in dims:
                at = at_place(document, *keys, field, dim)
                yield InputError(f"the problem {case.problem} has no {dim}", at, f"known are {', '.join(dims)}")


def _lane_faults(
    document: MarkedDict, case: CaseField, given: Mapping[str, Constraint], keys: Keys
) -> Iterator[InputError]:
    """Where no level fills an array, what the lanes take at once lies on the axes of one level."""
    if filled(given) or case.problem == "convolution":
        return
    for dim in case.across:
        levels = sharing(given, dim)
        if len(levels) != 1:
            found = f"the axes of {', '.join(levels)}" if levels else "no axis"
            at = at_place(document, *keys, "across", dim)
            yield InputError(f"{dim} lies on {found}", at, "name it on one level, or let one level say `spatial: fill`")


def _feature_faults(document: MarkedDict, file: ArchFile, given: FeaturesField, keys: Keys) -> Iterator[InputError]:
    for place, form in enumerate(given.formats):
        yield from _level_faults(file, form.level, at_place(document, *keys, "formats", place, "level"))
    for place, action in enumerate(given.actions):
        at = at_place(document, *keys, "actions", place)
        yield from _level_faults(file, action.level, at_place(document, *keys, "actions", place, "level"))
        for option in action.options:
            if (action.type == "position_skipping") == bool(option.condition_on):
                hint = "position_skipping has no condition_on, every other type has one"
                yield InputError(f"{action.type} of {option.target}", at, hint)
            if option.target in option.condition_on:
                yield InputError(f"{option.target} depends on itself", at, "name other tensors in condition_on")
    for place, charge in enumerate(given.charges):
        if charge.circuit not in OVERHEADS:
            at = at_place(document, *keys, "charges", place, "circuit")
            yield InputError("there is no such circuit", at, did_you_mean(charge.circuit, OVERHEADS))


def _level_faults(file: ArchFile, name: str, at: Where) -> Iterator[InputError]:
    if name not in file.levels:
        yield InputError("there is no such level", at, did_you_mean(name, file.levels))
