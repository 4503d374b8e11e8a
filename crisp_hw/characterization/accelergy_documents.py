"""Circuits as Accelergy's documents: the templates of templates/accelergy filled."""

from typing import assert_never

from crisp_hw.characterization.components import Circuit, Dram, Latches, Mac, Overhead, Sram
from crisp_hw.data_files import data_folder
from crisp_hw.errors import InputError
from crisp_hw.spec.arch import OperandBits

Attributes = dict[str, str | int]
ALADDIN_S = "5e-9"  # the row of Aladdin's tables that Sparseloop's MAC and latch energies come from (cited.yaml)
LOGIC_S = "1e-9"  # selection and decoders work within the fabric's cycle of 1 ns
OFFSET_BITS, CANDIDATES, ADDRESS_BITS = 2, 4, 32  # cited.yaml: mux_4to1_8b, onehot_4, add_int32_aladdin


def documents(circuits: tuple[Circuit, ...], node_nm: int) -> dict[str, str]:
    """File name to text: the architecture with one component per circuit, and the compound classes.

    >>> "class: crisp_mac" in documents((Mac("MAC", 8),), 45)["architecture.yaml"]
    True
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # slow to import, and seldom needed

    environment = Environment(
        loader=FileSystemLoader(data_folder("templates") / "accelergy"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    components = [
        {"name": each.name, "cls": name, "attributes": a} for each in circuits for name, a in [component_class(each)]
    ]
    values = {"node_nm": node_nm, "components": components}
    names = ("architecture.yaml", "components.yaml")
    return {name: environment.get_template(f"{name}.j2").render(values) for name in names}


def component_class(circuit: Circuit) -> tuple[str, Attributes]:
    """Compound class and attributes of a component.

    >>> component_class(Dram("DRAM", 64))
    ('crisp_dram', {'type': '"LPDDR4"', 'width': 64, 'metadata_width': 64})
    """
    match circuit:
        case Dram(_, bits, metadata_bits):
            return "crisp_dram", {"type": '"LPDDR4"', "width": bits, "metadata_width": metadata_bits or bits}
        case Sram(_, data, metadata):
            shape: Attributes = {"width": data.width_bits, "depth": data.depth, "n_banks": data.banks}
            if metadata is None:
                return "crisp_sram", shape
            extra: Attributes = {"metadata_width": metadata.width_bits, "metadata_depth": metadata.depth}
            return "crisp_sram_with_metadata", shape | extra
        case Latches(_, bits, metadata_bits):
            return "crisp_latches", {"width": bits, "metadata_width": metadata_bits, "global_cycle_seconds": ALADDIN_S}
        case Mac(name, _, OperandBits()):
            said = f"{name}: the templates for Accelergy know operands and sums of one width only"
            raise InputError(said, hint="take the energies of table, or give one word_bits")
        case Mac(_, bits):
            return "crisp_mac", {"width": bits, "global_cycle_seconds": ALADDIN_S}
        case Overhead("selection", bits):
            return "crisp_selector", {"width": bits, "inputs": CANDIDATES, "global_cycle_seconds": LOGIC_S}
        case Overhead("offset_decoder", _):
            return "crisp_offset_decoder", {
                "width": OFFSET_BITS,
                "outputs": CANDIDATES,
                "global_cycle_seconds": LOGIC_S,
            }
        case Overhead():
            return "crisp_index_decoder", {"width": ADDRESS_BITS, "global_cycle_seconds": LOGIC_S}
    assert_never(circuit)
