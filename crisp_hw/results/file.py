"""What result.json holds besides the tables: the whole evaluation, and a checksum of everything."""

import json
from collections.abc import Mapping
from hashlib import sha256

from crisp_hw.results.keep import kept
from crisp_hw.spec.evaluation import NetworkEvaluation
from crisp_hw.spec.spelling import plain_value

EVALUATION, CHECKSUM = "evaluation", "sha256"


def whole(content: Mapping[str, object], network: NetworkEvaluation) -> dict[str, object]:
    """What makes a result of the tables of an evaluation: all that `read_result` needs to have it back.

    >>> from crisp_hw.results.head import SCHEMA
    >>> sorted(whole({"schema": SCHEMA}, NetworkEvaluation("nothing", ())))
    ['evaluation', 'sha256']
    """
    evaluation = plain_value(kept(network))
    return {EVALUATION: evaluation, CHECKSUM: checksum({**content, EVALUATION: evaluation})}


def checksum(content: Mapping[str, object]) -> str:
    """The sha256 of everything but the checksum itself; spaces and the order of keys do not matter.

    >>> checksum({"a": 1, "b": 2, "sha256": "x"}) == checksum({"b": 2, "a": 1})
    True
    """
    said = {key: value for key, value in content.items() if key != CHECKSUM}
    return sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
