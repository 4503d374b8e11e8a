"""Files in, Timeloop's statistics out: against recorded texts of timeloop-model, however the documents are cut up."""

import gzip
import itertools
import json
import re
from pathlib import Path

import pytest
import yaml

from crisp_hw.dropin.model import evaluate_files, texts_of
from crisp_hw.errors import InputError, MappingError

HERE = Path(__file__).parent
CASES = HERE.parents[1] / "golden" / "cases"
STATS = "timeloop-model.stats.txt"
RECORDED = {entry["id"]: entry for entry in json.loads(gzip.decompress((HERE / "recorded.json.gz").read_bytes()))}
LAST_DIGITS = 3  # figures of one file whose last printed digit may differ: sums in another order, cut at two decimals


def golden():
    found = {}
    for path in sorted(CASES.glob("*.jsonl.gz")):
        with gzip.open(path, "rt") as lines:
            found |= {case["id"]: case for case in map(json.loads, lines)}
    return found


GOLDEN = golden()


def write(folder, documents, name="all.yaml"):
    path = folder / name
    path.write_text(yaml.safe_dump(documents, sort_keys=False))
    return path


def files_of(name, folder):
    return [write(folder, GOLDEN[name]["input"])] if name in GOLDEN else [HERE / "documents" / f"{name}.yaml"]


def figures(evaluated):
    """All that is written, without notes, which name files and lines."""
    texts = texts_of(evaluated)
    data = json.loads(texts.pop("stats.json"))
    return texts, {key: value for key, value in data.items() if key != "skipped"}, len(data["skipped"])


def differing(ours, theirs):
    """Pairs of lines that differ by more than the last digit of their figures, and the number of the others."""
    close, far = 0, []
    for mine, other in itertools.zip_longest(ours.splitlines(), theirs.splitlines(), fillvalue="(end)"):
        if mine == other:
            continue
        figures = [[float(x) for x in re.findall(r"\d+\.\d\d", line)] for line in (mine, other)]
        bare = [re.sub(r"\d+\.\d\d", "#", line) for line in (mine, other)]
        same = bare[0] == bare[1] and all(abs(a - b) < 0.0101 for a, b in zip(*figures, strict=True))
        close, far = (close + 1, far) if same else (close, [*far, (mine, other)])
    return close, far


@pytest.mark.parametrize("name", RECORDED)
def test_texts_are_those_of_timeloop(name, tmp_path):
    texts = texts_of(evaluate_files(files_of(name, tmp_path)))
    close, far = differing(texts[STATS], RECORDED[name]["stats"])
    assert far == []
    assert close <= LAST_DIGITS
    assert texts["timeloop-model.map.txt"] == RECORDED[name]["map"]


def test_nearly_all_texts_are_equal_to_the_last_digit(tmp_path):
    equal = [
        name
        for name in RECORDED
        if texts_of(evaluate_files(files_of(name, tmp_path)))[STATS] == RECORDED[name]["stats"]
    ]
    assert len(equal) >= len(RECORDED) - 2


@pytest.mark.parametrize("name", sorted(set(RECORDED) & set(GOLDEN)))
def test_json_holds_every_figure_of_a_recorded_case(name, tmp_path):
    data = json.loads(texts_of(evaluate_files(files_of(name, tmp_path)))["stats.json"])
    output = GOLDEN[name]["output"]
    for key in ("valid", "cycles"):
        assert data[key] == output[key]
    assert data["energy_pJ"] == pytest.approx(output["energy_pJ"], rel=1e-9)
    assert data["energy_uJ_printed"] == pytest.approx(output["energy_uJ_printed"], abs=0.0101)
    for level, figures in output["levels"].items():
        for key, value in figures.items():
            for tensor, expected in value.items() if isinstance(value, dict) else [(None, value)]:
                found = data["levels"][level][key]
                found = found if tensor is None else found[tensor]
                assert found == (pytest.approx(expected, rel=1e-5) if isinstance(expected, float) else expected), (
                    level,
                    key,
                )


@pytest.mark.parametrize("name", [name for name in GOLDEN if name.startswith("network")])
def test_json_holds_the_networks_of_a_recorded_case(name, tmp_path):
    found = json.loads(texts_of(evaluate_files(files_of(name, tmp_path)))["stats.json"])["networks"]
    recorded = GOLDEN[name]["output"]["networks"]
    assert found.keys() == recorded.keys()
    for network, figures in recorded.items():
        assert found[network]["total_energy_pJ"] == pytest.approx(figures["total_energy_pJ"], rel=1e-9)
        for tensor, words in figures["link_transfers"].items():
            assert found[network]["tensors"][tensor]["link_transfers"] == words
            assert found[network]["tensors"][tensor]["num_hops"] == pytest.approx(figures["num_hops"][tensor])


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("name", ["stc-11-0000", "leak-11-0002", "formats-11-0015"])
def test_files_may_be_cut_up_and_ordered_in_any_way(name, order, tmp_path):
    documents = GOLDEN[name]["input"]
    whole = figures(evaluate_files([write(tmp_path, documents)]))
    parts = [write(tmp_path, {key: value}, f"{key}.yaml") for key, value in documents.items()][::order]
    assert figures(evaluate_files(parts)) == whole
    stream = tmp_path / "stream.yaml"
    stream.write_text("---\n".join(path.read_text() for path in parts))
    assert figures(evaluate_files([stream])) == whole


