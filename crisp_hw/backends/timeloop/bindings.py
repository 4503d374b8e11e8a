"""`python -m crisp_hw.backends.timeloop.bindings DOCUMENTS`: timeloop-model by way of pytimeloop, in this folder.

Uses pytimeloop.app.ModelApp(config, folder, prefix).run() with pytimeloop.config.Config(text, "yaml"), as the package
has them since 2024 (github.com/Accelergy-Project/timeloop-python, bindings/applications.cpp). Its result holds the
text of stats.txt but neither map nor archive, so energies are those that are printed.
"""

import importlib
import sys
from pathlib import Path


def main(paths: list[str]) -> int:
    """Writes timeloop-model.stats.txt; ends with Timeloop's own status when it refuses the documents."""
    app, config = importlib.import_module("pytimeloop.app"), importlib.import_module("pytimeloop.config")
    text = "\n".join(Path(path).read_text(encoding="utf-8") for path in paths)
    result = app.ModelApp(config.Config(text, "yaml"), ".", "timeloop-model").run()
    Path("timeloop-model.stats.txt").write_text(result.stats_string, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
