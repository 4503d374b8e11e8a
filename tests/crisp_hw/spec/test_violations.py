"""No kind of error of the schema's library reaches a sentence in the library's words."""

from typing import get_args

from pydantic import BaseModel, Field, ValidationError
from pydantic_core import core_schema

from crisp_hw.spec.violations import first_violation, violation

KINDS = get_args(core_schema.ErrorType)


def test_every_kind_of_error_has_words_of_our_own():
    assert len(KINDS) > 80
    for kind in KINDS:
        context = {"expected": "'a'", "pattern": "^x$"}
        said = violation({"type": kind, "loc": (), "msg": "Input should be pydantic", "input": 1, "ctx": context})
        assert "Input" not in said and "pydantic" not in said and len(said) < 60
        assert said.startswith(("should ", "is ", "contains ")), said


def test_numbers_are_told():
    class Size(BaseModel):
        words: float = Field(gt=0, le=8)

    for given, said in ((-1, "words should be greater than 0"), (9, "words should be less than or equal to 8")):
        try:
            Size(words=given)
        except ValidationError as error:
            assert first_violation(error.errors()) == said