def hyphenated(value):
    if isinstance(value, dict):
        names = ("meshX", "meshY", "flattened_rankIDs")
        return {k if k in names else k.replace("_", "-"): hyphenated(v) for k, v in value.items()}
    return [hyphenated(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", ["stc-11-0000", "skip-11-0025", "formats-11-0038"])
def test_hyphens_are_underscores(name, tmp_path):
    documents = GOLDEN[name]["input"]
    changed = {
        key.replace("_", "-"): value if key in ("ERT", "ART") else hyphenated(value) for key, value in documents.items()
    }
    assert changed != documents
    one, other = write(tmp_path, documents), write(tmp_path, changed, "hyphens.yaml")
    assert figures(evaluate_files([other])) == figures(evaluate_files([one]))


def test_front_end_and_flattened_form_agree():
    nodes, flat = (evaluate_files([HERE / "documents" / f"dense-{form}.yaml"]) for form in ("nodes", "flat"))
    assert texts_of(nodes)[STATS] == texts_of(flat)[STATS]
    assert texts_of(nodes)["timeloop-model.map.txt"] == texts_of(flat)["timeloop-model.map.txt"]
    assert nodes.result.cycles == 144


def test_without_a_table_energies_are_built_in(tmp_path):
    documents = {key: value for key, value in GOLDEN["dense-11-0008"]["input"].items() if key not in ("ERT", "ART")}
    evaluated = evaluate_files([write(tmp_path, documents)])
    assert any("no ERT" in note and "built-in" in note for note in evaluated.result.assumptions)
    level = evaluated.point.design.architecture.levels[-1]
    assert evaluated.action_pj(level, "random", "reads") == 200 * level.word_bits * level.block_size / 16
    assert "Vector access energy source     : PAT" in texts_of(evaluated)[STATS]


def test_a_level_without_table_entries_is_named(tmp_path):
    documents = GOLDEN["dense-11-0008"]["input"]
    tables = [table for table in documents["ERT"]["tables"] if "DRAM" not in table["name"]]
    evaluated = evaluate_files([write(tmp_path, {**documents, "ERT": {**documents["ERT"], "tables": tables}})])
    assert any(note.startswith("level DRAM: the ERT has no energy of reads") for note in evaluated.result.assumptions)


def test_an_invalid_mapping_is_an_error_with_its_reason(tmp_path):
    case = next(case for case in GOLDEN.values() if "exceeds buffer capacity" in str(case["output"].get("reason")))
    level, need, have = re.search(r"level (\w+): mapped tile size (\d+) .* (\d+)", case["output"]["reason"]).groups()
    with pytest.raises(MappingError, match=f"level {level}: {need} words of capacity needed, {have} there"):
        evaluate_files([write(tmp_path, case["input"])])


def test_missing_documents_are_named(tmp_path):
    documents = dict(GOLDEN["dense-11-0008"]["input"])
    del documents["mapping"]
    with pytest.raises(InputError, match="no document 'mapping' in the files; there are architecture, problem"):
        evaluate_files([write(tmp_path, documents)])


def test_counts_beyond_what_is_exact_are_refused(tmp_path):
    documents = json.loads(json.dumps(GOLDEN["dense-11-0008"]["input"]))
    documents["problem"]["instance"] |= dict.fromkeys(documents["problem"]["shape"]["dimensions"], 2**20)
    with pytest.raises(InputError, match=r"multiply-accumulates are too many to count exactly"):
        evaluate_files([write(tmp_path, documents)])


def test_patterns_of_existing_parsers_match(tmp_path):
    """What scripts around Timeloop look for: regular expressions, and the first and last words of lines."""
    text = texts_of(evaluate_files(files_of("dense-11-0008", tmp_path)))[STATS]
    output = GOLDEN["dense-11-0008"]["output"]
    summary = text.split("Summary Stats")[1]
    assert int(re.search(r"Cycles: (\d+)", summary)[1]) == output["cycles"]
    assert float(re.search(r"Energy: ([\d.]+) uJ", summary)[1]) == output["energy_uJ_printed"]
    computes = int(re.search(r"Computes = (\d+)", summary)[1])
    shares = dict(re.findall(r"^\s+(\S+)\s+= ([\d.]+)$", summary.split("fJ/Compute")[1], re.M))
    total_pj = float(shares.pop("Total")) * computes / 1000
    assert total_pj == pytest.approx(output["energy_pJ"], rel=1e-3)
    assert sum(map(float, shares.values())) * computes / 1000 == pytest.approx(total_pj, rel=1e-3)
    blocks = re.split(r"=== (\w+) ===", text.split("Operational Intensity")[0])
    for name, block in zip(blocks[1::2], blocks[2::2], strict=True):
        for tensor, figures in re.findall(r"^    (\w+):\n((?:        .*\n)+)", block, re.M):
            reads = int(re.search(r"Scalar reads \(per-instance\)\s+: (\d+)", figures)[1])
            assert reads == output["levels"][name]["reads"][tensor]


def test_sparse_text_names_actual_reads(tmp_path):
    text = texts_of(evaluate_files(files_of("skip-11-0025", tmp_path)))[STATS]
    found = [int(line.split(":")[1]) for line in text.splitlines() if line.strip().startswith("Actual scalar reads")]
    levels = GOLDEN["skip-11-0025"]["output"]["levels"].values()
    recorded = [reads for level in levels for reads in level.get("random_reads", {}).values()]
    assert found
    assert set(found) <= set(recorded)
    assert "fJ/Algorithmic-Compute" in text
