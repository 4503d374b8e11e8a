"""The Dockerfiles read as instructions: what a build would need, and what an image must not be."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from crisp_hw import __version__

pytestmark = pytest.mark.docker

ROOT = Path(__file__).parents[1]
DOCKER = ROOT / "docker"
FILES = ("Dockerfile", "Dockerfile.full")
KNOWN = {"ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "FROM", "HEALTHCHECK", "LABEL", "RUN", "SHELL", "USER", "WORKDIR"}
LABELS = ("title", "description", "version", "licenses")


def instructions(name):
    """(instruction, arguments) in order, continued lines joined, comments gone."""
    lines = [line for line in (DOCKER / name).read_text().splitlines() if not line.lstrip().startswith("#")]
    whole = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [tuple(line.split(maxsplit=1)) for line in whole.splitlines() if line.strip()]


def stages(name):
    """The stages of a file: (base, name or None, instructions after FROM)."""
    found, given = [], {}
    for instruction, arguments in instructions(name):
        if instruction == "FROM":
            base, *rest = arguments.split()
            found.append((given.get(base.removeprefix("$"), base), rest[1] if rest else None, []))
        elif not found:  # what may be given instead, and what is taken otherwise
            assert instruction == "ARG"
            variable, _, value = arguments.partition("=")
            given[variable] = value
        else:
            found[-1][2].append((instruction, arguments))
    return found


def last(name, instruction):
    return [arguments for each, arguments in stages(name)[-1][2] if each == instruction]


@pytest.mark.parametrize("name", FILES)
def test_only_known_instructions_and_so_no_add(name):
    assert {instruction for instruction, _ in instructions(name)} <= KNOWN


@pytest.mark.parametrize("name", FILES)
def test_every_base_is_pinned_by_digest_or_a_stage(name):
    names = set()
    for base, stage, _ in stages(name):
        assert base in names or re.fullmatch(r"[a-z0-9./-]+:[\w.-]+@sha256:[0-9a-f]{64}", base), base
        names.add(stage)
    assert len(stages(name)) >= 2


@pytest.mark.parametrize("name", FILES)
def test_another_base_can_be_given(name):
    (argument,) = [arguments for instruction, arguments in instructions(name) if instruction == "ARG"]
    assert argument.startswith("BASE=")
    named = {arguments.split()[0] for instruction, arguments in instructions(name) if instruction == "FROM"}
    assert "$BASE" in named
    assert not any("@sha256" in each for each in named)


@pytest.mark.parametrize("name", FILES)
def test_it_runs_as_somebody(name):
    (user,) = last(name, "USER")
    uid, gid = user.split(":")
    assert int(uid) >= 1000
    assert int(gid) >= 1000
    order = [instruction for instruction, _ in stages(name)[-1][2]]
    assert "RUN" not in order[order.index("USER") :]


@pytest.mark.parametrize("name", FILES)
def test_it_is_the_command(name):
    assert last(name, "ENTRYPOINT") == ['["crisp-hw"]']
    (check,) = last(name, "HEALTHCHECK")
    assert check.endswith('CMD ["crisp-hw", "--version"]')
    assert "--timeout=" in check


@pytest.mark.parametrize("name", FILES)
def test_it_says_what_it_is(name):
    import tomllib

    (labels,) = last(name, "LABEL")
    found = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]+)"', labels))
    assert set(found) == set(LABELS)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (found["version"], found["licenses"]) == (__version__, project["license"])


@pytest.mark.parametrize("name", FILES)
def test_what_is_copied_is_there_and_not_ignored(name):
    given = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = set()
    for _, _, body in stages(name):
        for instruction, arguments in body:
            if instruction == "COPY" and not arguments.startswith("--from="):
                copied |= set(arguments.split()[:-1])
    assert copied <= given
    assert all((ROOT / source).exists() for source in copied)
    assert {"crisp_hw", "arch", "templates", "workloads", "constraints.txt"} <= copied


@pytest.mark.parametrize("name", FILES)
def test_stages_copy_only_from_stages_above(name):
    names = []
    for _, stage, body in stages(name):
        for instruction, arguments in body:
            if instruction == "COPY" and (source := re.match(r"--from=(\S+)", arguments)):
                assert source[1] in names
        names.append(stage)


@pytest.mark.parametrize("name", FILES)
def test_what_is_downloaded_is_checked(name):
    for instruction, arguments in instructions(name):
        if instruction == "RUN" and re.search(r"\b(curl|wget)\b.*https?:", arguments):
            assert "sha256sum --check" in arguments
        assert not (instruction == "RUN" and re.search(r"\|\s*(ba)?sh\b", arguments))


@pytest.mark.parametrize("name", FILES)
def test_the_image_is_installed_by_the_script_that_is_tested(name):
    runs = [arguments for _, _, body in stages(name) for instruction, arguments in body if instruction == "RUN"]
    assert "docker/install.sh /opt/crisp-hw /src" in runs


def test_everything_is_ignored_but_what_is_needed():
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert next(line for line in lines if not line.startswith("#")) == "*"
    assert not {"!.git", "!tests", "!.venv"} & set(lines)


def test_services_are_the_two_images_and_shut_in():
    services = yaml.safe_load((DOCKER / "compose.yaml").read_text())["services"]
    assert {each["build"]["dockerfile"] for each in services.values()} == {f"docker/{name}" for name in FILES}
    for service in services.values():
        assert (DOCKER / service["build"]["context"]).resolve() == ROOT
        assert service["network_mode"] == "none"
        assert service["init"] is True
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]


@pytest.mark.parametrize("script", sorted(DOCKER.glob("*.sh")), ids=lambda path: path.name)
def test_scripts_are_sound(script):
    text = script.read_text()
    assert text.startswith("#!/usr/bin/env bash\n")
    assert "set -euo pipefail" in text
    assert script.stat().st_mode & 0o111
    subprocess.run([shutil.which("bash"), "-n", str(script)], check=True)


def test_the_installer_never_touches_what_is_there(tmp_path):
    done = subprocess.run([DOCKER / "install.sh", tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "exists already" in done.stderr


def digits(*arguments):
    command = [sys.executable, str(DOCKER / "digits.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_recorded_digits_agree_with_themselves():
    done = digits(DOCKER / "golden.csv", DOCKER / "golden.csv")
    assert (done.returncode, done.stdout) == (0, "3 designs: as recorded\n")


def test_a_digit_that_differs_is_named(tmp_path):
    golden = (DOCKER / "golden.csv").read_text()
    (tmp_path / "found.csv").write_text(golden.replace(",12544,", ",12545,", 1))
    done = digits(DOCKER / "golden.csv", tmp_path / "found.csv")
    assert done.returncode == 1
    assert done.stdout == "crisp-stc layer4.2.conv3: cycles is 12545, recorded 12544\n"


def test_a_design_that_is_missing_is_named(tmp_path):
    header, *rows = (DOCKER / "golden.csv").read_text().splitlines(keepends=True)
    (tmp_path / "found.csv").write_text(header + "".join(rows[1:]))
    done = digits(DOCKER / "golden.csv", tmp_path / "found.csv")
    assert done.returncode == 1
    assert "crisp-stc layer4.2.conv3: cycles is nothing, recorded 12544" in done.stdout


def test_the_recorded_digits_are_those_of_this_checkout(tmp_path):
    from crisp_hw import api
    from crisp_hw.documents.tables import csv_text
    from crisp_hw.report.records import layer_records
    from crisp_hw.spec.patterns import NM

    source = api.WorkloadPattern("resnet50", NM(2, 4), 64, 0.9)
    network = api.evaluate(source, ["crisp-stc", "stc", "dense"], layers="layer4.2.conv3").network
    (tmp_path / "found.csv").write_text(csv_text(layer_records(network)))
    done = digits(DOCKER / "golden.csv", tmp_path / "found.csv")
    assert done.returncode == 0, done.stdout


def test_both_images_are_built_and_run_by_a_command():
    makefile, long = (ROOT / "Makefile").read_text(), (ROOT / "tools" / "long_run.py").read_text()
    assert "image-check:\n\tdocker/image-check.sh\n" in makefile
    assert '"image-check.sh"' in long


@pytest.mark.parametrize(("words", "code"), [(("medium",), 2), ((), 3)])
def test_without_an_engine_it_says_what_to_install(words, code, tmp_path):
    """An image that there is none of; and no engine at all."""
    for name in ("mktemp", "chmod", "rm", "id", "dirname", "sed", "timeout"):
        (tmp_path / name).symlink_to(shutil.which(name))
    if code == 2:
        (tmp_path / "docker").write_text("#!/bin/sh\nexit 0\n")
        (tmp_path / "docker").chmod(0o755)
    command = [shutil.which("bash"), str(DOCKER / "image-check.sh"), *words]
    done = subprocess.run(command, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert ("there are slim, full" if code == 2 else "apt-get install buildah debootstrap") in done.stderr


def test_the_stand_ins_of_the_full_image_refuse_what_the_programs_refuse(tmp_path):
    """Recorded runs to the letter; no result without energies; a missing document by its name."""
    subprocess.run([sys.executable, str(DOCKER / "stand_ins.py"), str(tmp_path), str(ROOT)], check=True)
    program = tmp_path / "usr" / "local" / "bin" / "timeloop-model"
    share = tmp_path / "usr" / "local" / "share" / "timeloop"
    text = program.read_text().replace("/opt/crisp-hw/bin/python", sys.executable)
    program.write_text(text.replace("/usr/local/share/timeloop", str(share)))
    from timeloop_stand_in import recorded

    def played(documents):
        folder = tmp_path / "documents"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for name, content in documents.items():
            (folder / name).write_text(content)
        command = [str(program), *sorted(documents)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        return done, {path.name for path in folder.iterdir()} - documents.keys()

    run = recorded("stc")
    done, written = played(run["documents"])
    assert (done.returncode, written) == (0, set(run["files"]))
    bare = {name: text for name, text in run["documents"].items() if name != "ERT.yaml"}
    done, written = played(bare)
    assert (done.returncode, written) == (0, set())
    done, written = played({name: text for name, text in run["documents"].items() if name != "mapping.yaml"})
    assert (done.returncode, written) == (1, set())
    assert "key not found: mapping" in done.stdout
