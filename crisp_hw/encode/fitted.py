"""The constraints of an accelerator with one layer's lanes, rows, tiles and splits in them."""

from dataclasses import replace
from math import ceil

from crisp_hw.encode.cases import LayerEncoding
from crisp_hw.encode.residence import Room, column_splits
from crisp_hw.encode.shape import Fabric, chunked
from crisp_hw.spec.accelerator import Accelerator
from crisp_hw.spec.constraints import Constraints, Factor, LevelConstraint
from crisp_hw.spec.cores import fills_array
from crisp_hw.spec.problem import Problem


def constraints_of(accelerator: Accelerator, fabric: Fabric, form: LayerEncoding, problem: Problem) -> Constraints:
    """The fabric's constraints, or those of the case, as far as roles of levels say so for this layer.

    A level that feeds one child (one core, say) has no spatial block to constrain.
    """
    given = limited(accelerator, form)
    if not fabric.filled:
        return replace(given, levels=tuple(_taking(block, form) for block in given.levels))
    by_role = _ByRole(accelerator, fabric, form, problem)
    return replace(given, levels=tuple(by_role.adapted(block) for block in given.levels))


def limited(accelerator: Accelerator, form: LayerEncoding) -> Constraints:
    """The accelerator's constraints, or those of the case, with the loops that the case allows beside them."""
    arch, given = accelerator.architecture, form.case.constraints or accelerator.constraints
    alone = {level.name for level, fanout in zip(arch.levels, arch.fanouts, strict=True) if fanout == (1, 1)}
    blocks = (block for block in given.levels if block.kind == "temporal" or block.level not in alone)
    return replace(given, levels=tuple(_limited(block, form) for block in blocks))


def _limited(block: LevelConstraint, form: LayerEncoding) -> LevelConstraint:
    """Loops that the case allows beside those of the level."""
    said, limits = f"at_most of the case {form.case.name}", form.limits.items()
    own = {dim: most for (level, dim), most in limits if level == block.level}
    found = {dim: Factor("<=", most, said) for dim, most in own.items() if most > 1 or dim not in block.factors}
    return replace(block, factors={**block.factors, **found}) if found and block.kind == "temporal" else block


def _taking(block: LevelConstraint, form: LayerEncoding) -> LevelConstraint:
    """At most as many elements of a dimension across shared lanes as the case takes at once."""
    if block.kind != "spatial":
        return block
    at_once = {"K": form.steps.columns, "N": form.steps.positions}
    open_ = (dim for dim, factor in block.factors.items() if factor.relation == "<=" and dim in form.case.across)
    return replace(
        block,
        factors={**block.factors, **{dim: Factor("<=", at_once[dim], _side_by_side(form, dim)) for dim in open_}},
    )


class _ByRole:
    """What the roles of levels mean for the loops of one layer."""

    def __init__(self, accelerator: Accelerator, fabric: Fabric, form: LayerEncoding, problem: Problem) -> None:
        given = form.case.constraints or accelerator.constraints
        steps, keeps = form.steps, given.keeps
        self._roles = accelerator.roles
        buffers = (accelerator.architecture.level(name) for name in accelerator.levels_of("buffer"))
        rooms = [Room(level.size_words, keeps.get(level.name, frozenset("AB"))) for level in buffers]
        self._across = {
            "K": Factor("=", steps.columns, _side_by_side(form, "K")),
            "N": Factor("=", steps.positions, _side_by_side(form, "N")),
            "M": Factor("=", min(problem.bound("M"), fabric.rows), f"the array has {fabric.rows} rows"),
        }
        said = "role buffer or backing: as many parts of K as one round needs to fit the buffers"
        self._splits = Factor("<=", column_splits(problem, fabric, steps, rooms), said)
        said = "role latch: the positions of which the accumulators hold sums"
        self._tile = Factor("<=", min(problem.bound("N"), fabric.positions) // steps.positions, said)
        # rows of one group share their activations, so they take the cores first and groups the rest
        strips = chunked(ceil(problem.bound("M") / fabric.rows), fabric.cores)[1]
        shares = [block for block in given.levels if _shares(block)]
        tight = {
            "M": Factor("=", strips, f"strips of {fabric.rows} rows on {fabric.cores} cores"),
            "G": Factor("<=", fabric.cores // strips, f"the cores that {strips} strips of rows leave"),
        }
        self._cores = tight if len(shares) == 1 else {}

    def adapted(self, block: LevelConstraint) -> LevelConstraint:
        """One block of constraints with this layer's numbers."""
        if fills_array(block):
            return replace(block, factors={**block.factors, **self._across})
        if block.kind == "spatial":
            return replace(block, factors={**block.factors, **self._cores})
        role = self._roles.get(block.level)
        if role == "latch":
            return replace(block, factors={**block.factors, "N": self._tile})
        if role in ("buffer", "backing") and "K" not in block.factors:
            return replace(block, factors={**block.factors, "K": self._splits})
        return block


def _side_by_side(form: LayerEncoding, dim: str) -> str:
    """Where the number of elements comes from that lie on the lanes."""
    if dim in form.case.across:
        return f"across.{dim} of the case {form.case.name}: {form.case.across[dim].text}"
    return f"the case {form.case.name} has no across.{dim}" if form.case.across else "the lanes of the array"


def _shares(block: LevelConstraint) -> bool:
    return block.kind == "spatial" and not fills_array(block)
