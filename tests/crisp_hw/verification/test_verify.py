"""One set of documents through both backends, Timeloop's part played by recorded runs."""

import re
from dataclasses import replace

import pytest
from timeloop_stand_in import computed, install, recorded, without_energies

from crisp_hw.validation.compare import Difference
from crisp_hw.validation.results import APPROXIMATED, Tolerance
from crisp_hw.verification import Verified, verification_document, verify_documents
from crisp_hw.verification.verify import LARGEST_PRIME, wider

STATS = "timeloop-model.stats.txt"


@pytest.fixture
def play_run(tmp_path, monkeypatch):
    """Put a run on PATH as timeloop-model, its files changed; returns its documents."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def put(run, edit=lambda text: text):
        install(tmp_path, {**run, "files": {file: edit(text) for file, text in run["files"].items()}})
        return run["documents"]

    return put


@pytest.fixture
def play(play_run):
    """The same of a recorded run."""
    return lambda name, edit=lambda text: text: play_run(recorded(name), edit)


@pytest.mark.parametrize("name", ["crisp-stc", "stc", "dstc", "dense", "too-small"])
def test_what_was_recorded_agrees(name, play):
    found = verify_documents(name, play(name))
    assert found.equal, found.differences or found.error
    assert found.embedded.valid == found.timeloop.result.valid == (name != "too-small")


def test_other_cycles_are_a_difference(play):
    found = verify_documents("stc", play("stc", lambda text: text.replace("4608", "4609")))
    assert not found.equal
    assert {"cycles", "MAC cycles computes", "SMEM cycles"} <= {each.what for each in found.differences}


def test_what_timeloop_refuses_is_told(play):
    found = verify_documents("x", {**play("crisp-stc"), "z.yaml": "problem: {}"})
    assert not found.equal
    assert "'problem' is there a second time" in found.error


def test_what_the_embedded_engine_refuses_is_told(play):
    found = verify_documents("unknown", play("unknown-action"))
    assert not found.equal
    assert "skippping" in found.error


def test_a_stand_in_answers_its_own_documents_alone(play):
    documents = play("stc")
    found = verify_documents("stc", {**documents, "problem.yaml": f"# a remark\n{documents['problem.yaml']}"})
    assert found.equal
    found = verify_documents("stc", {**documents, "z.yaml": "globals: {version: 0.4}"})
    assert "ended with status 97" in found.error


def documents_of(name, old="", new="", file="architecture.yaml"):
    """The documents of a recorded run, one text replaced in one of them."""
    found = recorded(name)["documents"]
    assert old in found[file]
    return {**found, file: found[file].replace(old, new)}


@pytest.mark.parametrize(
    ("documents", "note"),
    [
        (
            documents_of("stc", "class: intmac\n", "class: intmac\n          required_actions: [compute]\n"),
            "required_actions",
        ),
        (documents_of("stc", "depth: 1024\n", "depth: 1024\n            n_rdwr_ports: 2\n"), "n_rdwr_ports"),
        ({**documents_of("stc"), "z.yaml": "globals: {version: 0.4}"}, "globals"),
        ({**documents_of("stc"), "z.yaml": "compound_components: {version: 0.4, classes: []}"}, "compound_components"),
    ],
)
def test_what_has_no_effect_is_read_as_model_reads_it(documents, note, play_run):
    found = verify_documents("stc", play_run(computed(documents)))
    assert found.equal, found.differences or found.error
    assert any(note in said for said in found.unused)
    assert any(note in said for said in verification_document([found]).remarks["without effect"])


def test_a_width_of_a_multiplier_is_read(play_run):
    mac = re.compile(r"(class: intmac\n +attributes:\n)( +)")
    text = mac.sub(r"\1\2width: 8\n\2", recorded("stc")["documents"]["architecture.yaml"])
    assert "width: 8\n" in text
    found = verify_documents("stc", play_run(computed({**recorded("stc")["documents"], "architecture.yaml": text})))
    assert found.equal, found.differences or found.error


TABLES = {name: recorded("stc")["documents"][name] for name in ("ERT.yaml", "ART.yaml")}
BARE = {name: text for name, text in recorded("stc")["documents"].items() if name not in TABLES}


def test_energies_that_accelergy_made_are_those_of_both_sides(play_run):
    priced = computed({**BARE, **TABLES})
    found = verify_documents("stc", play_run(computed(BARE, TABLES)))
    assert found.equal, found.differences or found.error
    assert found.made_table
    assert found.embedded.energy_pj == pytest.approx(verify_documents("stc", play_run(priced)).embedded.energy_pj)
    assert "Accelergy made" in verification_document([found]).remarks["energies"][0]


def test_only_energies_without_areas(play_run):
    found = verify_documents("stc", play_run(computed(BARE, {"ERT.yaml": TABLES["ERT.yaml"]})))
    assert found.equal, found.differences or found.error


def test_documents_with_energies_are_evaluated_with_their_own(play):
    found = verify_documents("stc", play("stc"))
    assert not found.made_table
    assert verification_document([found]).remarks["energies"] == ()


def test_a_table_that_accelergy_made_and_nobody_can_read(play_run):
    run = computed(BARE, TABLES)
    run["files"]["timeloop-model.ERT.yaml"] = "ERT: [1, 2"
    assert "wrote tables that cannot be read" in verify_documents("stc", play_run(run)).error


def test_accelergy_without_plug_ins_gives_no_result(play_run):
    found = verify_documents("stc", play_run(without_energies(computed(BARE, TABLES))))
    assert "wrote no timeloop-model.stats.txt" in found.error


def scattered(words):
    """A matrix product whose A has so many words, half of them nonzeros, scattered."""
    return {
        "a.yaml": f"""
