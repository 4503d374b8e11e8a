"""Two hundred documents with one mistake each: the error names the line where the mistake was made.

A mistake is a row of MISTAKES: a kind, the file, a pattern, and what takes the place of each match of it, with a § in
front of what is wrong. So the right line is known from how the document was made, and not from the program. Of each
kind at most MOST_OF_A_KIND are taken, spread evenly over all that the patterns find.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from crisp_hw.accelerators.load import load_arch
from crisp_hw.dropin.map_files import map_files
from crisp_hw.dropin.model import evaluate_files
from crisp_hw.errors import CrispError
from crisp_hw.workloads import load_workload

FOLDER = Path(__file__).with_name("wrong_lines")
FLAT, NODES, SPACE, MAIN, PARTS = "flat.yaml", "nodes.yaml", "space.yaml", "main.yaml.j2", "parts.yaml"
ARCH, ENERGY, LAYERS = "arch.yaml", "energy.yaml", "workload.yaml"
MOST_OF_A_KIND = 22

SIZE = r"\b(width|depth|datawidth|word_bits|meshX|[MNK]): \d+"
NUMBER = r"\b(\w+_bandwidth|metadata_storage_\w+|metadata_datawidth|multiple_buffering|energy|area|density|min): [\d.]+"
MISTAKES = [
    # kind, file, what is looked for, what is put there
    ("negative number", FLAT, SIZE, r"\1: §-3"),
    ("negative number", FLAT, NUMBER, r"\1: §-0.5"),
    ("negative number", SPACE, SIZE, r"\1: §-3"),
    ("negative number", SPACE, r"(min): 0.25", r"\1: §-0.25"),
    ("negative number", NODES, r"(width|depth|meshY|[NK]): \d+$", r"\1: §-3"),
    ("text for a number", FLAT, SIZE, r"\1: §many"),
    ("text for a number", FLAT, NUMBER, r"\1: §'0.5'"),
    ("text for a number", SPACE, SIZE, r"\1: §[1, 2]"),
    ("text for a number", PARTS, SIZE, r"\1: §'8'"),
    ("too large a number", FLAT, SIZE, r"\1: §1e30"),
    ("too large a number", FLAT, r"\b(energy|area): [\d.]+", r"\1: §1e30"),
    ("too large a number", SPACE, SIZE, r"\1: §10000000000000000000"),
    ("too large a number", NODES, r"(depth|meshY|[NK]): \d+$", r"\1: §2 ** 60"),
    ("share above 1", FLAT, r"density: 0\.\d+", "density: §1.5"),
    ("share above 1", NODES, r"density: 1 / 2", "density: §3 / 2"),
    ("key missing", FLAT, r"- (name: (?:DRAM|SMEM|RF|MAC)\n +)class: \w+\n +", r"- §\1"),
    ("key missing", FLAT, r"- target: \w+\n +type", "- §type"),
    ("key missing", FLAT, r"- (target: \w+)\n +type: \w+\n", r"- §\1\n"),
    ("key missing", FLAT, r"\{(name: \w+, arguments: \{\}), energy: [\d.]+\}", r"{§\1}"),
    ("key missing", FLAT, r"instance:\n    M: 8\n    N", "instance:\n    §N"),
    ("key missing", FLAT, r"- name: B\n +projection", "- §projection"),
    ("key missing", SPACE, r"- (target: \w+)\n +type: \w+\n", r"- §\1\n"),
    ("key missing", NODES, r"- !Component\n +name: \w+\n", "- §!Component\n"),
    ("key missing", PARTS, r"- (!Component\n +name: \w+\n) +class: \w+\n", r"- §\1"),
    ("key unknown", FLAT, r"\bdepth: ", "§dpeth: "),
    ("key unknown", FLAT, r"\bread_bandwidth: ", "§read_bandwith: "),
    ("key unknown", FLAT, r"\bfactors: ", "§fatcors: "),
    ("key unknown", FLAT, r"\bread-write: ", "§readwrite: "),
    ("key unknown", FLAT, r"\bflattened-rankIDs: ", "§flattened-rank: "),
    ("key unknown", FLAT, r"\bdistribution: h", "band: 1\n        §distributoin: h"),
    ("key unknown", FLAT, r"\bsplit: ", "§spilt: "),
    ("key unknown", FLAT, r"(mapping:)", r"§maping:"),
    ("key unknown", SPACE, r"\bno_reuse: ", "§no_resue: "),
    ("key unknown", SPACE, r"\bnum_threads: ", "§num_thread: "),
    ("key unknown", NODES, r"\battributes:", "§atributes:"),
    ("key unknown", NODES, r"\bmeshY: ", "§meshZ: "),
    ("key unknown", NODES, r"(temporal|dataspace):$", r"§\1s:"),
    ("no mapping, no list", FLAT, r"(attributes):\n(?: {12}.*\n)+", r"\1: §7\n"),
    ("no mapping, no list", FLAT, r"(keep|bypass): \[[^\]]*\]", r"\1: §{A: 1}"),
    ("no mapping, no list", FLAT, r"(condition-on): \[A\]", r"\1: §A"),
    ("no mapping, no list", FLAT, r"(projection):\n +- \[\[M, stride\]\]\n +- \[\[K\]\]", r"\1: §7"),
    ("no mapping, no list", SPACE, r"(keep|bypass|no_reuse): \[[^\]]*\]", r"\1: §A"),
    ("no mapping, no list", NODES, r"(spatial):\n +meshY: 2", r"\1: §[2]"),
    ("word unknown", FLAT, r"type: (temporal|spatial|bypass|skipping)$", "type: §sideways"),
    ("word unknown", FLAT, r"format: (UOP|CP)", "format: §XYZ"),
    ("word unknown", FLAT, r"(distribution: )(\w+)", r"\1§normal"),
    ("word unknown", FLAT, r"class: regfile", "class: §XY_NoC"),
    ("word unknown", FLAT, r"version: 0\.4", "version: §9.9"),
    ("word unknown", SPACE, r"type: (temporal|spatial|bypass|parallelism)$", "type: §sideways"),
    ("word unknown", SPACE, r"- (energy|delay)$", "- §speed"),
    ("word unknown", SPACE, r"algorithm: hybrid", "algorithm: §magic"),
    ("word unknown", NODES, r"class: (\w+)", "class: §gadget"),
    ("word unknown", NODES, r"type: (temporal|spatial|gating)$", "type: §sideways"),
    ("level unknown", FLAT, r"target: (DRAM|SMEM|RF)", "target: §LLC"),
    ("level unknown", FLAT, r"(targets:\n    - |    - )name: (SMEM|MAC)(?=\n +\w+-opt)", r"\1name: §LLC"),
    ("level unknown", SPACE, r"target: (DRAM|SMEM|RF)", "target: §LLC"),
    ("level unknown", NODES, r"target: (DRAM|SMEM|RF)", "target: §LLC"),
    ("tensor unknown", FLAT, r"((?:keep|bypass): \[)[AZ]", r"\1§Q"),
    ("tensor unknown", FLAT, r"(keep: \[A,\n +)B", r"\1§Q"),
    ("tensor unknown", FLAT, r"target: B", "target: §Q"),
    ("tensor unknown", FLAT, r"(condition-on: \[)A", r"\1§Q"),
    ("tensor unknown", FLAT, r"(densities:\n +)A", r"\1§Q"),
    ("tensor unknown", FLAT, r"name: A\n( +ranks)", r"name: §Q\n\1"),
    ("tensor unknown", SPACE, r"((?:keep|no_reuse): \[)[AZB]", r"\1§Q"),
    ("tensor unknown", SPACE, r"(bypass: \[A,\n +)B", r"\1§Q"),
    ("tensor unknown", NODES, r"((?:keep|bypass|condition_on): \[)[AZB]", r"\1§Q"),
    ("dimension unknown", FLAT, r"(factors: \"?)M=2", r"\1§Q=2"),
    ("dimension unknown", FLAT, r"^( +)([MNK])=(\d)$", r"\1§Q=\3"),
    ("dimension unknown", FLAT, r"(\[|, *\n +)([MNK])=(\d)", r"\1§Q=\3"),
    ("dimension unknown", FLAT, r"permutation: (M|K)", "permutation: §Q"),
    ("dimension unknown", FLAT, r"(permutation: \[K,\n +)N", r"\1§Q"),
    ("dimension unknown", FLAT, r"(projection: \[\[\[N\]\],\n +\[\[)K", r"\1§Q"),
    ("dimension unknown", FLAT, r"(\[\[M,\n +)K", r"\1§Q"),
    ("dimension unknown", SPACE, r"- (K=2|M=1)", "- §Q=2"),
    ("dimension unknown", SPACE, r"(\n +)(N=1|K=1)", r"\1§Q=1"),
    ("dimension unknown", SPACE, r"(permutation: \[K,\n +)N", r"\1§Q"),
    ("dimension unknown", NODES, r"- (K<=4|N=1)", "- §Q=1"),
    ("dimension unknown", NODES, r"(\[M=4,\n +)N=1", r"\1§Q=1"),
    ("factor that does not divide", FLAT, r"(M|N|K)=[24](?=\n|,| |\"|\])", r"§\1=7"),
    ("factor that does not divide", NODES, r"(\n      )([KN])=2", r"\1§\2=7"),
    ("factor that does not divide", NODES, r"\[K=2\]", "[§K=7]"),
    ("factor that does not divide", SPACE, r"- M=1", "- §M=3"),
    ("factor given twice", FLAT, r"factors: M=2 N=2", "factors: §M=2 N=2 M=2"),
    ("factor given twice", FLAT, r"N=1,\n", "N=1,\n              §N=2,\n"),
    ("factor given twice", FLAT, r"      N=4\n", "      N=4\n      §N=2\n"),
    ("factor given twice", SPACE, r"- M=1\n", "- M=1\n        - §M=2\n"),
    ("factor given twice", SPACE, r"        N=1\n", "        N=1\n        §N=2\n"),
    ("factor given twice", NODES, r"      N=2\n", "      N=2\n      §N=3\n"),
    ("residual", FLAT, r"M=2 N=2", "§M=2,3 N=2"),
    ("residual", FLAT, r"N=4", "§N=4,0"),
    ("residual", FLAT, r"K=4\]", "§K=4,5]"),
    ("residual", NODES, r"      N=2", "      §N=2,1"),
    ("permutation", FLAT, r"permutation: MNK", "permutation: §MNM"),
    ("permutation", FLAT, r"(permutation: \[K,\n +N,\n +)M", r"\1§N"),
    ("permutation", SPACE, r"permutation: (MN|NK)(K|M)", r"permutation: §\1N"),
    ("permutation", SPACE, r"(permutation: \[K,\n +N,\n +)M", r"\1§K"),
    ("permutation", NODES, r"permutation: \"NKM\"", "permutation: §NKN"),
    ("permutation", NODES, r"permutation: \[K, N, M\]", "permutation: [§K, N, N]"),
    ("name given twice", FLAT, r"name: SMEM\n( +class)", r"name: §DRAM\n\1"),
    ("name given twice", FLAT, r"      - N\n", "      - N\n      - §M\n"),
    ("name given twice", FLAT, r"- name: B(?=\n +projection)", "- name: §A"),
    (
        "name given twice",
        FLAT,
        r"(RF\n +)type: temporal",
        r"RF\n    type: temporal\n  - §target: RF\n    type: temporal",
    ),
    ("name given twice", NODES, r"name: RF", "name: §SMEM"),
    ("name given twice", NODES, r"name: MAC", "name: §column"),
    ("key given twice", FLAT, r"^( +)(datawidth|type|depth|energy): .*$", r"\g<0>\n\1§\2: 8"),
    ("key given twice", PARTS, r"^( +)(width|class): .*$", r"\g<0>\n\1§\2: 8"),
    ("kept and bypassed", FLAT, r"bypass: \[Z\]", "bypass: §[Z, A]"),
    ("kept and bypassed", SPACE, r"(bypass: \[A,\n +)B", r"\1§Z"),
    ("kept and bypassed", SPACE, r"(keep: \[A\])", r"keep: [A]\n      bypass: §[A]"),
    ("kept and bypassed", NODES, r"bypass: \[Z\]", "bypass: §[Z, A]"),
    (
        "said twice",
        SPACE,
        r"    - target: DRAM\n",
        "    - {target: SMEM, type: temporal, permutation: §M}\n    - target: DRAM\n",
    ),
    ("said twice", SPACE, r"mapper:\n", "    - {target: SMEM, type: spatial, factors: §M<=2}\n\nmapper:\n"),
    ("said twice", SPACE, r"mapper:\n", "    - target: RF\n      type: bypass\n      keep:\n        - §B\n\nmapper:\n"),
    ("said twice", SPACE, r"mapper:\n", "    - {target: SMEM, type: spatial, split: §1}\n\nmapper:\n"),
    ("said twice", SPACE, r"mapper:\n", "    - {target: RF, type: temporal, factors: §K>=3}\n\nmapper:\n"),
    ("constraints that contradict", NODES, r"factors: \"K=4\"", 'factors: §"K=8"'),
    ("constraints that contradict", NODES, r"factors: \"K=4\"", 'factors: §"K=4 N=3"'),
    ("constraints that contradict", NODES, r"factors: \"K=4\"", 'factors: "K=4 M=2"\n    permutation: §[M]'),
    ("constraints that contradict", SPACE, r"- M=1\n", "- M=4\n        - §M<=2\n"),
    ("expression", NODES, r"bus // (\d)", "§bus // two"),
    ("expression", NODES, r"8 \* columns", "§8 * colums"),
    ("expression", NODES, r"2 \* columns", "§2 / 0"),
    ("expression", NODES, r"meshX: columns", "meshX: §open('x')"),
    ("expression", NODES, r"ceil\(1000 / width\) \* 64", "§ceil(1000 / widht) * 64"),
    ("expression", NODES, r"depth: words", "depth: §2 ** 2 ** 9"),
    ("not YAML", FLAT, r"instance:", "instance: §]"),
    ("not YAML", FLAT, r"<<: \*buffer", "<<: §*bufer"),
    ("not YAML", SPACE, r"(\n)    M: 4", r"\1    M: §{4]"),
    ("not YAML", NODES, r"- !Component\n      name: RF", "- §!!python/object:os.system\n      name: RF"),
    ("null in a list", FLAT, r"(permutation: \[K,\n +)N", r"\1§null"),
    ("null in a list", FLAT, r"(keep: \[A,\n +)B", r"\1§null"),
    ("null in a list", FLAT, r"      - K\n", "      - §null\n"),
    ("null in a list", SPACE, r"(bypass: \[A,\n +)B", r"\1§null"),
    ("null in a list", SPACE, r"(permutation: \[K,\n +N,\n +)M", r"\1§null"),
    ("sizes that do not fit", FLAT, r"(class: SRAM\n +attributes: &buffer\n +)width: 64", r"\1width: §60"),
    ("sizes that do not fit", FLAT, r"meshX: 4", "meshX: §3"),
    ("sizes that do not fit", FLAT, r"metadata-word-bits: 4", "metadata-word-bits: §128"),
    ("not modelled", FLAT, r"multiple_buffering: 2", "power_gated_at: §SMEM"),
    ("not modelled", FLAT, r"depth: 64", "allow_overbooking: §true"),
    ("not modelled", FLAT, r"    type: bypass", "    type: §max_overbooked_proportion"),
    ("not modelled", FLAT, r"    split: 3", "    §no_coalesce: [A]"),
    ("not modelled", SPACE, r"    - delay", "    - §last_level_accesses"),
    ("not modelled", NODES, r"class: DRAM", "class: DRAM\n      §networks: [1]"),
    ("factor that does not divide", MAIN, r"factors: \[N=3, M=2, K=8\]", "factors: §[N=3, M=2, K=7]"),
    ("factor that does not divide", MAIN, r"factors: \[K=2,", "factors: §[K=3,"),
    ("in a template", MAIN, r"dimensions: \[M, N, K\]", "dimensions: §[M, N, N]"),
    ("in a template", MAIN, r"\[\[K\]\]\]", "§[[Q]]]"),
    ("in a template", MAIN, r"4 \* banks", "§4 * bank"),
    ("in a template", MAIN, r"N: 6", "N: §six"),
    ("in a template", MAIN, r"target: RF", "target: §LLC"),
    ("in a template", MAIN, r"permutation: \[N, M, K\]", "permutation: §[N, M, N]"),
    ("in a template", MAIN, r"include\('parts.yaml'", "§include('part.yaml'"),
    ("negative number", ARCH, r"(size_words|fanout_y|read_bandwidth): \{value: \d+", r"\1: {value: §-1"),
    ("negative number", ENERGY, r"value: (?:124.61|0.5608)", "value: §-1"),
    ("negative number", LAYERS, r"(in_channels|groups): \d", r"\1: §-8"),
    ("text for a number", ARCH, r"value: 256$", "value: §many"),
    ("text for a number", ENERGY, r"value: 124.61", "value: §'124.61'"),
    ("text for a number", LAYERS, r"(kernel: \[3,\n +)3", r"\1§three"),
    ("too large a number", ARCH, r"(size_words|fanout_x): \{value: \d+", r"\1: {value: §1000000000000000000000"),
    ("too large a number", ENERGY, r"value: (?:124.61|0.5608)", "value: §1e300"),
    ("too large a number", LAYERS, r"(out_channels): \d", r"\1: §10000000000000000000"),
    ("key missing", ARCH, r"(compute:\n  name: MAC\n)  word_bits: .*\n", r"§\1"),
    ("key missing", ARCH, r"(compute:\n  )name: MAC\n  ", r"§\1"),
    ("key missing", LAYERS, r"- (name: second\n.*\n) +in_channels: 8\n", r"- §\1"),
    ("key unknown", ARCH, r"(fanout_y|word_bits|read_bandwidth|keep): ", r"§\1s: "),
    ("key unknown", ENERGY, r"    (write|compute_gated): ", r"    §\1s: "),
    ("key unknown", LAYERS, r"    (groups|padding|input_size|kernel): ", r"    §\1s: "),
    ("no mapping, no list", ARCH, r"keep: \[A, B\]", "keep: §A"),
    ("no mapping, no list", LAYERS, r"kernel: \[3, 3\]", "kernel: §3"),
    ("word unknown", ARCH, r"technology: DRAM", "technology: §FLASH"),
    ("word unknown", ARCH, r"spatial: share", "spatial: §fil"),
    ("word unknown", ARCH, r"crisp-hw/arch/2", "§crisp-hw/arch/3"),
    ("word unknown", LAYERS, r"kind: conv2d", "kind: §conv3d"),
    ("level unknown", ARCH, r"^  LRF: \{k", "  §LLC: {k"),
    ("level unknown", ENERGY, r"^  (RF|offset_decoder):", "  §L7:"),
    ("tensor unknown", ARCH, r"keep: \[(A|Z)\]", "keep: [§Q]"),
    ("dimension unknown", ARCH, r"(temporal: \[N,\n +)M", r"\1§Q"),
    ("name given twice", LAYERS, r"name: (second|third)", "name: §first"),
    ("key given twice", ARCH, r"^( +)(name|spatial): .*$", r"\g<0>\n\1§\2: x"),
    ("key given twice", ENERGY, r"^(  )(RF|MAC):$", r"\1§SMEM:"),
    ("key given twice", LAYERS, r"^( +)(groups|kind): .*$", r"\g<0>\n\1§\2: 8"),
    ("sizes that do not fit", LAYERS, r"groups: 8", "groups: §3"),
    ("sizes that do not fit", LAYERS, r"weights: 2128", "weights: §2129"),
    ("not YAML", ENERGY, r"value: 0.5608", "§*value"),
    ("number in another notation", ARCH, r"value: 256$", "value: §0256"),
    ("number in another notation", LAYERS, r"groups: 8", "groups: §0x8"),
    ("number in another notation", FLAT, r"depth: 64", "depth: §0100"),
    ("number in another notation", FLAT, r"    M: 8", "    M: §1:20"),
    ("number in another notation", SPACE, r"depth: 64", "depth: §6_4"),
    ("does not fit", FLAT, r"factors: M=2 N=2((?:.*\n)+?.*\[)M=1", r"factors: M=1 N=2\1§M=2"),
    ("does not fit", FLAT, r"(depth: )64((?:.*\n)+?  - )(target: RF)", r"\g<1>2\2§\3"),
    ("does not fit", FLAT, r"- (name: A\n +ranks:\n)(?: +- \{format: UOP.*\n){2}", r"- §\1"),
    ("does not fit", FLAT, r"multiple_buffering: 2", "min_utilization: §0.99"),
    ("does not fit", SPACE, r"depth: 64", "§depth: 1"),
    ("nothing left to search", SPACE, r"(\n        )M<=4((?:.*\n)+?.*min: )0.25", r"\1M<=2\2§1.0"),
    ("nothing left to search", SPACE, r"- N>=1", "- §N>=3"),
    ("nothing left to search", SPACE, r"mapper:\n", "    - {target: DRAM, type: bypass, bypass: [§A]}\n\nmapper:\n"),
    ("residual", FLAT, r"(              )K=4\]", r"\1§K=4,3]"),
    (
        "too large a number",
        FLAT,
        r"instance:\n    M: 8",
        "instance: §{M: 9000000000000000, N: 8, K: 16}\n  x:\n    M: 8",
    ),
]


@dataclass(frozen=True)
class Mutant:
    """One document with a mistake: the file that has it, its text, and the line."""

    kind: str
    file: str
    text: str
    line: int


def mutants() -> Iterator[Mutant]:
    """All documents that the rows make, kind by kind."""
    for kind in dict.fromkeys(kind for kind, *_ in MISTAKES):
        found = [made for row in MISTAKES if row[0] == kind for made in made_by(*row)]
        step = max(1.0, len(found) / MOST_OF_A_KIND)
        yield from (found[int(step * number)] for number in range(int(len(found) / step)))


def made_by(kind: str, file: str, pattern: str, replacement: str) -> list[Mutant]:
    """One mutant per match of the pattern in the file."""
    text, found = (FOLDER / file).read_text(), []
    for match in re.finditer(pattern, text, re.MULTILINE):
        made = text[: match.start()] + match.expand(replacement) + text[match.end() :]
        before, wrong, after = made.partition("§")
        found.append(Mutant(kind, file, before + after, before.count("\n") + 1))
        assert wrong, (kind, pattern)
    assert found, (kind, pattern)
    return found


ALL = list(mutants())


def test_there_are_two_hundred_of_fifteen_kinds():
    kinds = Counter(mutant.kind for mutant in ALL)
    assert len(ALL) >= 200
    assert len(kinds) >= 15
    assert max(kinds.values()) <= 25


def read(file, folder):
    """What the command does to which the file is given."""
    match file:
        case "arch.yaml" | "energy.yaml":
            load_arch(folder / ARCH, energy=str(folder / ENERGY))
        case "workload.yaml":
            load_workload(folder / LAYERS)
        case "space.yaml":
            map_files([folder / SPACE])
        case "main.yaml.j2" | "parts.yaml":
            evaluate_files([folder / MAIN])
        case _:
            evaluate_files([folder / file])


@pytest.mark.parametrize("mutant", ALL, ids=lambda mutant: f"{mutant.kind}-{mutant.file}-{mutant.line}")
def test_the_line_of_the_mistake_is_named(mutant, tmp_path):
    for other in (MAIN, PARTS, ARCH, ENERGY):
        (tmp_path / other).write_text((FOLDER / other).read_text())
    (tmp_path / mutant.file).write_text(mutant.text)
    with pytest.raises(CrispError) as caught:
        read(mutant.file, tmp_path)
    at = caught.value.at
    assert at is not None
    assert at.mark is not None, caught.value
    assert (Path(at.mark.file).name, at.mark.line) == (mutant.file, mutant.line), str(caught.value)
