"""Shares of what is read from the outermost level, and what pruning saves of it."""

import json

from typer.testing import CliRunner

from crisp_hw.cli import app


def evaluated(*words):
    said = "-a crisp-stc --set dram_read_bandwidth=8 --no-cache"
    return CliRunner().invoke(app, ["evaluate", *words, *said.split()], prog_name="crisp-hw")


def reads(*words):
    return json.loads(evaluated(*words, "-f", "json").stdout)


def test_decoding_one_token_reads_weights_and_takes_what_their_bytes_take():
    words = "llama-7b --phase decode --context 0 --layers model.layers.0.* --nm 2:4"
    found = reads(*words.split())
    (record,) = found["outermost"]
    assert record["weights_share"] > 0.99 and record["level"] == "DRAM"
    shares = [record[f"{key}_share"] for key in ("weights", "keys_and_values", "activations")]
    assert abs(sum(shares) - 1) < 1e-12
    kept = {each["layer"]: each for each in found["layers"]}
    query = kept["model.layers.0.self_attn.q_proj"]
    assert query["dense_cycles"] == (4096 * 4096 + 64 * 4096) / 8  # a byte a weight; activations once per 64 rows
    slow = [each for each in found["layers"] if each["kind"] == "linear"]
    assert len(slow) == 7 and all(each["binds"] == "DRAM read" for each in slow) and record["bound_share"] > 0.999
    assert (
        record["bytes_gain"] < 1.7 < 1.99 < record["mac_gain"]
        and abs(record["speedup"] / record["bytes_gain"] - 1) < 1e-3
    )


def test_the_report_says_what_pruning_buys():
    words = "llama-7b --phase decode --context 4096 --layers model.layers.0.* --nm 2:4"
    said = evaluated(*words.split()).stdout
    assert "QK^T and PV are 14.2 % of the MACs" in said
    assert "crisp-stc reads" in said and "keys and values 20" in said
    assert "pruning buys 1.4" in said and "fewer bytes from DRAM" in said


def test_a_network_without_attention_has_no_such_record():
    assert "outermost" not in reads("resnet50", "--layers", "fc")
    assert "reads:" not in evaluated("resnet50", "--layers", "fc").stdout
