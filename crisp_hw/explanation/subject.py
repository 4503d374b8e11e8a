"""A subject to its explanation, and what can be asked for."""

from crisp_hw.engine.evaluate import evaluate_point
from crisp_hw.engine.result import report
from crisp_hw.engine.validity import broken_rules
from crisp_hw.errors import InputError, MappingError
from crisp_hw.explanation.compute import explain_compute
from crisp_hw.explanation.level import explain_level
from crisp_hw.explanation.nouns import Explanation
from crisp_hw.explanation.scene import Scene
from crisp_hw.explanation.tensor import explain_tensor
from crisp_hw.explanation.totals import explain_cycles, explain_energy
from crisp_hw.spec.design import Design, DesignPoint


def subjects(design: Design) -> tuple[str, ...]:
    """Everything that can be explained of a design: the totals, the MACs, every level, every tensor in every level."""
    levels = tuple(level.name for level in design.architecture.levels)
    tensors = (f"{level}.{tensor.name}" for level in levels for tensor in design.problem.tensors)
    return ("cycles", "energy", design.architecture.compute.name, *levels, *tensors)


def explain(point: DesignPoint, what: str) -> Explanation:
    """How the numbers of a subject came about: "SMEM.A", "SMEM", "MAC", "cycles" or "energy".

    Every result is the engine's own; every equation gives its result when it is calculated from what is printed.
    Raises InputError for a subject that there is not (listing those there are) and for a design that is not modelled,
    MappingError where a format does not fit the mapping, so that there are no numbers.
    """
    check_subject(point.design, what)
    return explain_scene(scene_of(point), what)


def check_subject(design: Design, what: str) -> None:
    """InputError, listing what there is, unless the subject is one of the design."""
    valid = subjects(design)
    if what not in valid:
        raise InputError(f"no figure {what} to explain", hint=f"there are {', '.join(valid)}")


def scene_of(point: DesignPoint) -> Scene:
    """A design point evaluated, for any number of explanations."""
    counted = evaluate_point(point)
    if isinstance(counted, MappingError):
        raise counted
    return Scene(point, counted, report(counted, broken_rules(counted), point.assumptions))


def explain_scene(scene: Scene, what: str) -> Explanation:
    """The explanation of one of `subjects`."""
    assert scene.result.compute is not None
    names = [level.name for level in scene.levels]
    level, dot, tensor = what.partition(".")
    if dot:
        return explain_tensor(scene, names.index(level), [each.name for each in scene.tensors].index(tensor))
    match what:
        case "cycles":
            return explain_cycles(scene)
        case "energy":
            return explain_energy(scene)
        case scene.result.compute.name:
            return explain_compute(scene, scene.result.compute)
        case _:
            return explain_level(scene, names.index(what))
