"""The sparse features of a case in Sparseloop's terms: formats, storage SAFs, compute SAFs."""

from crisp_hw.encode.scope import Scope
from crisp_hw.errors import InputError
from crisp_hw.spec.runs import ActionRule, Case, FormatRule, Formula, Nonzeros, RankRule
from crisp_hw.spec.sparse import ActionOptimization, Condition, Rank, SparseSpec, TensorFormat


def sparse_spec(case: Case, scope: Scope) -> SparseSpec:
    """Formats and SAFs of a case, their formulas computed for one layer."""
    formats = tuple(_format(rule, scope) for rule in case.formats if scope.holds(rule.when))
    actions = tuple(_action(rule) for rule in case.actions if scope.holds(rule.when))
    return SparseSpec(formats, actions, case.compute)


def share_of(nonzeros: Nonzeros, scope: Scope) -> float:
    """The share of nonzeros; what a formula makes more than 1 is 1."""
    share = float(scope.number(nonzeros.value))
    if share <= 0:
        said = f"{nonzeros.value.text} is {share:g} here"
        raise InputError(said, nonzeros.value.at, "it must be a share of the words, above 0")
    return min(1.0, share)


def _format(rule: FormatRule, scope: Scope) -> TensorFormat:
    """Ranks turn round: the nouns have the innermost first."""
    ranks = [rank for each in rule.ranks for rank in (_rank(each, scope),) * each.times]
    return TensorFormat(rule.level, rule.tensor, tuple(reversed(ranks)), rule.inner_to_outer)


def _rank(rule: RankRule, scope: Scope) -> Rank:
    flattened = (rule.flattened,) if rule.flattened else ()
    return Rank(rule.format, _bits(rule.metadata_bits, scope), _bits(rule.payload_bits, scope), flattened)


def _bits(formula: Formula | None, scope: Scope) -> int | None:
    return None if formula is None else scope.whole(formula)


def _action(rule: ActionRule) -> ActionOptimization:
    return ActionOptimization(rule.level, rule.kind, tuple(Condition(*option) for option in rule.options))
