"""Networks on accelerators: `evaluate` and `describe`."""

from collections.abc import Sequence
from typing import Any, Unpack

from crisp_hw.data_files import packaged
from crisp_hw.errors import InputError
from crisp_hw.pipeline import Progress, evaluate_layers, skipped_layers, unused_gap, unused_options
from crisp_hw.returned import Evaluation
from crisp_hw.sources import (
    Arch,
    Asked,
    Pattern,
    Source,
    is_module,
    load_accelerators,
    resolve,
    select,
    sized,
    with_model,
)
from crisp_hw.spec.accelerator import Accelerator
from crisp_hw.spec.descriptors import Descriptor, PrunedModel
from crisp_hw.spec.evaluation import NetworkEvaluation
from crisp_hw.spec.keywords import options_from, with_fields
from crisp_hw.spec.kinds import check_callable
from crisp_hw.spec.options import EvaluateFields, EvaluateOptions
from crisp_hw.spec.patterns import NM
from crisp_hw.spec.shown import listed
from crisp_hw.spec.transformers import Demand, Phase
from crisp_hw.spec.variant import Changes, parameters_of

DEFAULT_ARCH = (packaged().default,)


@with_fields(EvaluateOptions)
def evaluate(  # noqa: PLR0913 - what a user may say of an evaluation, all but network and hardware by name
    source: Any,
    given: Any = None,
    *,
    arch: Arch | Sequence[Arch] = DEFAULT_ARCH,
    model: Any = None,
    example: Any = None,
    nm: NM | str | None = None,
    block: int | None = None,
    sparsity: float | None = None,
    layers: str | None = None,
    phase: Phase | None = None,
    tokens: int | None = None,
    context: int | None = None,
    batch: int = 1,
    options: EvaluateOptions | None = None,
    progress: Progress | None = None,
    **fields: Unpack[EvaluateFields],
) -> Evaluation:
    """Compute the cycles and energy of a pruned network on accelerators, each layer with its best mapping.

    Parameters
    ----------
    source
        The network: a workload by name ("resnet50") or a .yaml layer table, both with `nm`, `block` and `sparsity`; or
        what says itself what is pruned: a pruned-model file (.pt, .safetensors), a PrunedModel, a WorkloadPattern,
        weights of another tool (.pt, .pth, .bin, .ckpt, .safetensors, .onnx, .pt2, or a folder of Hugging Face), or a
        torch.nn.Module. "timm:NAME" is the layer table of a model of timm.
    given
        The accelerators, as in `arch`; where `source` is a torch.nn.Module, what the module is called with (`example`).
    arch
        One accelerator or several, each by name, as a YAML file or as an Accelerator; "crisp-stc:smem_bandwidth=32" is
        one with another number.
    model
        The torch.nn.Module that weights of another tool belong to, or "package.module:factory", or "timm:NAME".
    example
        What the model is called with for one sample, or the sizes of that tensor, such as (1, 3, 224, 224).
    nm
        The N:M pattern that a layer table is pruned to, "2:4" or NM(2, 4); None leaves it dense.
    block
        The side of the square blocks, in weights; None prunes N:M alone.
    sparsity
        The share of zeros among the prunable weights, from 0 to 1, those of N:M included.
    layers
        A glob over the names of layers, such as "layer4.*"; None takes all.
    phase, tokens, context
        What a transformer computes: "prefill", the default, is a whole sequence, "decode" new tokens behind `context`
        ones, whose keys and values are kept. By default those of its table, in decode one new token behind them.
    batch
        Samples at once; all numbers are for all of them.
    options
        The options as one value, instead of `fields`.
    progress
        Called with what is being evaluated, how many layers are done, and how many there are; where a search takes
        long, once a second with its best mapping, least bound and gap behind what is evaluated.
    **fields
        The fields of EvaluateOptions: `objective`, "cycles", "energy" or "edp", is what mappings are chosen by;
        `energy` where energies come from, `density` how nonzeros are described, and so on.

    Returns
    -------
    Evaluation
        A row per layer and accelerator: cycles, energies in pJ, and the same for the unpruned layer run dense.

    Raises
    ------
    InputError
        When the source, an accelerator or an option is not accepted.
    MappingError
        When no mapping of a layer fits an accelerator.

    Examples
    --------
    >>> result = evaluate("resnet50", nm="2:4", block=64, sparsity=0.9, layers="layer4.2.conv3")
    >>> round(result.network.rows[0].speedup, 1)
    16.0
    """
    said = options_from(EvaluateOptions, options, fields)
    check_callable("progress", progress)
    example, arch = _placed(source, given, example, arch)
    pattern = Pattern(nm, block, sparsity)
    network = sized(resolve(_asked(source, model, example, Demand(phase, tokens, context, batch)), pattern))
    chosen = select(network.descriptors, layers)
    accelerators = load_accelerators(arch, said.energy)
    left = skipped_layers(chosen, accelerators, said)
    rows = evaluate_layers(chosen, accelerators, said, progress, network.masks)
    return Evaluation(
        NetworkEvaluation(
            network.name,
            rows,
            (*network.skipped, *left),
            (
                *network.assumptions,
                *_general(said, batch_of(source, batch)),
                *unused_options(said, accelerators, chosen),
                *unused_gap(said, rows),
            ),
            network.provenance or {},
            _parameters(accelerators),
            {name: each for name, each in (network.masks or {}).items() if name in {one.layer.name for one in chosen}},
        )
    )


