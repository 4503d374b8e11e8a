"""The JSON schema of architecture files, for editors: what a key may be, before `arch check` reads what it says."""

from typing import Any

from crisp_hw.accelerators.run_schema import ArchFile

NAME = "crisp-hw/arch/2"
BARE = {"anyOf": [{"type": "number"}, {"type": "string"}]}
"""What stands where a whole part may be written as one value: a number without a source, or a sentence."""


def editor_schema() -> dict[str, Any]:
    """The schema of a file that may extend another, so that nothing but its name and schema is required.

    >>> editor_schema()["required"]
    ['schema', 'name']
    """
    made = ArchFile.model_json_schema(by_alias=True, mode="validation")
    for name, part in made["$defs"].items():
        if name.startswith(("Sourced", "SayField", "WordBits")):
            made["$defs"][name] = {"anyOf": [*BARE["anyOf"], part]}
        elif name in ("Compute", "Level", "Constraint"):  # of which what it extends has the rest
            part.pop("required", None)
    words = made["$defs"]["WordBits"]["anyOf"]
    words.append({"$ref": next(f"#/$defs/{name}" for name in made["$defs"] if name.startswith("Sourced"))})
    made["properties"]["extends"] = {"type": "string", "description": "the arch file that this one changes"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **made,
        "title": NAME,
        "required": ["schema", "name"],
    }
