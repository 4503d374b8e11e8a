"""What a word that is not known here usually means: hints by meaning, and by letters only where no meaning is known.

Each table maps words of other tools, and of everyday speech, to the next step here. A hint never promises what is not
there: what is not read yet is said to be not read, with what does work today.
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from crisp_hw.data_files import packaged

_ALIKE = 0.7  # of letters; at difflib's own 0.6, foo is like format

_NETWORK = (
    "the network stands without an option: a pruned-model file, a packaged name such as resnet50, or a .yaml file"
)
_DRAWN = "nothing is drawn by chance here, so that there is no seed; only `crisp-hw map` with --budget has one"
_WORD_BITS = (
    f"bits are numbers of the accelerator (`word_bits`): `crisp-hw arch copy {packaged().default} FILE` gives a file "
    "to change"
)

_OPTIONS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "batch batch-size images samples num-samples": (("--batch-size", "--batch"), ""),
    "model net network input-file checkpoint weights ckpt file source": (("--model",), _NETWORK),
    "input-size input-shape shape example image-size": (("--input",), "write --input 1,3,224,224 beside --model"),
    "architecture architectures accelerator accelerators hardware hw target chip": (("--arch",), ""),
    "output output-dir output-folder outdir out-dir save save-to dest destination o": (("--out",), ""),
    "threads workers processes procs parallel num-workers nproc n-jobs": (("--jobs",), ""),
    "goal metric optimize optimise minimize minimise cost": (("--objective",), ""),
    "json csv markdown md output-format": (("--format",), "write --format json, csv, md or table"),
    "sparse prune-ratio pruning-ratio prune-rate ratio density target-sparsity": (("--sparsity",), ""),
    "pattern nm-sparsity structured n-m n m": (("--nm",), "write --nm 2:4 for two kept of every four"),
    "block-size blocksize blocks tile tile-size": (("--block",), ""),
    "layer filter only": (("--layers", "--layer"), ""),
    "config-file job job-file yaml settings options": (("--config",), ""),
    "table energies energy-table ert": (("--energy",), ""),
    "device gpu cuda cpu": (("--device",), "this command computes on the CPU"),
    "time timeout max-time": (("--time-limit", "--budget"), ""),
    "mem max-memory memory-limit": (("--memory",), ""),
    "sram smem buffer bandwidth bw dram-bandwidth pes num-pes cores macs": (
        ("--set",),
        "write --set smem_bandwidth=32; `crisp-hw arch show` lists the numbers of an accelerator",
    ),
    "precision bits bitwidth bit-width dtype quant quantize quantization int8 fp16": ((), _WORD_BITS),
    "freq frequency clock clock-ns ghz mhz": (
        (),
        "time is cycles over the clock of the accelerator: write `technology: {clock_ghz: ...}` into its .yaml file",
    ),
    "area": ((), "the columns *_mm2 hold it (--wide), and `crisp-hw characterize` prints that of every component"),
    "seed random-seed": (("--seed",), _DRAWN),
    "force overwrite yes y": (("--force",), "files of earlier runs are replaced without asking"),
    "epochs lr finetune fine-tune train": (("--epochs",), "this command trains nothing; `crisp-prune run` does"),
    "no-plots figures figure plots picture": (("--plot", "--picture"), ""),
    "no-progress silent": (("--quiet",), ""),
    "trace traceback": (("--debug",), ""),
    "activation-sparsity act-density activations": (("--activation-density",), ""),
    "onnx": ((), "the file stands without an option: `crisp-hw evaluate net.onnx`"),
}

_PRUNES = "`crisp-prune run` prunes a PyTorch model, and `crisp-hw evaluate` says what the result costs"
_EVALUATES = "`crisp-hw evaluate` says what a pruned network costs on accelerators"
_SEARCHES = "`crisp-hw map` searches a mapping for Timeloop's files; `crisp-hw evaluate` searches one for every layer"
_COMMANDS: Mapping[str, Mapping[str, str]] = {
    "crisp-hw": {
        "prune train finetune fine-tune sparsify compress": _PRUNES,
        "run start go": f"{_EVALUATES}; {_PRUNES.split(',')[0]}",
        "search optimize optimise mapper mapping find tune timeloop-mapper": _SEARCHES,
        "eval simulate sim estimate cost predict profile benchmark bench performance latency": _EVALUATES,
        "timeloop timeloop-model sparseloop": "`crisp-hw model` does what timeloop-model does, with the same files",
        "list archs architectures accelerators hardware show": "`crisp-hw arch list` lists the accelerators",
        "workloads networks models layers network": "`crisp-hw workload list` lists the layer tables",
        "energy area ert art accelergy cacti": "`crisp-hw characterize` prints energies and areas",
        "plot plots figure figures chart draw": "`crisp-hw evaluate SOURCE --out FOLDER` draws the figures",
        "explain why": "`crisp-hw evaluate` and `crisp-hw model` explain one number with --explain",
        "export write yaml timeloop-files": "`crisp-hw render` writes every layer as Timeloop's files",
        "diff": "`crisp-hw compare` compares two saved results, `crisp-hw verify` the engine with Timeloop",
        "test selftest status info env": "`crisp-hw doctor` says what is installed; `crisp-hw arch check` "
        "checks files of accelerators",
        "init new create": "`crisp-hw arch new` begins a file of an accelerator",
        "pack archive save": "`crisp-hw bundle` packs an evaluation into one file",
        "masks inspect sparsity": "`crisp-hw describe` measures the masks of a pruned network",
        "onnx convert": "`crisp-hw evaluate FILE` reads ONNX as it is, `crisp-hw import FILE` writes a file of ours",
        "version": "`crisp-hw --version` prints it",
        "help": "`crisp-hw --help` says what there is",
    },
    "crisp-hw arch": {
        "add init create make": "`crisp-hw arch new` begins a file of an accelerator",
        "validate lint verify test": "`crisp-hw arch check` names every mistake of a file",
        "get export save download edit": "`crisp-hw arch copy` writes the file of a packaged one",
        "describe print info": "`crisp-hw arch show` shows every number",
        "ls all": "`crisp-hw arch list` lists them",
    },
    "crisp-hw workload": {
        "validate lint verify test": "`crisp-hw workload check` names every mistake of a file",
        "get export save download edit new add init create": "`crisp-hw workload copy` writes the file of a packaged "
        "one, to begin with",
        "describe print info": "`crisp-hw workload show` shows every layer",
        "ls all": "`crisp-hw workload list` lists them",
    },
    "crisp-hw cache": {
        "delete remove rm purge clean empty": "`crisp-hw cache clear` deletes everything that is kept",
        "show list ls status path": "`crisp-hw cache info` says what is kept, and where",
    },
    "crisp-prune": {
        "prune train finetune fine-tune sparsify compress start": "`crisp-prune run` prunes and fine-tunes a model",
        "dry-run dryrun check preview analyze analyse": "`crisp-prune plan` says what a run would do",
        "evaluate eval simulate cost report hardware": _EVALUATES,
        "describe masks inspect": "`crisp-hw describe` measures the masks of a pruned network",
        "map model arch workload render verify doctor": "that is a command of crisp-hw; `crisp-hw --help` lists them",
        "resume continue": "`crisp-prune run --resume` continues a run",
        "version": "`crisp-prune --version` prints it",
        "help": "`crisp-prune --help` says what there is",
    },
}

_BY_TABLE = "`crisp-hw workload copy resnet50 FILE` gives a layer table to fill in"
FOREIGN = (
    "weights of another tool are read from .pt, .pth, .bin, .ckpt and .safetensors (`crisp-hw evaluate FILE --model "
    "package.module:factory --input 1,3,224,224`), and .onnx and .pt2 files as they are"
)
_NO_TENSORFLOW = f"files of TensorFlow and Keras are not read; {_BY_TABLE}"
_FILES: Mapping[str, str] = {
    ".onnx": "`crisp-hw evaluate FILE` reads ONNX as it is; here `crisp-hw import FILE -o run.pt` makes a file of ours",
    ".h5 .hdf5 .keras .pb .tflite .savedmodel": _NO_TENSORFLOW,
    ".tar .th .pkl .pickle .torchscript .jit": FOREIGN,
    ".gguf .ggml": "its weights are packed in blocks; give the folder of Hugging Face that it was converted from",
    ".npy .npz .mat": f"arrays alone do not say what the layers are; {FOREIGN}",
    ".json": "a saved result is printed by `crisp-hw report`; layer tables and accelerators are YAML files",
    ".csv .toml .xlsx .tsv": f"layer tables and accelerators are YAML files; {_BY_TABLE}",
    ".zip .gz": "a bundle is evaluated again by `crisp-hw replay`",
    ".prototxt .caffemodel .mlmodel .engine .trt .params": f"such files are not read; {_BY_TABLE}",
    ".py .ipynb": "a model in Python is pruned by `crisp-prune run --model package.module:factory`",
}

_BY_CONFIG = "`crisp-hw workload copy gpt2 FILE` gives a table whose configuration can be changed"
_TRANSFORMER = (
    f"the packaged transformers are bert-base, gpt2, llama-7b, t5-small and vit-base; for another one, {_BY_CONFIG}"
)
_NETWORKS: Mapping[str, str] = {
    "bert distilbert roberta gpt gpt3 llama llama2 opt t5 bloom mistral transformer whisper": _TRANSFORMER,
    "vit vit-b deit swin clip dino": _TRANSFORMER,
    "resnet resnet-50 resnet18 resnet34 resnet101 resnet152 resnext wideresnet": "the packaged ResNet is resnet50; for "
    f"another one, {_BY_TABLE}",
    "vgg vgg11 vgg13 vgg19 vgg-16": f"the packaged VGG is vgg16; for another one, {_BY_TABLE}",
    "mobilenet mobilenetv1 mobilenetv3 mobilenet-v2 mobilenet_v2": "the packaged MobileNet is mobilenetv2; for another "
    f"one, {_BY_TABLE}",
}

_ACCELERATORS: Mapping[str, str] = {
    **packaged().other_words,
    "simba nvdla sigma extensor scnn timeloop": "it is not packaged; `crisp-hw model` and "
    "`crisp-hw map` take Timeloop's files of it, and `crisp-hw arch new` begins one on the levels of this project",
}


def _meaning(word: str, table: Mapping[str, str]) -> str:
    """The hint of the row that has the word; nothing where none has it."""
    return next((hint for words, hint in table.items() if word.lower() in words.split()), "")


def _close(word: str, known: Iterable[str]) -> str:
    bare = {name.lstrip("-"): name for name in known}
    close = get_close_matches(word.lstrip("-"), list(bare), n=1, cutoff=_ALIKE)
    return f"did you mean {bare[close[0]]}?" if close else ""


def option_hint(command: str, option: str, known: Iterable[str]) -> str:
    """The next step for an option that a command does not have; nothing where no word is like it.

    >>> option_hint("crisp-hw evaluate", "--threads", ["--jobs", "--out"])
    '--jobs is the option for that'
    >>> option_hint("crisp-hw evaluate", "--objectiv", ["--jobs", "--objective"])
    'did you mean --objective?'
    """
    names, word = list(known), option.lstrip("-").partition("=")[0].lower()
    for words, (options, hint) in _OPTIONS.items():
        if word.replace("_", "-") in words.split():
            there = next((name for name in options if name in names and name != option), None)
            if there is None:
                return (hint if command.startswith("crisp-hw") else "") or _close(option, names)
            return f"{there} is the option for that"
    return _close(option, names)


def command_hint(program: str, word: str, known: Iterable[str]) -> str:
    """The next step for a command that a program, or a group of its commands, does not have.

    >>> command_hint("crisp-hw", "prune", [])[:17]
    '`crisp-prune run`'
    """
    return _meaning(word, _COMMANDS.get(program, {})) or _close(word, known)


def file_hint(suffix: str) -> str:
    """The next step for a kind of file that is not read; nothing where the suffix says nothing.

    >>> file_hint(".h5")[:19]
    'files of TensorFlow'
    """
    return _meaning(suffix, _FILES)


def network_hint(name: str, known: Iterable[str]) -> str:
    """The next step for a network that is not packaged.

    >>> network_hint("resnet-50", [])[:33]
    'the packaged ResNet is resnet50; '
    """
    return _meaning(name, _NETWORKS) or _close(name, known)


def accelerator_hint(name: str, known: Iterable[str]) -> str:
    """The next step for an accelerator that is not packaged.

    >>> accelerator_hint("crisp", []), accelerator_hint("dens", ["dense"])
    ('it is called crisp-stc', 'did you mean dense?')
    """
    return _meaning(name, _ACCELERATORS) or _close(name, known)
