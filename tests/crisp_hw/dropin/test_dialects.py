"""Documents of one's own in each dialect, with figures counted by hand (docs/model.md, section 12)."""

import json

import pytest
import yaml
from typer.testing import CliRunner

from crisp_hw.cli import app
from crisp_hw.dropin.model import evaluate_files, texts_of

SPACES = [
    {"name": "A", "projection": [[["M"]], [["K"]]]},
    {"name": "B", "projection": [[["N"]], [["K"]]]},
    {"name": "Z", "projection": [[["M"]], [["N"]]], "read-write": True},
]


def part(name, kind="storage", **attributes):
    return {"name": name, "class": kind, "attributes": {"datawidth": 8, **attributes}}


def product(sizes, densities=None):
    """Z[M, N] = sum over K of A[M, K] B[N, K]."""
    shape = {"name": "mm", "dimensions": ["M", "N", "K"], "data-spaces": SPACES}
    models = {n: {"distribution": "hypergeometric", "density": d} for n, d in (densities or {}).items()}
    return {"shape": shape, "instance": {**sizes, "densities": models}}


def loops(level, kind="temporal", **factors):
    """The loops of a level, innermost first."""
    text = " ".join(f"{d}={n}" for d, n in factors.items())
    return {"target": level, "type": kind, "factors": text, "permutation": "".join(factors)}


def evaluated(folder, documents, dialect):
    path = folder / "all.yaml"
    path.write_text(yaml.safe_dump(documents))
    return evaluate_files([path], dialect)


def tree(*local):
    return {"version": 0.3, "subtree": [{"name": "top", "local": list(local)}]}


# --- D3: a rank that flattens, if the key is heard


def flattening(key):
    """3 rows of 8 words of B in Far, each as 2 x 4 words: a bitmap of each half, which may take both halves at once."""
    bitmap = {"format": "B", "metadata-word-bits": 1, "payload-word-bits": 0}
    ranks = [{"format": "UOP", "payload-word-bits": 0}, bitmap, {**bitmap, key: [["K"]]}]
    form = {"name": "B", "rank-application-order": "inner-to-outer", "ranks": ranks}
    return {
        "architecture": tree(
            part("Far", "DRAM", width=64, metadata_storage_width=64), part("Near"), part("Mul", "compute")
        ),
        "problem": product({"M": 1, "N": 3, "K": 8}, {"B": 0.5}),
        "mapping": [
            loops("Far", K=2, N=3),
            loops("Near", K=4),
            {"target": "Near", "type": "datatype", "keep": ["A", "Z"], "bypass": ["B"]},
        ],
        "sparse_optimizations": {"targets": [{"name": "Far", "representation-format": {"data-spaces": [form]}}]},
    }


@pytest.mark.parametrize(
    ("key", "dialect", "heard"),
    [
        ("flattened-rankIDs", "head", True),
        ("flattened_rankIDs", "head", True),
        ("flattened-rankIDs", "micro22", True),
        ("flattened_rankIDs", "micro22", False),
    ],
)
def test_a_key_that_the_program_passes_over_has_no_effect_and_is_named(tmp_path, key, dialect, heard):
    result = evaluated(tmp_path, flattening(key), dialect).result
    ranks = result.levels[1].tensors["B"].format_accesses["random_reads"]
    # the next rank has a bit for each of 3 rows where the first takes all loops over K, else one for each of 6 halves
    assert ranks[1][0] == (3 if heard else 6)
    named = [note for note in result.skipped if "flattened_rankIDs" in note]
    assert len(named) == (not heard)
    assert all("all.yaml:" in note and "flattened-rankIDs" in note for note in named)


def test_attributes_that_it_passes_over_keep_their_defaults(tmp_path):
    documents = flattening("flattened-rankIDs")
    del documents["sparse_optimizations"]
    near = documents["architecture"]["subtree"][0]["local"][1]
    near["attributes"] = {"word_bits": 4, "sizeKB": 1}
    sizes = [evaluated(tmp_path, documents, dialect).point.design.architecture for dialect in ("head", "micro22")]
    assert [hardware.levels[0].word_bits for hardware in sizes] == [4, 16]


# --- D10: every word there


