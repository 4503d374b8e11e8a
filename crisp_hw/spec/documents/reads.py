"""The columns of what networks with attention read from the outermost level."""

from crisp_hw.spec.columns import Section, column
from crisp_hw.spec.vocabulary import known

OUTERMOST = Section(
    "Reads of the outermost level",
    "One record per accelerator for a network with products of activations: `outermost` in JSON.",
    (
        known("arch"),
        column("level", "text", "The level, as the accelerator's file names it."),
        column("attention_share", "share", "QK^T and PV among the MACs, computed in full."),
        column("masked_share", "share", "MACs of QK^T and PV whose result a causal mask drops, among all MACs."),
        column("read_bytes", "number", "Bytes that it delivers, metadata among them."),
        column("weights_share", "share", "Weights and their metadata among these bytes."),
        column("keys_and_values_share", "share", "Keys and values among these bytes: the KV cache in decoding."),
        column("activations_share", "share", "All other activations among these bytes."),
        column(
            "activation_reads", "ratio", "How often an activation is read: bytes read over those of all of them once."
        ),
        column("dense_read_bytes", "number", "read_bytes of the unpruned layers."),
        column("bytes_gain", "ratio", "dense_read_bytes over read_bytes."),
        column("mac_gain", "ratio", "MACs of the unpruned layers over MACs that take place."),
        known("speedup"),
        column("bound_share", "share", "Cycles of layers that the level binds among all cycles."),
    ),
)
