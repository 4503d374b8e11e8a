"""What `characterize` returns: energies and areas of the components of an accelerator, with their sources."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from crisp_hw.returned.frames import Tables, csv, frame
from crisp_hw.spec.absent import absent
from crisp_hw.spec.characterization import Characterization as Costs
from crisp_hw.spec.characterization import Component
from crisp_hw.spec.ert import EnergyTable

if TYPE_CHECKING:
    import pandas as pd

CharacterizationTable = Literal["components", "actions", "numbers"]


@dataclass(frozen=True)
class Characterization:
    """What `characterize` returns: the energy per action and the area of every component, with sources."""

    name: str
    costs: Costs

    def __repr__(self) -> str:
        return f"{self.name}: {self.costs!r}"

    def _repr_html_(self) -> str:
        from crisp_hw.report.characterization import characterization_document
        from crisp_hw.report.notebook import table

        return "".join(map(table, characterization_document(self.name, self.costs).tables[:2]))

    if not TYPE_CHECKING:

        def __getattr__(self, name):
            """What is asked for and is not there: a sentence that says where it is."""
            if name.startswith("_") or name in ("name", "costs"):  # of a copy that is not whole yet
                raise AttributeError(name)
            frames = {f'to_frame("{each}")': list(next(iter(rows()), ())) for each, rows in self._tables().items()}
            raise absent(self, name, frames)

    @property
    def method(self) -> str:
        """How it was characterized: "table", "cacti" or "accelergy"."""
        return self.costs.method

    @property
    def node_nm(self) -> int:
        """The technology node in nm."""
        return self.costs.node_nm

    @property
    def components(self) -> tuple[Component, ...]:
        """Every component: `name`, `actions` (pJ and source), `area_um2` of one instance."""
        return self.costs.components

    @property
    def listed(self) -> tuple[Component, ...]:
        """Circuits that are no component of the model: nothing is charged with them."""
        return self.costs.listed

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What was assumed."""
        return self.costs.assumptions

    @property
    def table(self) -> EnergyTable:
        """The energies alone, as the engine takes them."""
        return self.costs.table

    def _tables(self) -> Tables:
        """The records of every table, by name."""
        from crisp_hw.report.characterization import action_records, component_records, number_records

        return {
            "components": lambda: component_records(self.costs),
            "actions": lambda: action_records(self.costs),
            "numbers": lambda: number_records(self.costs),
        }

    def to_frame(self, table: CharacterizationTable = "components") -> "pd.DataFrame":
        """Return a pandas DataFrame.

        "components" has a row per component with the area of one instance, "actions" one per component and action with
        its energy in pJ, and "numbers" one per number with its unit and source.

        Examples
        --------
        >>> from crisp_hw import characterize
        >>> found = characterize("crisp-stc").to_frame("actions").set_index(["component", "action"])
        >>> float(found["pj"]["SMEM", "read"])
        124.61
        """
        return frame(self._tables(), table)

    def to_csv(self, path: str | Path | None = None, table: CharacterizationTable = "numbers") -> str | None:
        """Write a table of `to_frame` to a CSV file; without a path, return its text."""
        return csv(self._tables(), path, table)