@pytest.mark.parametrize("rows", [2, 4, 8])
@pytest.mark.parametrize("kind", ["CP", "B"])
def test_a_density_of_one_is_full(tmp_path, rows, kind):
    rank = {"format": kind, "metadata-word-bits": 4, "payload-word-bits": 0}
    far = [{"format": "UOP", "payload-word-bits": 0}, rank]
    levels = (("Far", far), ("Near", [rank]))
    targets = [
        {"name": name, "representation-format": {"data-spaces": [{"name": "A", "ranks": ranks}]}}
        for name, ranks in levels
    ]
    documents = {
        "architecture": tree(
            part("Far", "DRAM", width=64, metadata_storage_width=64),
            part("Near", depth=64, width=8, metadata_storage_width=8, metadata_storage_depth=64),
            part("Mul", "compute"),
        ),
        "problem": product({"M": rows, "N": 1, "K": 8}, {"A": 1.0}),
        "mapping": [loops("Far", M=rows), loops("Near", K=8)],
        "sparse_optimizations": {"targets": targets},
    }
    result = evaluated(tmp_path, documents, "micro22").result
    a = result.levels[0].tensors["A"]
    assert (a.accesses["random_reads"], a.accesses["random_fills"]) == (rows * 8, rows * 8)
    assert a.format_accesses["random_fills"][0][0] == rows * 8
    assert a.energy_pj > 0
    assert result.compute.random == rows * 8


# --- D2: lanes that take packed words


@pytest.mark.parametrize(("density", "lanes", "rows"), [(0.05, 4, 8), (0.1, 2, 16), (0.3, 8, 4), (0.9, 4, 4)])
def test_every_tile_of_packed_lanes_has_a_bit_for_each_word(tmp_path, density, lanes, rows):
    """A column of A at a time on `lanes` lanes, empty or not; each is read once for all of N."""
    bits = {"format": "B", "metadata-word-bits": 1, "payload-word-bits": 0}
    ranks = {"Far": [{"format": "UOP", "payload-word-bits": 0}] * 2 + [bits], "Near": [bits]}
    targets = [
        {
            "name": name,
            "representation-format": {
                "data-spaces": [{"name": "A", "rank-application-order": "inner-to-outer", "ranks": given}]
            },
        }
        for name, given in ranks.items()
    ]
    targets[1]["action-optimization"] = [{"type": "position-skipping", "target": "A", "condition-on": []}]
    documents = {
        "architecture": tree(
            part("Far", "DRAM", width=64, metadata_storage_width=64),
            part("Near", metadata_storage_width=8, metadata_storage_depth=64),
            part(f"Mul[0..{lanes - 1}]", "compute", meshX=lanes),
        ),
        "problem": product({"M": rows * lanes, "N": 3, "K": 16}, {"A": density}),
        "mapping": [
            loops("Far", M=rows, K=16),
            loops("Near", N=3),
            {**loops("Near", "spatial", M=lanes), "split": 3, "no_link_transfer": ["A", "B", "Z"]},
        ],
        "sparse_optimizations": {"targets": targets},
    }
    a = evaluated(tmp_path, documents, "micro22").result.levels[0].tensors["A"]
    assert a.format_accesses["random_fills"] == ((rows * 16 * lanes, 0),)
    assert a.format_accesses["random_reads"] == ((rows * 16 * lanes * 3, 0),)
    assert a.utilized_instances == 1


# --- D11 to D13: wires


def wired(**attributes):
    """4 receivers below Far, each with one row of A, and B for all of them."""
    return {
        "architecture": tree(
            part("Far", "DRAM", width=64, **attributes),
            part("Near[0..3]", meshX=4),
            part("Mul[0..3]", "compute", meshX=4),
        ),
        "problem": product({"M": 4, "N": 2, "K": 8}),
        "mapping": [loops("Far", "spatial", M=4), loops("Near", N=2, K=8)],
    }


def network(evaluation):
    (found,) = (each for each in evaluation.result.networks if each.level == "Far")
    return {name: counts.energy_pj for name, counts in found.tensors.items() if name != "Z"}


