"""Matrix products so small that their best mappings are known, as Timeloop's documents."""


def gemv():
    """A matrix of 4 x 2 words times a vector, on a chain of DRAM, RF and one MAC; its best mapping takes 8 cycles."""
    spaces = [
        {"name": "A", "projection": [[["M"]], [["K"]]]},
        {"name": "Z", "projection": [[["M"]]], "read_write": True},
    ]
    size = {"width": 16, "word_bits": 16}
    parts = [
        {"name": "DRAM[1..1]", "class": "DRAM", "attributes": size},
        {"name": "RF[1..1]", "class": "SRAM", "attributes": {**size, "depth": 8}},
        {"name": "MAC[1..1]", "class": "intmac", "attributes": {"datawidth": 16}},
    ]
    return {
        "architecture": {"version": "0.4", "subtree": [{"name": "system", "local": parts}]},
        "problem": {
            "shape": {"name": "gemv", "dimensions": ["M", "K"], "data_spaces": spaces},
            "instance": {"M": 4, "K": 2},
        },
    }