def _asked(source: Any, model: Any, example: Any, demand: Demand) -> Any:
    """The source with what is asked of it; the command line has joined them already."""
    if isinstance(source, Asked):
        return source
    joined = with_model(source, model, example)
    return joined if demand == Demand() else Asked(joined, demand)


def _placed(source: Any, given: Any, example: Any, arch: Any) -> tuple[Any, Any]:
    """Example and accelerators, one of which may be the second argument."""
    modular = is_module(source)
    name, there = ("example", example is not None) if modular else ("arch", arch is not DEFAULT_ARCH)
    if given is None:
        return example, arch
    if there:
        raise InputError(f"{name} is given twice", hint="give it once, by name or as the second argument")
    return (given, arch) if modular else (example, given)


def import_model(  # noqa: PLR0913 - what a user may say of a network, all but itself by name
    source: Source,
    *,
    model: Any = None,
    example: Any = None,
    phase: Phase | None = None,
    tokens: int | None = None,
    context: int | None = None,
) -> PrunedModel:
    """Read the masks of another tool's network and the sizes of its layers, as `evaluate` reads them.

    Parameters
    ----------
    source
        Weights of another tool, a torch.nn.Module, or anything else that has masks; `save_pruned` writes the result.
    model, example, phase, tokens, context
        As in `evaluate`.

    Raises
    ------
    InputError
        When the source is not accepted, or does not tell the sizes of its layers.

    Examples
    --------
    >>> import torch
    >>> import_model(torch.nn.Linear(4, 2), example=(1, 4))
    <PrunedModel Linear: 1 layer, 0 of them with masks>
    """
    demand = Demand(phase, tokens, context)
    given = with_model(source, model, example)
    network = resolve(given if demand == Demand() else Asked(given, demand))
    if network.masks is None:
        raise InputError(f"{network.name} is a layer table and has no masks", hint="give weights")
    if network.unsized:
        lost = listed(each.name for each in network.unsized)
        raise InputError(f"the sizes of {lost} are not known", hint="give the model and an example input")
    provenance = {**(network.provenance or {}), **({"read_as": list(network.read_as)} if network.read_as else {})}
    return PrunedModel(network.name, tuple(network.masks.values()), (), network.skipped, provenance)


def _parameters(accelerators: Sequence[Accelerator]) -> dict[str, Changes]:
    changed = dict.fromkeys(name for each in accelerators if each.variant for name in each.variant.changed)
    numbers = {each.name: {"cores": each.cores, **each.numbers} for each in accelerators}
    return parameters_of({each.name: each.architecture for each in accelerators}, changed, numbers)


def batch_of(source: Any, batch: int) -> int:
    """The samples at once, said beside the source or with it.

    >>> batch_of("resnet50", 2)
    2
    """
    return source.demand.batch if isinstance(source, Asked) else batch


def _general(options: EvaluateOptions, batch: int) -> tuple[str, ...]:
    second = "energy" if options.objective == "cycles" else "cycles"
    beside = (
        "Sparseloop does not model activation selection and the decoders of offsets and block indices; their energy is"
    )
    once = "one sample at a time" if batch == 1 else f"{batch} samples at once"
    return (
        f"{once}, layer after layer, nothing kept on chip between them",
        f"each layer runs with the mapping that is best in {options.objective}; of equal ones, the best in {second}",
        "speedup and gain compare with the dense run; it is the unpruned layer on the same fabric, best mapped",
        "only convolutions and matrix products are evaluated; other operators are neither timed nor charged",
        f"{beside} {'charged as overhead where lanes select for N:M' if options.overheads else 'not charged'}",
    )


def describe(  # noqa: PLR0913 - what a user may say of a network, all but itself by name
    source: Any,
    *,
    model: Any = None,
    example: Any = None,
    nm: NM | str | None = None,
    block: int | None = None,
    sparsity: float | None = None,
) -> tuple[Descriptor, ...]:
    """Measure the weights of every layer of a network: N:M, blocks, balance, density, bits of metadata.

    Parameters
    ----------
    source
        The network, as `evaluate` takes it. Masks are measured, whatever the file claims of them.
    model, example
        As in `evaluate`; weights of another tool can be described without them.
    nm, block, sparsity
        What a layer table is pruned to, as in `evaluate`.

    Returns
    -------
    tuple of Descriptor
        One per layer, in the order of execution.

    Raises
    ------
    InputError
        When the source is not accepted.

    Examples
    --------
    >>> layer = describe("resnet50", nm="2:4", block=64, sparsity=0.9)[1]
    >>> layer.layer.name, layer.nm, layer.kept_blocks, layer.total_blocks
    ('layer1.0.conv1', NM(n=2, m=4), 1, 1)
    """
    return resolve(with_model(source, model, example), Pattern(nm, block, sparsity)).descriptors