@pytest.mark.parametrize(
    ("key", "pj"),
    [
        ("energy-per-hop", {"A": 32 * 1.0, "B": 16 * 3.5}),  # half of sqrt(4); 4 - 1 + 1/2
        ("router-energy", {"A": 32 * 2.0, "B": 16 * 4.5}),  # one router more than hops
    ],
)
def test_networks_of_2022(tmp_path, key, pj):
    assert network(evaluated(tmp_path, wired(**{key: 1.0}), "micro22")) == pj
    lane_by_lane = network(evaluated(tmp_path, wired(**{key: 1.0}), "head"))
    assert lane_by_lane != pj


def test_wires_of_the_table_cost_bits_by_length(tmp_path):
    ert = {"tables": [{"name": "top.wire", "actions": [{"name": "transfer_random", "energy": 0.5}]}]}
    art = {"tables": [{"name": "top.Near", "area": 2.5e5}, {"name": "top.Mul", "area": 0}]}
    found = network(evaluated(tmp_path, {**wired(), "ERT": ert, "ART": art}, "micro22"))
    hop = 8 * 0.5 * 0.5  # a square of 250,000 um2 is half a mm wide
    assert found == pytest.approx({"A": 32 * hop, "B": 16 * 3.5 * hop})


@pytest.mark.parametrize("key", ["network_fill_latency", "network_drain_latency", "energy-per-ingress"])
def test_what_networks_had_later_is_named(tmp_path, key):
    plain = evaluated(tmp_path, wired(), "micro22").result
    result = evaluated(tmp_path, wired(**{key: 3}), "micro22").result
    assert (result.cycles, result.energy_pj) == (plain.cycles, plain.energy_pj)
    assert any(key in note and "younger" in note for note in result.skipped)


# --- D14: windows


def window(width, kernel, tiles, filters):
    """A row of windows, a tile of `width` outputs at a time, each tile for all filters before the next."""
    spaces = [
        {"name": "W", "projection": [[["M"]], [["R"]]]},
        {"name": "I", "projection": [[["P"], ["R"]]]},
        {"name": "O", "projection": [[["M"]], [["P"]]], "read-write": True},
    ]
    shape = {"name": "row", "dimensions": ["M", "P", "R"], "data-spaces": spaces}
    outer = loops("Far", M=filters, P=tiles)
    return {
        "architecture": tree(part("Far", "DRAM", width=64), part("Near"), part("Mul", "compute")),
        "problem": {"shape": shape, "instance": {"M": filters, "P": width * tiles, "R": kernel}},
        "mapping": [outer, loops("Near", P=width, R=kernel)],
    }


@pytest.mark.parametrize(("width", "kernel", "tiles"), [(4, 3, 3), (2, 5, 6), (7, 2, 2)])
@pytest.mark.parametrize(
    ("dialect", "filters", "whole"),
    [("head", 4, False), ("head-2024", 4, True), ("micro22", 4, True), ("head-2024", 1, False), ("micro22", 1, False)],
)
def test_a_window_that_stood_still_is_fetched_whole(tmp_path, width, kernel, tiles, dialect, filters, whole):
    reads = evaluated(tmp_path, window(width, kernel, tiles, filters), dialect).result.levels[1].tensors["I"].reads
    tile = width + kernel - 1
    assert reads == (tiles * tile if whole else tile + (tiles - 1) * min(width, tile))


def test_the_command_speaks_every_dialect(tmp_path):
    path = tmp_path / "all.yaml"
    path.write_text(yaml.safe_dump(window(4, 3, 3, 4)))
    reads = {}
    for dialect in ("head", "head-2024", "micro22"):
        words = ["model", str(path), "-o", str(tmp_path), "-f", "json", "--dialect", dialect]
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, done.stderr
        reads[dialect] = json.loads((tmp_path / "stats.json").read_text())["levels"]["Far"]["reads"]["I"]
    assert reads == {"head": 14, "head-2024": 18, "micro22": 18}


def test_the_text_of_a_run_says_hops_and_their_energy(tmp_path):
    text = texts_of(evaluated(tmp_path, wired(**{"energy-per-hop": 1.0}), "micro22"))["timeloop-model.stats.txt"]
    assert "Average number of hops                  : 3.50" in text