architecture:
  version: "0.4"
  subtree:
    - name: system
      local:
        - {{name: DRAM, class: DRAM, attributes: {{datawidth: 16, width: 16}}}}
        - {{name: MAC, class: intmac, attributes: {{datawidth: 16}}}}
problem:
  shape:
    name: product
    dimensions: [M, K]
    data_spaces: [{{name: A, projection: [[[M]], [[K]]]}}, {{name: B, projection: [[[K]]]}},
                  {{name: Z, projection: [[[M]]], read_write: true}}]
  instance:
    M: {words}
    K: 8
    densities: {{A: {{distribution: hypergeometric, density: 0.5}}}}
mapping: [{{target: DRAM, type: temporal, factors: M={words} K=8, permutation: KM}}]
ERT:
  version: "0.4"
  tables:
    - {{name: "system.DRAM[1..1]", actions: [{{name: read, energy: 200}}, {{name: write, energy: 200}}]}}
    - {{name: "system.MAC[1..1]", actions: [{{name: mac, energy: 1}}]}}
""",
    }


def more_cycles(by):
    """Statistics with more cycles."""

    def edit(text):
        return re.sub(r"(Cycles *: )(\d+)", lambda found: f"{found[1]}{int(found[2]) + by}", text)

    return edit


MANY, FEW = 16_384, 8_192  # times 8: more and less than Boost's largest prime


@pytest.mark.parametrize(
    ("rows", "cycles", "verdict"),
    [
        (MANY, 0, "equal"),
        (MANY, 1, "rounding"),
        (MANY, 2, "different"),
        (FEW, 0, "equal"),
        (FEW, 1, "different"),
        (13_091, 1, "different"),  # 104,728 words
        (13_092, 1, "rounding"),  # 104,736
    ],
)
def test_large_scattered_tensors_may_be_off_by_a_cycle(rows, cycles, verdict, play_run):
    found = verify_documents("a", play_run(computed(scattered(rows)), more_cycles(cycles)))
    assert (found.agreement, found.agrees) == (verdict, verdict != "different"), found.error
    assert found.approximated == (("A",) if 8 * rows > LARGEST_PRIME else ())


def scaled_energy(text, share):
    """Statistics in which DRAM's reads of A, and the total, take more."""
    pattern = re.compile(r"(Energy \((?:per-instance|total)\) *: )([\d.]+)")
    return pattern.sub(lambda found: f"{found[1]}{float(found[2]) * (1 + share):.2f}", text)


@pytest.mark.parametrize(("share", "verdict"), [(9e-6, "rounding"), (2e-5, "different")])
def test_their_energies_may_be_off_by_a_share(share, verdict, play_run):
    found = verify_documents("a", play_run(computed(scattered(MANY)), lambda text: scaled_energy(text, share)))
    assert found.agreement == verdict, found.beyond or found.error


def test_the_document_says_what_is_rounding_and_how_much_is_allowed(play_run):
    found = verify_documents("a", play_run(computed(scattered(MANY)), more_cycles(1)))
    document = verification_document([found])
    assert document.content["documents"][0]["verdict"] == "rounding"
    first, second = document.remarks["verdict"]
    assert first == "0 of 1 sets of documents agree in every figure"
    assert "the rounding of A alone" in second
    assert "cycles off by 1, energies off by 1.1e-05" in second
    assert {record["figure"] for record in document.records} == {each.what for each in found.differences}


def test_a_user_may_allow_more():
    assert wider(Tolerance(counts=5, energy=1e-3), APPROXIMATED) == replace(
        APPROXIMATED, counts=5, energy=1e-3, cycles=5
    )


def test_the_document_lists_every_difference(play):
    found = [
        verify_documents("good", play("stc")),
        verify_documents("bad", play("stc", lambda text: text.replace("4608", "4609"))),
        verify_documents("refused", {"a.yaml": "mapping: []"}),
    ]
    document = verification_document(found)
    assert [row[1] for row in document.tables[0].rows] == ["equal", "different", "refused"]
    assert len(document.records) == len(found[1].differences)
    assert {record["documents"] for record in document.records} == {"bad"}
    assert document.remarks["verdict"] == ("1 of 3 sets of documents agree in every figure",)
    assert document.content["documents"][0]["cycles"] == document.content["documents"][0]["timeloop_cycles"] == 4608


def test_a_long_list_is_shortened_in_the_table_alone():
    many = tuple(Difference(f"SMEM A figure {number}", "count", number, number + 1) for number in range(40))
    document = verification_document([Verified("bad", many)])
    assert len(document.tables[1].rows) == 12
    assert len(document.records) == len(document.content["differences"]) == 40
    assert document.remarks["not shown"] == ("28 more differences; --format csv or json lists all",)
