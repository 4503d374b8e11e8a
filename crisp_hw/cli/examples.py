"""Two examples of every command, for its help. A test parses all, and runs all that need no Timeloop."""

from crisp_hw.data_files import packaged

_ONE, _OTHER = packaged().default, packaged().another
EXAMPLES: dict[str, tuple[str, str]] = {
    "evaluate": (
        f"crisp-hw evaluate run.pt -a {_ONE} -a {_OTHER} --out results",
        "crisp-hw evaluate resnet50 --nm 2:4 --layers 'layer4.*' -q",
    ),
    "explore": (
        "crisp-hw explore space.yaml --workers 2 -o study",
        "crisp-hw explore space.yaml --method nsga2 --trials 200 -f csv",
    ),
    "report": ("crisp-hw report before", "crisp-hw report result.zip --out results --no-plot"),
    "compare": ("crisp-hw compare before after --tolerance 1%", "crisp-hw compare result.zip after -f csv"),
    "describe": ("crisp-hw describe run.pt", "crisp-hw describe run.pt --layer fc --picture mask.png"),
    "import": (
        "crisp-hw import weights.safetensors -o linear.safetensors",
        "crisp-hw import w.pth --model my_model:build --input 1,3,8,8 -o own.pt",
    ),
    "points": (
        "crisp-hw points scan.bin --voxel-size 0.2 --epsilon 0.5 --nm 2:4",
        "crisp-hw points scan.bin --voxel-size 1 --network points.yaml -f csv",
    ),
    "render": (
        "crisp-hw render run.pt -o documents",
        "crisp-hw render vgg16 --layers '*.6' -a dense -o docs --front-end v4",
    ),
    "model": (
        "crisp-hw model arch.yaml problem.yaml mapping.yaml -o results",
        "crisp-hw model arch.yaml problem.yaml mapping.yaml --explain cycles",
    ),
    "map": (
        "crisp-hw map arch.yaml problem.yaml -o results",
        "crisp-hw map arch.yaml problem.yaml --objective energy --budget 1000",
    ),
    "verify": ("crisp-hw verify run.pt --layers fc", "crisp-hw verify arch.yaml problem.yaml mapping.yaml"),
    "validate": ("crisp-hw validate cases.jsonl", "crisp-hw validate cases.jsonl --strict -f json"),
    "check": ("crisp-hw check run.pt --layers fc", "crisp-hw check run.pt --weights weights.safetensors --positions 4"),
    "reproduce": ("crisp-hw reproduce eie", "crisp-hw reproduce eie -o results --no-plot -f md"),
    "measure": (
        f"crisp-hw measure run.pt -a {_OTHER}",
        "crisp-hw measure resnet50 --nm 2:4 --layers fc --vectors 4096 -f csv",
    ),
    "bundle": (
        "crisp-hw bundle run.pt -o result.zip",
        f"crisp-hw bundle resnet50 --nm 2:4 --layers fc -a {_OTHER} -o result.zip",
    ),
    "replay": ("crisp-hw replay result.zip", "crisp-hw replay result.zip --backend timeloop"),
    "characterize": (f"crisp-hw characterize -a {_ONE}", "crisp-hw characterize arch.yaml -o tables"),
    "doctor": ("crisp-hw doctor", "crisp-hw doctor -f json"),
    "arch list": ("crisp-hw arch list", "crisp-hw arch list -f csv"),
    "arch show": (f"crisp-hw arch show {_ONE}", "crisp-hw arch show mine.yaml --set smem_bandwidth=32"),
    "arch copy": (f"crisp-hw arch copy {_ONE} full.yaml", "crisp-hw arch copy dense full.yaml --force"),
    "arch new": (f"crisp-hw arch new wide --from {_ONE}", f"crisp-hw arch new wide --from {_OTHER} -o archs/wide.yaml"),
    "arch check": ("crisp-hw arch check mine.yaml", "crisp-hw arch check mine.yaml full.yaml -f json"),
    "workload list": ("crisp-hw workload list", "crisp-hw workload list -f md"),
    "workload show": ("crisp-hw workload show resnet50", "crisp-hw workload show net.yaml -f csv"),
    "workload copy": ("crisp-hw workload copy vgg16 table.yaml", "crisp-hw workload copy vgg16 table.yaml --force"),
    "workload check": ("crisp-hw workload check net.yaml", "crisp-hw workload check net.yaml -f csv"),
    "cache info": ("crisp-hw cache info", "crisp-hw cache info -f json"),
    "cache clear": ("crisp-hw cache clear", "crisp-hw cache clear --quiet"),
}
