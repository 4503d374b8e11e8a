"""Matrix products so small that their best mappings are known, as Timeloop's documents."""

DOT = """\
architecture:
  version: 0.4
  nodes:
  - !Component {name: Far, class: DRAM, attributes: {width: 64, datawidth: 8}}
  - !Component {name: Near, class: SRAM, attributes: {depth: 512, width: 8, datawidth: 8}}
  - !Component {name: Mul, class: intmac, attributes: {datawidth: 8}}
problem:
  version: 0.4
  shape:
    name: dot
    dimensions: [U, V]
    data_spaces:
    - {name: A, projection: [[[U]], [[V]]]}
    - {name: B, projection: [[[V]]]}
    - {name: Z, projection: [[[U]]], read_write: true}
  instance: {U: 12, V: 20}
mapping:
- {target: Far, type: temporal, factors: U=12 V=1, permutation: VU}
- {target: Near, type: temporal, factors: U=1 V=20, permutation: VU}
"""
"""A matrix of 12 x 20 words times a vector, and a mapping of it."""


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
