"""What a case says of zeros must meet what its levels keep and its operands have: nothing of it is without effect."""

from collections.abc import Iterator, Mapping

from crisp_hw.accelerators.places import at_place
from crisp_hw.accelerators.run_schema import ActionField, ArchFile, CaseField, FormatField
from crisp_hw.accelerators.schema import Constraint
from crisp_hw.errors import InputError, Where
from crisp_hw.machine.positions import MarkedDict

Keys = tuple[str | int, ...]
Placed = tuple[Where, FormatField | ActionField]
NONZEROS = {"A": "weights", "B": "activations"}


def zero_faults(document: MarkedDict, file: ArchFile, case: CaseField, keys: Keys) -> Iterator[InputError]:
    """Formats, actions and densities of a case and of the features that it names."""
    given = case.constraints or file.constraints
    parts = [
        (case, keys),
        *((file.features[name], ("features", name)) for name in case.features if name in file.features),
    ]
    formats = [
        (at_place(document, *at, "formats", i), each) for part, at in parts for i, each in enumerate(part.formats)
    ]
    actions = [
        (at_place(document, *at, "actions", i), each) for part, at in parts for i, each in enumerate(part.actions)
    ]
    yield from _format_faults(formats, given)
    for place, (at, action) in enumerate(actions):
        yield from _leader_faults(at, action, case)
        if action in [other for _, other in actions[:place]]:
            yield InputError(f"{action.level} has the same action twice", at, "leave one of them out")
    compute = [str(kind) for part, _ in parts for kind in part.compute]
    for field, names in (("compute", compute), ("features", case.features)):
        if twice := [name for place, name in enumerate(names) if name in names[:place]]:
            yield InputError(f"{twice[0]} is given twice", at_place(document, *keys, field), "leave one of them out")
    asked = set[str](NONZEROS if compute else ())
    asked |= {each.tensor for _, each in formats}
    for option in (option for _, action in actions for option in action.options):
        asked |= {option.target} if not option.condition_on else {*option.condition_on}
    yield from _unasked(document, case, keys, asked)


def _format_faults(formats: list[tuple[Where, FormatField]], given: Mapping[str, Constraint]) -> Iterator[InputError]:
    for place, (at, form) in enumerate(formats):
        if form.level in given and form.tensor not in given[form.level].keep:
            said = f"a format of {form.tensor} has no effect in {form.level}, which does not keep it"
            yield InputError(said, at, f"leave it out, or let {form.level} keep {form.tensor}")
        same = [other for _, other in formats[:place] if (other.level, other.tensor) == (form.level, form.tensor)]
        if any(other.when is None or other.when == form.when for other in same) or (same and form.when is None):
            said = f"{form.level} has two formats of {form.tensor}"
            yield InputError(said, at, "leave one of them out, or give each a `when`")


def _leader_faults(at: Where, action: ActionField, case: CaseField) -> Iterator[InputError]:
    """What an action waits for must be able to be empty."""
    for leader in dict.fromkeys(leader for option in action.options for leader in option.condition_on):
        field = NONZEROS.get(leader)
        if field is None:
            yield InputError("Z has no zeros that are known before it is computed", at, "name A or B in condition_on")
        elif getattr(case, field) is None:
            said = f"{leader} has no zeros in this case, so that nothing is avoided"
            yield InputError(said, at, f"say how they lie with `{field}`, or leave the condition out")


def _unasked(document: MarkedDict, case: CaseField, keys: Keys, asked: set[str]) -> Iterator[InputError]:
    for tensor, field in NONZEROS.items():
        if getattr(case, field) is not None and tensor not in asked:
            said = f"zeros of {tensor} have no effect: no format, no action and no compute of this case asks for them"
            yield InputError(said, at_place(document, *keys, field), "add one, or leave them out")
