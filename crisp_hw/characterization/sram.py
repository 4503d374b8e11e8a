"""An SRAM array as CACTI knows it, and what CACTI says of one."""

from dataclasses import dataclass

from crisp_hw.errors import InputError

NODES_NM = (22, 32, 45, 65, 90)  # CACTI 7's technology files; between them it blends, beyond them wrappers extrapolate
MIN_WIDTH_BITS, WIDTH_STEP_BITS, MIN_DEPTH = 32, 8, 64  # per bank; below them hwcomponents-cacti scales the answer


@dataclass(frozen=True)
class SramArray:
    """One array with one read-write port: `depth` entries of `width_bits` over `banks`; an access moves one entry."""

    width_bits: int
    depth: int
    banks: int = 1
    node_nm: int = 45

    @property
    def size_bits(self) -> int:
        """Capacity in bits."""
        return self.width_bits * self.depth

    def __str__(self) -> str:
        kilobytes = f"{self.size_bits / 8192:.6g} KB"
        return f"{kilobytes} as {self.depth} x {self.width_bits} bits, {self.banks} bank(s), {self.node_nm} nm"


@dataclass(frozen=True)
class SramNumbers:
    """What CACTI says of one array: pJ per access, uW of the whole array, um2, ns.

    `organisation` is how CACTI cut the array up (Ndwl x Ndbl x Nspd x Ndcm x Ndsam1 x Ndsam2): energies run smoothly
    with the depth while it stays, and jump where it changes.
    """

    read_pj: float
    write_pj: float
    leakage_uw: float
    area_um2: float
    access_ns: float
    cycle_ns: float
    organisation: str


def check_node(node_nm: int) -> None:
    """Raises InputError for a node that CACTI has no technology file of.

    >>> check_node(7)
    Traceback (most recent call last):
    ...
    crisp_hw.errors.InputError: CACTI has no technology file for 7 nm, and numbers beyond 22 to 90 nm would be wrong ...
    """
    if node_nm not in NODES_NM:
        wrong = "between its files it only blends two" if NODES_NM[0] < node_nm < NODES_NM[-1] else "numbers beyond 22 "
        wrong += "" if NODES_NM[0] < node_nm < NODES_NM[-1] else "to 90 nm would be wrong extrapolations"
        nodes = ", ".join(map(str, NODES_NM))
        raise InputError(f"CACTI has no technology file for {node_nm} nm, and {wrong}; choose one of {nodes} nm")


def check_array(array: SramArray) -> None:
    """Raises InputError for an array that CACTI does not take as it stands.

    >>> check_array(SramArray(8, 1024))
    Traceback (most recent call last):
    ...
    crisp_hw.errors.InputError: 1 KB as 1024 x 8 bits, ...: CACTI takes widths of 32 bits or more in steps of 8; ...
    """
    check_node(array.node_nm)
    if array.width_bits < MIN_WIDTH_BITS or array.width_bits % WIDTH_STEP_BITS:
        limit = f"CACTI takes widths of {MIN_WIDTH_BITS} bits or more in steps of {WIDTH_STEP_BITS}"
        raise InputError(f"{array}: {limit}; ask for a wider array")
    if array.banks < 1 or array.banks & (array.banks - 1):
        raise InputError(f"{array}: CACTI takes a power of two of banks; choose 1, 2, 4, ...")
    if array.depth < MIN_DEPTH * array.banks:
        raise InputError(f"{array}: CACTI takes {MIN_DEPTH} entries or more per bank; ask for a deeper array")
