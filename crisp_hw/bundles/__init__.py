"""An evaluation in one file: documents, versions, options, results; and its replay."""

from crisp_hw.bundles.archive import read_files, write_files
from crisp_hw.bundles.manifest import Manifest
from crisp_hw.bundles.pack import load, pack
from crisp_hw.bundles.replay import Replayed, replay, replay_document

__all__ = ["Manifest", "Replayed", "load", "pack", "read_files", "replay", "replay_document", "write_files"]
