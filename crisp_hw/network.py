"""Layers on accelerators: encode, search, evaluate, against the same fabric run dense."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from crisp_hw.backends import Backend, backend
from crisp_hw.describe import pattern_descriptor
from crisp_hw.encode import EncodeOptions, encode, index_line
from crisp_hw.errors import MappingError
from crisp_hw.mapper.search import Found, search
from crisp_hw.spec import accelerator as schemes
from crisp_hw.spec import patterns
from crisp_hw.spec.accelerator import Accelerator
from crisp_hw.spec.descriptors import Descriptor
from crisp_hw.spec.design import DesignPoint
from crisp_hw.spec.encoded import Encoded
from crisp_hw.spec.evaluation import LayerEvaluation
from crisp_hw.spec.result import Result

Progress = Callable[[str, int, int], None]
"""Called with what is being evaluated, how many layers are done, and how many there are."""


@dataclass(frozen=True)
class EvaluateOptions:
    """What `evaluate` leaves to the user.

    `objective` is what the mapper minimises ("cycles", "energy" or "edp"), `energy` the name of an energy set (None:
    the architecture's own), `activation_density` what DSTC sees, `block_index` whether CRISP's index is counted.
    """

    objective: str = "cycles"
    energy: str | None = None
    backend: str = "embedded"
    activation_density: float = 0.6
    block_index: bool = True


@dataclass(frozen=True)
class _Mapped:
    """An encoded layer with its best mapping and what the backend makes of it."""

    point: DesignPoint
    result: Result
    found: Found


class Bench:
    """Evaluates layers on one accelerator; layers of equal shape and pattern are searched once."""

    def __init__(self, accelerator: Accelerator, options: EvaluateOptions) -> None:
        self._accelerator, self._options = accelerator, options
        self._dense = replace(accelerator, scheme=schemes.Dense())
        self._backend: Backend = backend(options.backend)
        self._known: dict[object, tuple[Result, Found]] = {}

    def evaluate(self, descriptor: Descriptor) -> LayerEvaluation:
        """One layer as pruned and as dense; MappingError names the layer and the accelerator."""
        whole = pattern_descriptor(descriptor.layer, patterns.Dense(), "dense")
        encoded = self._encode(descriptor, self._accelerator)
        mapped = self._map(encoded, descriptor.layer.name)
        dense = self._map(self._encode(whole, self._dense), descriptor.layer.name)
        return LayerEvaluation(
            arch=self._accelerator.name,
            descriptor=descriptor,
            point=mapped.point,
            result=mapped.result,
            dense=dense.result,
            real_macs=encoded.real_macs,
            tried=mapped.found.tried,
            valid=mapped.found.valid,
            index=index_line(encoded, mapped.result) if encoded.block_index else None,
            sources=self._accelerator.sources,
        )

    def _encode(self, descriptor: Descriptor, accelerator: Accelerator) -> Encoded:
        choices = EncodeOptions(self._options.activation_density, self._options.block_index)
        return encode(descriptor, accelerator, choices)

    def _map(self, encoded: Encoded, name: str) -> _Mapped:
        key = (encoded.design.problem, encoded.design.sparse, repr(encoded.constraints))
        if key not in self._known:
            try:
                found = search(encoded.design, encoded.constraints, self._options.objective)
            except MappingError as error:
                raise MappingError(f"layer {name} on {self._accelerator.name}: {error}") from error
            self._known[key] = (self._backend(DesignPoint(encoded.design, found.mapping)), found)
        result, found = self._known[key]
        point = DesignPoint(encoded.design, found.mapping, encoded.assumptions)
        return _Mapped(point, replace(result, assumptions=(*encoded.assumptions, *result.assumptions)), found)


def evaluate_layers(
    descriptors: Sequence[Descriptor],
    accelerators: Sequence[Accelerator],
    options: EvaluateOptions,
    progress: Progress | None = None,
) -> tuple[LayerEvaluation, ...]:
    """Every layer on every accelerator, accelerators outermost; raises InputError and MappingError as its parts do."""
    rows: list[LayerEvaluation] = []
    total = len(descriptors) * len(accelerators)
    for accelerator in accelerators:
        bench = Bench(accelerator, options)
        for descriptor in descriptors:
            if progress:
                progress(f"{accelerator.name} {descriptor.layer.name}", len(rows), total)
            rows.append(bench.evaluate(descriptor))
    if progress:
        progress("done", total, total)
    return tuple(rows)
