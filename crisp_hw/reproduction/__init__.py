"""Publications computed anew: what each claims, what crisp-hw finds, and why they differ.

The figures of publications stand in `published/`, with their sources.
"""

from crisp_hw.reproduction.catalogue import REPRODUCTIONS, reproduce
from crisp_hw.reproduction.request import Request

__all__ = ["REPRODUCTIONS", "Request", "reproduce"]
