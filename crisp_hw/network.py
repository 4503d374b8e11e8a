"""Layers on accelerators: encode, search, evaluate, against the same fabric run dense."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from crisp_hw.backends import Backend, backend
from crisp_hw.describe import pattern_descriptor
from crisp_hw.encode import (
    EncodeOptions,
    actual_weights,
    encode,
    hybrid_weights,
    index_line,
    overhead_lines,
    uncounted,
    with_weights,
)
from crisp_hw.engine.compare import compare_tiles
from crisp_hw.errors import InputError, MappingError
from crisp_hw.mapper.search import Found, search
from crisp_hw.spec import accelerator as schemes
from crisp_hw.spec import patterns
from crisp_hw.spec.accelerator import Accelerator
from crisp_hw.spec.descriptors import Descriptor, PrunedLayer
from crisp_hw.spec.design import DesignPoint
from crisp_hw.spec.encoded import DstcModel, Encoded, IndexLine, OverheadLine
from crisp_hw.spec.evaluation import DensityCheck, LayerEvaluation
from crisp_hw.spec.result import Result

Progress = Callable[[str, int, int], None]
"""Called with what is being evaluated, how many layers are done, and how many there are."""

Masks = Mapping[str, PrunedLayer]
"""Pruned layers by name."""

DENSITIES = ("model", "actual", "hybrid")

FEWER = (
    "not the density said above: only nonzeros are stored, moved and computed, also where hardware with a fixed number "
    "of slots per N:M group would carry empty ones (pruned blocks on STC)"
)


@dataclass(frozen=True)
class EvaluateOptions:
    """What `evaluate` leaves to the user.

    `objective` is what the mapper minimises ("cycles", "energy" or "edp"), `energy` the name of an energy set (None:
    the architecture's own), `activation_density` what DSTC sees, `block_index` whether CRISP's index is counted.
    `density` is how weights are described: "model" (the statistical density of each scheme), "actual" (the masks
    themselves) or "hybrid" (blocks with N:M inside, in closed form). `dstc` is how DSTC avoids zeros: "skipping", as if
    nonzeros filled its lanes perfectly, or "position-skipping" (`EncodeOptions`).
    `overheads` counts what N:M and blocks need beside Sparseloop's model: block index, activation selection, decoders.
    """

    objective: str = "cycles"
    energy: str | None = None
    backend: str = "embedded"
    activation_density: float = 0.6
    block_index: bool = True
    density: str = "model"
    dstc: DstcModel = "skipping"
    overheads: bool = True


@dataclass(frozen=True)
class _Mapped:
    """An encoded layer with its best mapping and what the backend makes of it."""

    point: DesignPoint
    result: Result
    found: Found


class Bench:
    """Evaluates layers on one accelerator; layers of equal shape and pattern are searched once."""

    def __init__(self, accelerator: Accelerator, options: EvaluateOptions, masks: Masks) -> None:
        self._accelerator, self._options = accelerator, options
        self._masks = masks
        self._dense = replace(accelerator, scheme=schemes.Dense())
        self._backend: Backend = backend(options.backend)
        self._known: dict[object, tuple[Result, Found]] = {}

    def evaluate(self, descriptor: Descriptor) -> LayerEvaluation:
        """One layer as pruned and as dense; MappingError names the layer and the accelerator."""
        whole = pattern_descriptor(descriptor.layer, patterns.Dense(), "dense")
        encoded = self._encode(descriptor, self._accelerator)
        weighted = self._weighted(encoded, descriptor)
        mapped = self._map(weighted, descriptor.layer.name)
        dense = self._map(self._encode(whole, self._dense), descriptor.layer.name)
        index = index_line(encoded, mapped.result) if encoded.block_index else None
        lines, unknown = self._overheads(weighted, mapped.result, index)
        return LayerEvaluation(
            arch=self._accelerator.name,
            descriptor=descriptor,
            point=replace(mapped.point, assumptions=(*mapped.point.assumptions, *unknown)),
            result=mapped.result,
            dense=dense.result,
            real_macs=encoded.real_macs,
            tried=mapped.found.tried,
            valid=mapped.found.valid,
            index=index,
            sources=self._accelerator.sources,
            check=None if weighted.design is encoded.design else self._check(encoded, mapped.point),
            overheads=lines,
        )

    def _overheads(
        self, encoded: Encoded, result: Result, index: IndexLine | None
    ) -> tuple[tuple[OverheadLine, ...], tuple[str, ...]]:
        """The circuits beside the model, and a sentence about those without a cost."""
        if not self._options.overheads:
            return (), ()
        names = ", ".join(uncounted(encoded, result, index))
        said = (f"the energies have no cost for {names}: not counted",) if names else ()
        return overhead_lines(encoded, result, index), said

    def _weighted(self, encoded: Encoded, descriptor: Descriptor) -> Encoded:
        """The layer with its weights as the options describe them; unchanged where nothing exploits their zeros."""
        problem, name = encoded.design.problem, descriptor.layer.name
        if self._options.density == "model" or not encoded.design.sparse.active:
            return encoded
        if self._options.density == "actual":
            said = f"{name}: tiles of weights hold what the mask holds, {FEWER}"
            return with_weights(encoded, actual_weights(self._masks[name], problem), said)
        blocks = hybrid_weights(descriptor, problem)
        if blocks is None:
            said = f"{name}: no balanced blocks with N:M inside were found, so its weights keep the density said above"
            return replace(encoded, assumptions=(*encoded.assumptions, said))
        said = f"{name}: tiles of weights hold what the masks of its pattern hold on average, {FEWER}"
        return with_weights(encoded, blocks, said)

    def _check(self, model: Encoded, point: DesignPoint) -> DensityCheck:
        """The mapping once more, with the scheme's own density."""
        result = self._backend(DesignPoint(model.design, point.mapping))
        tiles = compare_tiles(point, "A", model.design.problem.tensor("A").density)
        return DensityCheck(self._options.density, result, tiles)

    def _encode(self, descriptor: Descriptor, accelerator: Accelerator) -> Encoded:
        given = self._options
        index = given.block_index and given.overheads
        choices = EncodeOptions(given.activation_density, index, dstc=given.dstc)
        return encode(descriptor, accelerator, choices)

    def _map(self, encoded: Encoded, name: str) -> _Mapped:
        key = (encoded.design.problem, encoded.design.sparse, repr(encoded.constraints))
        if key not in self._known:
            try:
                found = search(encoded.design, encoded.constraints, self._options.objective)
            except MappingError as error:
                raise MappingError(f"layer {name} on {self._accelerator.name}: {error}") from error
            self._known[key] = (self._run(DesignPoint(encoded.design, found.mapping), name), found)
        result, found = self._known[key]
        point = DesignPoint(encoded.design, found.mapping, encoded.assumptions)
        return _Mapped(point, replace(result, assumptions=(*encoded.assumptions, *result.assumptions)), found)

    def _run(self, point: DesignPoint, name: str) -> Result:
        """What the backend makes of the mapping that the search found valid."""
        result = self._backend(point)
        if not result.valid:
            reasons = "; ".join(result.reasons)
            raise MappingError(
                f"layer {name} on {self._accelerator.name}: backend {self._options.backend} refuses the best mapping: "
                f"{reasons}; `crisp-hw verify` compares the backends"
            )
        return result


def evaluate_layers(
    descriptors: Sequence[Descriptor],
    accelerators: Sequence[Accelerator],
    options: EvaluateOptions,
    progress: Progress | None = None,
    masks: Masks | None = None,
) -> tuple[LayerEvaluation, ...]:
    """Every layer on every accelerator, accelerators outermost; raises InputError and MappingError as its parts do.

    `masks` are needed for the density "actual" alone.
    """
    _check_density(options.density, descriptors, masks or {})
    rows: list[LayerEvaluation] = []
    total = len(descriptors) * len(accelerators)
    for accelerator in accelerators:
        bench = Bench(accelerator, options, masks or {})
        for descriptor in descriptors:
            if progress:
                progress(f"{accelerator.name} {descriptor.layer.name}", len(rows), total)
            rows.append(bench.evaluate(descriptor))
    if progress:
        progress("done", total, total)
    return tuple(rows)


def _check_density(name: str, descriptors: Sequence[Descriptor], masks: Masks) -> None:
    if name not in DENSITIES:
        raise InputError(f"unknown density {name!r}; there are {', '.join(DENSITIES)}")
    if name == "actual" and (without := [each.layer.name for each in descriptors if each.layer.name not in masks]):
        raise InputError(
            f"density actual needs masks and {without[0]} has none; give a pruned-model file, or take density hybrid"
        )
