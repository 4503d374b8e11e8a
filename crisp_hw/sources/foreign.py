"""Networks of other tools: a file of weights, alone or with the model that it belongs to."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crisp_hw import extract
from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.io.checkpoint import read_state_dict
from crisp_hw.io.containers import DAMAGE
from crisp_hw.io.hugging_face import PREFIX, is_saved_model, read_config, read_folder
from crisp_hw.machine.files import is_folder
from crisp_hw.machine.foreign import in_our_words
from crisp_hw.sources.kinds import kind_of
from crisp_hw.sources.models import example_of, model_of
from crisp_hw.spec.configurations import Config
from crisp_hw.spec.descriptors import PrunedModel
from crisp_hw.spec.kinds import check_path, told
from crisp_hw.spec.layer import Skipped
from crisp_hw.spec.transformers import FAMILIES, USUAL_TOKENS, Demand, transformer_step

EXAMPLE = "1,3,224,224"
ALONE = (
    "the file holds weights alone, so that sizes of inputs are not known: every linear layer is taken on one vector; "
    "groups of convolutions and the order of the layers are those of the file"
)
NO_SIZE = "convolution of a size that the file does not tell; give the model and an example input"


@dataclass(frozen=True)
class ModelFile:
    """Weights that another tool wrote, and the model that they belong to.

    Parameters
    ----------
    path
        A state dict (.pt, .pth, .bin, .ckpt, .safetensors), a folder as Hugging Face's libraries write it ("hf:FOLDER"
        too), an ONNX file or an exported program (.pt2). No code in it is ever run.
    model
        The torch.nn.Module, or the function that makes it as "package.module:factory"; None: shapes alone are read.
    example
        What the model is called with for one sample, or the sizes of such a tensor: (1, 3, 224, 224). For an ONNX file,
        the sizes of those inputs whose sizes it leaves open.

    Examples
    --------
    >>> ModelFile("weights.pth", "torchvision.models:resnet18", (1, 3, 224, 224)).path
    'weights.pth'
    """

    path: str | Path
    model: Any = None
    example: Any = None

    def __post_init__(self) -> None:
        check_path("the path of a ModelFile", self.path)
        graph = kind_of(str(self.path)) == "graph"
        if self.model is not None and self.example is None and not graph:
            said = "a model does not tell the size of its inputs"
            raise InputError(said, hint=f"give one example input, too: --input {EXAMPLE}, or example=(1, 3, 224, 224)")
        if graph:
            self._check_graph()
        elif self.model is None and self.example is not None:
            raise InputError("an example input needs its model", hint="give --model package.module:factory, or model=")

    def _check_graph(self) -> None:
        """A graph is its own model, and only the inputs of ONNX may be of open sizes."""
        if self.model is not None:
            said = f"a model would have no effect, because {self.path} holds its own graph"
            raise InputError(said, hint="leave --model out")
        if self.example is not None and Path(self.path).suffix != ".onnx":
            said = f"sizes of an input would have no effect, because {self.path} holds them"
            raise InputError(said, hint="leave --input out")


@dataclass(frozen=True)
class LiveModel:
    """A torch.nn.Module as it is, and what it is called with."""

    module: Any
    example: Any


def is_module(value: object) -> bool:
    """Is it a torch.nn.Module? Answered without loading PyTorch.

    >>> is_module("resnet50")
    False
    """
    return "torch.nn.modules.module.Module" in {f"{kind.__module__}.{kind.__name__}" for kind in type(value).__mro__}


def with_model(source: Any, model: Any, example: Any) -> Any:
    """A source joined with its model and example input; InputError where the source cannot have them.

    >>> with_model("resnet50", None, None), with_model("w.pth", "m:f", (1, 3, 8, 8)).model
    ('resnet50', 'm:f')
    """
    if is_module(source) and model is None and example is not None:
        return LiveModel(source, example)
    if model is None and example is None:
        return source
    if isinstance(source, str | Path):
        return ModelFile(source, model, example)
    raise InputError(
        f"a model and an example input are for a file of weights, not for {told(source)}", hint="leave them out"
    )


@dataclass(frozen=True)
class Read:
    """A pruned model, what to say about it, and its layers whose sizes are not known."""

    model: PrunedModel
    notes: tuple[str, ...] = ()
    unsized: tuple[Skipped, ...] = ()


def config_of(source: object) -> Config | None:
    """The configuration of a folder of Hugging Face whose layers follow from it; None of anything else.

    >>> config_of("weights.pth") is None
    True
    """
    config = _saved_config(source)
    return config if config and config.get("model_type") in FAMILIES else None


def unknown_family(source: object) -> str:
    """What to say of a folder of Hugging Face whose layers do not follow from its configuration; "" of anything else.

    >>> unknown_family("weights.pth")
    ''
    """
    config = _saved_config(source)
    if config is None or config.get("model_type") in FAMILIES:
        return ""
    kind = config.get("model_type", "of no name")
    return f"layers follow from the configuration of {', '.join(FAMILIES)}, and this one is {kind}"


def _saved_config(source: object) -> Config | None:
    name = source.path if isinstance(source, ModelFile) and source.model is None else source
    if not isinstance(name, str | Path):
        return None
    path = Path(str(name).removeprefix(PREFIX))
    return read_config(path) if is_saved_model(path) else None


def read_model_file(source: ModelFile, demand: Demand | None = None) -> Read:
    """The masks of a file of weights, with the geometry of its model where that is given, or of its configuration."""
    path = Path(str(source.path).removeprefix(PREFIX))
    if kind_of(str(path)) == "graph":
        return read_graph(path, source.example)
    found = read_folder(path) if is_folder(path) else read_state_dict(path)
    config, name = config_of(source), path.stem or path.resolve().name
    try:
        if config is not None:
            step = transformer_step(config, demand or Demand(), USUAL_TOKENS)
            fixed = config["model_type"] == "vit"
            note = "of its image" if fixed else f"behind {step.context}; --tokens and --context say how many"
            return Read(
                extract.describe_configured(found.tensors, config, step, name),
                (f"{step.tokens} tokens {note}", *found.notes),
            )
        if source.model is None:
            alone = extract.describe_weights(found.tensors, name)
            unsized = tuple(Skipped(name, NO_SIZE) for name in extract.unknown_sizes(alone))
            family = unknown_family(source)
            return Read(alone, (ALONE, *([family] if family else []), *found.notes), unsized)
        return Read(
            extract.describe_checkpoint(found.tensors, model_of(source.model), example_of(source.example)), found.notes
        )
    except InputError as error:
        raise error.within(str(path)) from error


def read_graph(path: Path, sizes: Any) -> Read:
    """The masks of a graph with the sizes that it states itself."""
    from crisp_hw.extract import exported, onnx_graph
    from crisp_hw.extract.graph import pruned_graph
    from crisp_hw.io.exported import read_exported
    from crisp_hw.io.onnx_file import read_onnx

    onnx = read_onnx(path, sizes) if path.suffix == ".onnx" else None
    program = read_exported(path) if onnx is None else None
    try:
        if onnx is not None:
            return Read(pruned_graph(onnx_graph.onnx_layers(onnx, path.stem), onnx_graph.samples_of(onnx)))
        assert program is not None
        return Read(pruned_graph(exported.exported_layers(program, path.stem), exported.samples_of(program)))
    except InputError as error:
        raise error.within(str(path)) from error
    except DAMAGE as error:
        said = f"holds a graph that contradicts itself ({in_our_words(error)})"
        raise InputError(said, Where(mark=Mark(str(path))), "write the file again") from error


def read_live(source: LiveModel) -> Read:
    """The masks of a module, from its own weights."""
    return Read(extract.describe_checkpoint(source.module.state_dict(), source.module, example_of(source.example)))
