"""Values of the front end's documents with their expressions computed."""

from collections.abc import Mapping
from typing import Any

from crisp_hw.errors import InputError, Where
from crisp_hw.machine.expressions import evaluate
from crisp_hw.machine.positions import MarkedDict, MarkedStr, marked, plain
from crisp_hw.timeloop.yaml.fields import inside

SPEC = "spec"  # all documents, in timeloopfe's expressions
CONSTRAINT_NUMBERS = ("split", "default_max_factor", "default_min_factor", "maximize_dims_capacity", "remainders")


def computed(node: Any, key: str, names: Mapping[str, Any], at: Where, default: Any = None) -> Any:
    """The value of a key, an unquoted text being an expression; InputError with the key's position."""
    value = node.get(key, default)
    if value is None:
        return default
    if isinstance(value, MarkedStr) and not value.quoted:
        try:
            result = plain(evaluate(str(value), plain_names(names)))
        except InputError as error:
            raise InputError(error.reason, inside(at, node, key), error.hint) from error
        return marked(result, value.mark)
    return value


def with_numbers(constraint: Any, names: Mapping[str, Any], at: Where) -> Any:
    """One constraint with the expressions of its numbers computed."""
    if not isinstance(constraint, MarkedDict) or not set(CONSTRAINT_NUMBERS) & set(constraint):
        return constraint
    made = {k: computed(constraint, k, names, at) if k in CONSTRAINT_NUMBERS else v for k, v in constraint.items()}
    return constraint.derived(made)


def plain_names(names: Mapping[str, Any]) -> dict[str, Any]:
    """Names without positions, for expressions; `spec` is plain already."""
    return {key: value if key == SPEC else plain(value) for key, value in names.items()}
