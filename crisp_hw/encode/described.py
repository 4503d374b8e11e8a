"""A layer's operands as the options describe them: by masks, or in closed form over all masks of their pattern."""

from collections.abc import Mapping
from dataclasses import replace

from crisp_hw.encode.line_patterns import line_activations, line_weights
from crisp_hw.encode.masks import actual_weights, hybrid_weights, with_density
from crisp_hw.spec.descriptors import Descriptor, PrunedLayer
from crisp_hw.spec.encoded import Encoded
from crisp_hw.spec.options import EvaluateOptions
from crisp_hw.spec.patterns import HybridBlocks, PatternedLines
from crisp_hw.spec.problem import FULL, Problem

Masks = Mapping[str, PrunedLayer]
"""Pruned layers by name."""

FEWER = (
    "instead of the density named above; only nonzeros are stored, moved and computed, even where hardware with a "
    "fixed number of slots per N:M group would carry empty ones (pruned blocks that are not gathered)"
)


def described(encoded: Encoded, descriptor: Descriptor, options: EvaluateOptions, masks: Masks) -> Encoded:
    """The layer with its operands as the options describe them; unchanged where nothing exploits their zeros.

    `masks` are needed for the density "actual" alone.

    >>> from crisp_hw.accelerators import load_arch
    >>> from crisp_hw.descriptors import pattern_descriptor
    >>> from crisp_hw.encode import encode
    >>> from crisp_hw.spec.layer import Layer
    >>> from crisp_hw.spec.patterns import NM
    >>> layer, options = Layer("fc", "linear", 64, 64), EvaluateOptions(density="hybrid")
    >>> found = pattern_descriptor(layer, NM(2, 4), "nm")
    >>> described(encode(found, load_arch("stc")), found, options, {}).design.problem.tensor("A").density.pattern.nm
    NM(n=2, m=4)
    """
    if options.density == "model" or not encoded.design.sparse.active:
        return encoded
    return _activations(_weights(encoded, descriptor, options, masks), descriptor, options)


def _weights(encoded: Encoded, descriptor: Descriptor, options: EvaluateOptions, masks: Masks) -> Encoded:
    problem, name = encoded.design.problem, descriptor.layer.name
    if options.density == "actual":
        said = f"{name}: tiles of weights hold the nonzeros of the mask {FEWER}"
        return with_density(encoded, "A", actual_weights(masks[name], problem), said)
    found = _closed(descriptor, problem)
    if found is None:
        said = (
            f"{name}: no balanced blocks with N:M inside were found, nor N:M of N:M or N:M by row, so its weights keep "
            "the density named above"
        )
        return replace(encoded, assumptions=(*encoded.assumptions, said))
    said = f"{name}: tiles of weights hold the nonzeros of the average mask of its pattern {FEWER}"
    if descriptor.row_patterns and isinstance(found, PatternedLines):
        said += "; rows of one N:M are taken to stand together, sparsest first"
    return with_density(encoded, "A", found, said)


def _closed(descriptor: Descriptor, problem: Problem) -> HybridBlocks | PatternedLines | None:
    """Blocks where the layer was pruned in blocks; else N:M of N:M or by row where it has them, else N:M."""
    if descriptor.role == "hybrid" and descriptor.block is not None:
        blocks = hybrid_weights(descriptor, problem)
        return line_weights(descriptor, problem) if blocks is None else blocks
    lines = line_weights(descriptor, problem)
    return lines if lines is not None or descriptor.row_patterns else hybrid_weights(descriptor, problem)


def _activations(encoded: Encoded, descriptor: Descriptor, options: EvaluateOptions) -> Encoded:
    """Where the case exploits zeros of activations, and these obey N:M."""
    nm, layer, problem = options.activations, descriptor.layer, encoded.design.problem
    if nm is None or problem.tensor("B").density == FULL:
        return encoded
    found = line_activations(descriptor, nm, problem) if options.activation_share == nm.n / nm.m else None
    if found is None:
        said = (
            f"{layer.name}: activations keep the density named above, because they are sparser than {nm}, or groups of "
            f"{nm.m} channels are no groups of the columns that are multiplied"
        )
        return replace(encoded, assumptions=(*encoded.assumptions, said))
    said = f"{layer.name}: tiles of activations hold the nonzeros of the average mask of {nm} along input channels"
    return with_density(encoded, "B", found, said)
