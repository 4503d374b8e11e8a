"""The columns of what is kept on disk, what is installed, and what is wrong with files."""

from crisp_hw.spec.columns import Section, column

KEPT = Section(
    "Kept results",
    "`crisp-hw cache info`: one record per kind of results.",
    (
        column("folder", "text", "Where they lie."),
        column(
            "kind",
            "text",
            "searches, answers of cacti or accelergy, or charts: the script that draws them.",
        ),
        column("entries", "whole", "How many this version finds again."),
        column("stale", "whole", "How many other versions left; they are never read.", 1, "of other versions"),
        column("size_bytes", "whole", "Bytes of all of them.", 0, "bytes"),
    ),
)
INSTALLED = Section(
    "What is installed",
    "`crisp-hw doctor`: one record per tool or package.",
    (
        column("name", "text", "The tool or package.", 0, "what"),
        column("status", "text", "found, missing or broken."),
        column("version", "text", "Its version, as far as it tells.", 1),
        column("use", "prose", "What it is used for.", 0, "for"),
        column("place", "prose", "Where it lies.", 2, "where"),
        column("advice", "prose", "How to get it, or what is wrong with it."),
    ),
)
WRITTEN = Section(
    "Written files",
    "`crisp-hw render`, `import`, `bundle`, `arch new`, `arch copy` and `workload copy`: one record per file.",
    (column("file", "text", "The file."),),
)
MISTAKES = Section(
    "Mistakes",
    "`crisp-hw arch check` and `workload check`: one record per mistake.",
    (
        column("file", "text", "The file that holds it."),
        column("line", "whole", "Its line."),
        column("place", "text", "Which part and which field."),
        column("mistake", "prose", "What is wrong."),
        column("hint", "prose", "What to do.", 0, "next step"),
    ),
)
