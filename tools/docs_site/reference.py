"""Pages of the reference that are made of the code itself: names of Python, fields of YAML files."""

import importlib
import inspect
from typing import Any

from pydantic import BaseModel

import crisp_hw
import crisp_hw.accelerators.run_schema as architectures
import crisp_hw.accelerators.schema as energies
import crisp_hw.characterization.table as characterization
import crisp_hw.workloads as workloads

PACKAGES = {
    "crisp_hw": "Evaluate a pruned network on accelerators.",
    "crisp_prune": "Prune a PyTorch model. Needs the extra `torch`.",
}
# what a file is, where one lies, and the fields that are checked
YAML_FILES: dict[str, tuple[str, type[BaseModel]]] = {
    "Accelerator": ("[arch/fabric.yaml](../../arch/fabric.yaml)", architectures.ArchFile),
    "Energy table": ("[arch/energy/reference.yaml](../../arch/energy/reference.yaml)", energies.EnergyFile),
    "Parts": ("[arch/energy/cited.yaml](../../arch/energy/cited.yaml)", characterization._PartsFile),
    "Layer table": ("[workloads/resnet50.yaml](../../workloads/resnet50.yaml)", workloads._WorkloadFile),
}


def python_page() -> str:
    """The public names of both packages, as their docstrings describe them."""
    parts = ["# Python", f"What can be imported, of version {crisp_hw.__version__}."]
    for package, what in PACKAGES.items():
        parts += [f"## `{package}`", what]
        module = importlib.import_module(package)
        values = [getattr(module, name) for name in sorted(module.__all__, key=str.lower)]
        named = [f"::: {each.__module__}.{each.__qualname__}" for each in values if documented(each)]
        parts += list(dict.fromkeys(named))  # one of two names for the same is enough
    return "\n\n".join(parts) + "\n"


def documented(value: Any) -> bool:
    """Whether a public name is a class or a function, which have docstrings."""
    return inspect.isclass(value) or inspect.isroutine(value)


def yaml_page() -> str:
    """The keys of the YAML files that a user may write."""
    parts = [
        "# YAML files",
        "Keys that are not listed are refused, and so are texts where a number must stand. `crisp-hw arch check FILE` "
        "and `crisp-hw workload check FILE` name every mistake with its line.",
    ]
    for name, (example, model) in YAML_FILES.items():
        schema = model.model_json_schema(by_alias=True)
        parts += [f"## {name}", f"For example {example}.", *table(schema)]
        for entry, definition in schema.get("$defs", {}).items():
            if "properties" in definition and not is_sourced(definition):
                parts += [f"### {title(entry)} {{: #{name.lower().replace(' ', '-')}-{title(entry).lower()} }}"]
                parts += table(definition)
    return "\n\n".join(parts) + "\n"


def title(name: str) -> str:
    """A name of a model, without what marks it as not public."""
    return name.lstrip("_").removesuffix("Entry").removesuffix("Field")


def is_sourced(definition: dict[str, Any]) -> bool:
    """Whether it is a number with its source, which stands in the table of whoever has it."""
    return set(definition.get("properties", {})) == {"value", "source"}


def table(schema: dict[str, Any]) -> list[str]:
    """What a model says of itself, and a row for each of its keys."""
    lines = ["| key | value | without it |", "|---|---|---|"]
    for key, field in schema["properties"].items():
        default = "refused" if key in schema.get("required", ()) else shown(field.get("default"))
        lines.append(f"| `{key}` | {value(field, schema)} | {default} |")
    about = " ".join((schema.get("description") or "").split())
    return [*([about] if about else []), "\n".join(lines)]


def shown(default: Any) -> str:
    """What holds where a key is missing."""
    if default in (None, "", []):
        return "nothing"
    return f"`{default['value']}`" if isinstance(default, dict) and "value" in default else f"`{default}`"


NAMES = {"string": "text", "number": "number", "integer": "whole number", "boolean": "true or false", "null": "nothing"}
BOUNDS = {"exclusiveMinimum": "> ", "minimum": "≥ ", "exclusiveMaximum": "< ", "maximum": "≤ "}


def value(field: dict[str, Any], schema: dict[str, Any]) -> str:
    """What a key may hold, in words."""
    if "$ref" in field:
        name = field["$ref"].rsplit("/", 1)[-1]
        return "number, or number with its source: `{value, source}`" if name.startswith("Sourced") else title(name)
    if "anyOf" in field or "oneOf" in field:
        found = [value(each, schema) for each in field.get("anyOf", field.get("oneOf", []))]
        return " or ".join(dict.fromkeys(each for each in found if each != "nothing"))
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return ", ".join(f"`{each}`" for each in field["enum"])
    if field.get("type") == "array":
        if "prefixItems" in field:
            return "list of " + ", ".join(value(each, schema) for each in field["prefixItems"])
        return f"list of {value(field['items'], schema)}"
    if field.get("type") == "object":
        return f"by name: {value(field['additionalProperties'], schema)}"
    bounds = ", ".join(f"{sign}{field[bound]:g}" for bound, sign in BOUNDS.items() if bound in field)
    return NAMES[field["type"]] + (f" ({bounds})" if bounds else "")
