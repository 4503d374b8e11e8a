"""The schema of every JSON that a command prints or writes, by the name that stands in it."""

from typing import Any

from pydantic import BaseModel

from crisp_hw.schemas import files, pruning, results, stock, studies

SCHEMAS: dict[str, type[BaseModel]] = {
    str(model.model_fields["schema_"].annotation.__args__[0]): model  # type: ignore[union-attr]  # a Literal of one
    for model in (
        *(results.Result, results.Comparison, results.Replay, results.Verification, results.Validation),
        results.Reproduction,
        results.Check,
        *(files.Model, files.Map, files.Explanation, files.Error, files.Written),
        *(stock.Accelerators, stock.Accelerator, stock.Characterization, stock.Workloads, stock.WorkloadTable),
        *(stock.Points, stock.Measurement, stock.Description, stock.Kept, stock.Doctor, stock.Mistakes),
        *(studies.Exploration, pruning.Plan, pruning.Run, pruning.OneShot, pruning.Comparison),
    )
}
"""Models by schema name, such as "crisp-hw/result/2"; a test validates what every command prints against them."""


def json_schema(name: str) -> dict[str, Any]:
    """One of them as a JSON schema.

    >>> json_schema("crisp-hw/doctor/1")["title"]
    'crisp-hw/doctor/1'
    """
    made = SCHEMAS[name].model_json_schema(by_alias=True, mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "title": name}
