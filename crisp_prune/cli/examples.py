"""Two examples of every command, for its help; a test parses all and runs those that train nothing."""

EXAMPLES: dict[str, tuple[str, str]] = {
    "run": (
        "crisp-prune run --model my_model:build --data images --out run.pt",
        "crisp-prune run --model my_model:build --data images --out run.pt --resume",
    ),
    "one-shot": (
        "crisp-prune one-shot --model my_model:build --data images -o s.pt",
        "crisp-prune one-shot --model my_model:build --data images -o s.pt --nm 1:4",
    ),
    "compare": (
        "crisp-prune compare study.yaml --out study",
        "crisp-prune compare study.yaml --out study --jobs 2",
    ),
    "plan": (
        "crisp-prune plan --model my_model:build --sparsity 0.9",
        "crisp-prune plan --model my_model:build --nm 1:4 --block 8 --input 1,3,8,8",
    ),
}
