"""The figures of publications: packaged files, read strictly."""

from typing import TypeVar

from pydantic import BaseModel

from crisp_hw.data_files import data_folder
from crisp_hw.machine.yaml_files import checked, read_mapping

Schema = TypeVar("Schema", bound=BaseModel)


def published(name: str, schema: type[Schema]) -> Schema:
    """The figures of one publication."""
    path = data_folder("published") / f"{name}.yaml"
    return checked(schema, read_mapping(path, "reinstall crisp-hw"), "published")
