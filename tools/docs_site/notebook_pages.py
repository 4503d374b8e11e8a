"""Executed notebooks as pages, in the look of the others."""

from pathlib import Path, PurePosixPath

from nbconvert import MarkdownExporter


def notebook_files(path: Path, name: str) -> dict[str, str | bytes]:
    """The page of a notebook and its pictures, by their names on the site."""
    exporter = MarkdownExporter()
    folder = PurePosixPath(name).parent
    stem = path.stem
    text, resources = exporter.from_filename(str(path), {"output_files_dir": f"{stem}_files", "unique_key": stem})
    return {
        str(folder / f"{stem}.md"): text,
        **{str(folder / output): content for output, content in resources.get("outputs", {}).items()},
    }
