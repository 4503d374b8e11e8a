"""An evaluation to the bytes of a bundle, and a bundle's file to its parts."""

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from crisp_hw.bundles.archive import read_files, sha256, write_files
from crisp_hw.bundles.beyond import Beyond, split
from crisp_hw.bundles.manifest import EVALUATION, FORMAT, NAME, DesignEntry, FileEntry, Manifest
from crisp_hw.documents.document import versions
from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.report.files import result_text
from crisp_hw.spec.evaluation import NetworkEvaluation
from crisp_hw.spec.result import Result
from crisp_hw.spec.spelling import read_spelled, spelled
from crisp_hw.timeloop.render.documents import render
from crisp_hw.timeloop.yaml.texts import Documents

T = TypeVar("T")


@dataclass(frozen=True)
class Bundle:
    """A bundle that was read: what it says, and documents and result of every design, in the manifest's order.

    `beyond` is what the documents of a design cannot say (None: nothing), `masks` the entries that it refers to.
    """

    manifest: Manifest
    documents: tuple[Documents, ...]
    results: tuple[Result, ...]
    beyond: tuple[Beyond | None, ...]
    masks: Mapping[str, bytes]


def pack(
    network: NetworkEvaluation, backend: str, source: Mapping[str, Any], options: Mapping[str, Any], tool: str | None
) -> bytes:
    """The bytes of a bundle; the same evaluation gives the same bytes on the same machine.

    What documents cannot say (masks, blocks, position skipping) lies beside them. Raises MappingError or InputError
    where a design point has no documents all the same.

    >>> whole = pack(NetworkEvaluation("nothing", ()), "embedded", {"workload": "none"}, {}, None)
    >>> whole == pack(NetworkEvaluation("nothing", ()), "embedded", {"workload": "none"}, {}, None)
    True
    """
    contents = {EVALUATION: result_text(network).encode()}
    designs = []
    for number, row in enumerate(network.rows):
        folder = f"designs/{number:04d}"
        names = {}
        point, beyond, masks = split(row.point)
        for name, text in render(point, row.sources).items():
            names[name] = f"{folder}/{name}"
            contents[names[name]] = text.encode()
        contents[f"{folder}/result.json"] = spelled(row.result, indent=1).encode()
        design = DesignEntry(arch=row.arch, layer=row.layer, documents=names, result=f"{folder}/result.json")
        if beyond:
            contents |= {**masks, f"{folder}/beyond.json": spelled(beyond).encode()}
            design = design.model_copy(update={"beyond": f"{folder}/beyond.json"})
        designs.append(design)
    manifest = Manifest(
        format=FORMAT,
        network=network.name,
        backend=backend,
        tool=tool,
        versions=versions(),
        platform=f"{platform.system()} {platform.machine()}",
        source=dict(source),
        options=dict(options),
        seeds=_seeds(network.provenance),
        assumptions=list(network.assumptions),
        designs=designs,
        files={name: FileEntry(bytes=len(text), sha256=sha256(text)) for name, text in sorted(contents.items())},
        evaluation=EVALUATION,
    )
    return write_files({**contents, NAME: spelled(manifest, indent=1).encode()})


def load(path: Path) -> Bundle:
    """A bundle's file, every checksum verified; InputError says which part is missing, changed or malformed."""
    manifest, contents = checked_contents(path)
    documents = tuple(
        {name: entry_text(path, contents, entry) for name, entry in design.documents.items()}
        for design in manifest.designs
    )
    results = tuple(
        _read(path, Result, entry_text(path, contents, each.result), each.result) for each in manifest.designs
    )
    beyond = tuple(
        _read(path, Beyond, entry_text(path, contents, each.beyond), each.beyond) if each.beyond else None
        for each in manifest.designs
    )
    masks = {name: content for name, content in contents.items() if name.startswith("masks/")}
    return Bundle(manifest, documents, results, beyond, masks)


def checked_contents(path: Path) -> tuple[Manifest, dict[str, bytes]]:
    """What a bundle says of itself and the bytes of its other entries, every checksum verified; InputError as `load`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     place = Path(folder) / "b.zip"
    ...     _ = place.write_bytes(pack(NetworkEvaluation("nothing", ()), "embedded", {"workload": "none"}, {}, None))
    ...     list(checked_contents(place)[1])
    ['result.json']
    """
    contents = read_files(path)
    if NAME not in contents:
        raise InputError(f"has no {NAME}", Where(mark=Mark(str(path))), "give a file of `crisp-hw bundle`")
    manifest = _read(path, Manifest, contents.pop(NAME), NAME)
    _check_files(path, manifest, contents)
    return manifest, contents


def _seeds(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Whatever the pruned-model file calls a seed, at any depth; plain values only."""
    found: dict[str, Any] = {}
    for key, value in provenance.items():
        if isinstance(value, Mapping):
            found |= {f"{key}.{inner}": seed for inner, seed in _seeds(value).items()}
        elif "seed" in key.lower() and isinstance(value, int | float | str):
            found[key] = value
    return found


def _read(path: Path, kind: type[T], text: str | bytes, name: str) -> T:
    try:
        return read_spelled(kind, text)
    except InputError as error:
        raise InputError(f"{name}: {error}", Where(mark=Mark(str(path))), "give a file of `crisp-hw bundle`") from error


def _check_files(path: Path, manifest: Manifest, contents: Mapping[str, bytes]) -> None:
    if contents.keys() != manifest.files.keys():
        odd = sorted(contents.keys() ^ manifest.files.keys())
        raise InputError(
            f"{NAME} and the entries disagree about {', '.join(odd[:5])}",
            Where(mark=Mark(str(path))),
            "the file was changed",
        )
    for name, entry in manifest.files.items():
        if len(contents[name]) != entry.bytes or sha256(contents[name]) != entry.sha256:
            raise InputError(
                f"{name} is not what {NAME} says (sha256)", Where(mark=Mark(str(path))), "the file was changed"
            )


def entry_text(path: Path, contents: Mapping[str, bytes], name: str) -> str:
    """One entry as text; InputError where it is not there, or is none."""
    if name not in contents:
        raise InputError(f"{NAME} names {name}, which is not there", Where(mark=Mark(str(path))))
    try:
        return contents[name].decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is not UTF-8 text", Where(mark=Mark(str(path)))) from error
