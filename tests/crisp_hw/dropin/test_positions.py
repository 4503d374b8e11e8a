"""Every error about a document names the file and the line of what is wrong."""

import re
from pathlib import Path

import pytest

from crisp_hw.dropin.model import evaluate_files
from crisp_hw.errors import CrispError

DOCUMENTS = Path(__file__).parent / "documents"
FLAT = (DOCUMENTS / "dense-flat.yaml").read_text()
NODES = (DOCUMENTS / "dense-nodes.yaml").read_text()
STC = (DOCUMENTS / "stc-nodes.yaml").read_text()


def error_of(text, folder, before, after):
    """The message after one replacement, and the number of the line where it was made."""
    assert text.count(before) == 1, before
    path = folder / "input.yaml"
    path.write_text(text.replace(before, after))
    with pytest.raises(CrispError) as caught:
        evaluate_files([path])
    return str(caught.value).removeprefix(f"{path}:"), text[: text.index(before)].count("\n") + 1


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("depth: 2048", "depth: many", "expected a nonnegative number, found str 'many'"),
        ("depth: 2048", "depth: -3", "expected a nonnegative number"),
        ("depth: 2048", "dpeth: 2048", "unknown attribute 'dpeth'; did you mean 'depth'?"),
        ("read_bandwidth: 4", "allow_overbooking: true", "allow_overbooking = True is not modelled"),
        ("read_bandwidth: 4", "network_fill_latency: 2.5", "expected a whole number"),
        ("read_bandwidth: 4", "network_type: 'M:N'", "network_type 'M:N' is not modelled"),
        ("read_bandwidth: 4", "power_gated_at: DRAM", "power gating at 'DRAM' is not modelled"),
        ("read_bandwidth: 4", "vector_access_energy: 2", "give the energies in an ERT"),
        ("class: regfile", "class: XY_NoC", "networks (XY_NoC) are not modelled"),
        ("meshY: 2", "meshY: 3", "meshX 4 x meshY 3 is not its 8 instances"),
        ("K: 16}", "K: 16, L: many}", "unknown key 'L'"),
        ("dimensions: [M, N, K]", "dimensions: [M, N, K, K]", "'K' is there twice"),
        ("{name: A, projection: [[[M]], [[K]]]}", "{name: A, projection: [[[Q]], [[K]]]}", "'Q'"),
        ("{target: DRAM, type: temporal, factors: N=3 M=2", "{target: DDR, type: temporal, factors: N=3 M=2", "'DDR'"),
        ("{target: DRAM, type: temporal", "{target: DRAM, type: sideways", "'sideways'"),
        ("factors: K=2 N=2", "factors: K=2 K=4", "K has two factors"),
        ("factors: K=2 N=2, permutation", "factors: K=2 N=2, premutation", "'premutation'"),
        ("bypass, keep: [A, B], bypass: [Z]", "bypass, keep: [A, B, Z], bypass: [Z]", "Z is both kept and bypassed"),
    ],
)
def test_flattened_documents(before, after, said, tmp_path):
    message, line = error_of(FLAT, tmp_path, before, after)
    block = 2 if "mesh" in before else 0  # a mesh is wrong as a whole: the level is named
    assert 0 <= line - int(re.match(r"(\d+): ", message)[1]) <= block, message
    assert said in message


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("width: bus // 2", "width: bus // two", "there is no two in scope"),
        ("width: bus // 2", "width: __import__('os')", "only functions by name are known"),
        ("width: bus // 2", "width: 2 ** 2 ** 9", "powers go up to 64"),
        ("spatial: {meshY: 2}", "spatial: {meshZ: 2}", "unknown key 'meshZ'"),
        ("spatial: {meshY: 2}", "spatial: {meshY: 2.5}", "expected a whole number"),
        ("      class: regfile", "      class: nobody", "'nobody'"),
        ("      class: regfile", "      clas: regfile", "did you mean 'class'?"),
        ("name: MAC", "name: SMEM", "the name is there already"),
        ("spatial: {factors_only: [M=4]}", "temporal: {factors_only: [M=4]}", "spatial constraints only"),
        ("spatial: {factors_only: [M=4]}", "spatial: {maximize_dims: [M]}", "lets a mapper choose"),
        ("    - !Component\n      name: MAC", "    - !Container\n      name: MAC", "the last node must be the compute"),
        ("factors: [N=3, M=2]", "factors: [N=3, Q=2]", "the factor 'Q=2'"),
        ("{target: SMEM, type: temporal", "{target: SMEMX, type: temporal", "is no level"),
        ("split: 0}", "split: 0, no_coalesce: [Q]}", "no tensor 'Q'"),
    ],
)
def test_front_end_documents(before, after, said, tmp_path):
    message, line = error_of(NODES, tmp_path, before, after)
    found = int(re.match(r"(\d+): ", message)[1])
    assert 0 <= line - found <= 1 or "last node" in message or after.startswith("name"), message
    assert said in message


def test_a_mapping_that_breaks_a_constraint_is_no_mapping(tmp_path):
    path = tmp_path / "input.yaml"
    path.write_text(STC.replace("[N<=16]", "[N<=8]"))
    with pytest.raises(
        CrispError, match=r"input.yaml:\d+: mapping of LRF: the factor N=16 breaks the constraint N<=8"
    ) as caught:
        evaluate_files([path])
    assert caught.value.exit_code == 3


def test_sparse_documents_too(tmp_path):
    message, line = error_of(STC, tmp_path, "condition_on: [A]", "condition_on: [Q]")
    assert message.startswith(f"{line}: ")
    assert "no tensor 'Q'" in message


def test_the_file_is_the_one_that_holds_the_document(tmp_path):
    parts = re.split(r"\n(?=problem:|mapping:)", FLAT)
    paths = []
    for name, text in zip(("arch", "prob", "map"), parts, strict=True):
        paths.append(tmp_path / f"{name}.yaml")
        paths[-1].write_text(text.replace("M=4 N=1 K=1", "M=4 N=2 K=1"))
    with pytest.raises(
        CrispError, match=r"map\.yaml:5: mapping of inter_column_spatial.factors: the factors of N multiply to 12"
    ):
        evaluate_files(reversed(paths))
