"""What a file or an answer may hold: these keys, in these types, and nothing else."""

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """An object with these keys and no others; no value is converted: `true` is not 1 and 3.0 is not 3.

    >>> class Size(Strict):
    ...     words: int
    >>> Size(words=3)
    Size(words=3)
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
