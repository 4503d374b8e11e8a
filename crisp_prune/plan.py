"""The dry run: which layer gets which pattern and why, and how sparse the model can get at all."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import floor

from torch import nn

from crisp_hw.documents.columns import table
from crisp_hw.documents.document import Document
from crisp_hw.documents.screen import screen_text, screen_width
from crisp_hw.errors import InputError, Where
from crisp_hw.spec.columns import Record
from crisp_hw.spec.documents.workloads import PLAN
from crisp_hw.spec.kinds import wrong_kind
from crisp_hw.spec.layer import Skipped
from crisp_hw.spec.shown import counted, folded_html, listed, table_html
from crisp_prune.budget import TOLERANCE, Budget
from crisp_prune.config import MAX, CrispConfig, match_glob
from crisp_prune.ends import ends_in_norm
from crisp_prune.geometry import Geometry
from crisp_prune.given import checked_module
from crisp_prune.reach import LayerPlan, plan_layer
from crisp_prune.roles import automatic_roles, of_pattern
from crisp_prune.schedule import nm_sparsity
from crisp_prune.sites import SHOWN, Site, find_sites, unsupported


@dataclass(frozen=True)
class Plan:
    """Every layer's plan, the targets of the iterations and the highest sparsity that is always reachable."""

    layers: tuple[LayerPlan, ...]
    targets: tuple[float, ...]
    skipped: tuple[Skipped, ...] = ()

    def __repr__(self) -> str:
        pruned = sum(layer.role != "dense" for layer in self.layers)
        many = f"{counted(len(self.layers), 'layer')}, {pruned} of them pruned"
        return f"<Plan: {many}, at most to {self.highest:.4f} of {self.total:,} weights; print it for the table>"

    def __str__(self) -> str:
        return screen_text(plan_document(self), screen_width()).rstrip("\n")

    def _repr_html_(self) -> str:
        headings = [column.heading for column in PLAN.columns]
        skipped = folded_html("skipped", (f"{entry.name}: {entry.reason}" for entry in self.skipped))
        return table_html(self._summary, headings, map(_row, self.layers), range(len(headings))) + skipped

    @property
    def _summary(self) -> str:
        targets = ", ".join(f"{target:.3f}" for target in self.targets)
        return f"{self.total} prunable weights; highest reachable sparsity {self.highest:.4f}; targets {targets}"

    @property
    def total(self) -> int:
        """Prunable weights: those of the hybrid and N:M-only layers."""
        return sum(layer.weights for layer in self.layers if layer.role != "dense")

    @property
    def highest(self) -> float:
        """Highest sparsity that is reachable, over the prunable weights (0.0 when there are none)."""
        kept = sum(layer.lowest_kept for layer in self.layers if layer.role != "dense")
        return 1 - kept / self.total if self.total else 0.0

    def layer(self, name: str) -> LayerPlan:
        """The plan of one layer (KeyError when there is none)."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise KeyError(name)


SCHEMA = "crisp-prune/plan/1"


def plan_document(plan: Plan) -> Document:
    """The dry run as a document: a row per layer, what was skipped, and how far the model can get.

    >>> plan_document(Plan((), (0.5,))).content["highest"]
    0.0
    """
    keys = [column.key for column in PLAN.columns]
    rows = [dict(zip(keys, _row(layer), strict=True)) for layer in plan.layers]
    records = [_record(layer) for layer in plan.layers]
    remarks = {"skipped": tuple(f"{entry.name}: {entry.reason}" for entry in plan.skipped)}
    content = {
        "schema": SCHEMA,
        "prunable_weights": plan.total,
        "highest": plan.highest,
        "targets": list(plan.targets),
        "layers": records,
        "skipped": [{"name": entry.name, "reason": entry.reason} for entry in plan.skipped],
    }
    shown = (table("plan", PLAN.columns, rows),)
    return Document("plan", shown, remarks, records, content, summary={"totals": (plan._summary,)})


def _record(layer: LayerPlan) -> Record:
    rows, columns = layer.grid.shape
    return {
        "layer": layer.name,
        "role": layer.role,
        "rows": layer.grid.rows,
        "columns": layer.grid.columns,
        "block_rows": rows,
        "block_columns": columns,
        "lowest_kept": layer.lowest_kept,
        "why": layer.reason,
    }


def _row(layer: LayerPlan) -> tuple[str, ...]:
    rows, columns = layer.grid.shape
    reach = "-" if layer.role == "dense" else f"{1 - layer.lowest_kept / layer.weights:.4f}"
    matrix = f"{layer.grid.rows} x {layer.grid.columns}"
    return layer.name, layer.role, matrix, f"{rows} x {columns}", reach, layer.reason


def make_plan(model: nn.Module, config: CrispConfig, geometry: Geometry | None = None) -> Plan:
    """Roles, reasons and reach for every convolution and Linear weight, without touching the model.

    Without `geometry` the first convolution and the final classifier are the first and last *registered* layers;
    with it, those called first and last, and layers never called stay dense. A network whose last layer is followed by
    a norm has no classifier. Raises InputError for an override that
    matches no layer or asks for what the layer cannot have.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3), nn.Flatten(), nn.Linear(32, 4))
    >>> plan = make_plan(model, CrispConfig(sparsity=0.6, block=8))
    >>> [(layer.name, layer.role) for layer in plan.layers]
    [('0', 'dense'), ('1', 'hybrid'), ('3', 'nm')]
    """
    if not isinstance(config, CrispConfig):
        raise wrong_kind("config", config, "CrispConfig(...)")
    sites = tuple(_judged(site, geometry) for site in find_sites(checked_module(model)))
    _check_globs(config, sites)
    registered = [use.name for site in sites for use in site.uses]
    order = registered if geometry is None else list(geometry.order)
    by_name = {site.name: site for site in sites}
    owners = {use.owner for site in sites for use in site.uses}
    headless = ends_in_norm(model, owners) if geometry is None else geometry.headless
    roles = of_pattern(automatic_roles(sites, order, headless), config)
    layers = tuple(plan_layer(model, config, by_name[name], automatic) for name, automatic in roles.items())
    never = () if geometry is None else tuple(_never_called(sites, order))
    routed = tuple(
        Skipped(site.name, "pruned, not exported: a router decides how many vectors each of its stacked weights sees")
        for site in sites
        if site.layout == "stacked" and roles[site.name][0] != "dense"
    )
    outside = () if geometry is None else tuple(Skipped(*entry) for entry in geometry.outside.items())
    found = Plan(layers, (), never + routed + outside + unsupported(model, sites))
    return replace(found, targets=reaching(config, found).targets)


def reaching(config: CrispConfig, plan: Plan) -> CrispConfig:
    """The config with a number where it says "max": the highest sparsity of the plan, rounded down.

    >>> model = nn.Sequential(nn.Linear(16, 16), nn.Linear(16, 4))
    >>> config = CrispConfig(sparsity="max", block=4)
    >>> reaching(config, make_plan(model, config)).sparsity
    0.8
    """
    if config.sparsity != MAX:
        return config
    return replace(config, sparsity=max(_rounded_down(plan.highest), nm_sparsity(config.n, config.m)))


def require_reachable(plan: Plan, sparsity: float) -> None:
    """Raise InputError unless the plan can reach `sparsity`; the message names the layers that hold it back.

    >>> require_reachable(make_plan(nn.Sequential(nn.Linear(8, 8)), CrispConfig(sparsity=0.5, block=8)), 0.5)
    """
    if not plan.total:
        raise InputError(
            "the model has no convolution or Linear layer that can be pruned", hint="see `plan` for the reasons"
        )
    if sparsity <= plan.highest + TOLERANCE or len(plan.targets) == 1:  # the first iteration is N:M, whatever it gives
        return
    prunable = [layer for layer in plan.layers if layer.role != "dense"]
    worst = sorted(prunable, key=lambda layer: layer.lowest_kept, reverse=True)[:3]
    blame = ", ".join(f"{layer.name} keeps {layer.lowest_kept} of {layer.weights} ({layer.role})" for layer in worst)
    hint = f"take sparsity={_rounded_down(plan.highest)} or sparsity={MAX!r}, a smaller block, or another role for "
    hint += "those layers"
    if waiting := [layer.name for layer in plan.layers if layer.role == "dense" and layer.reason.endswith(SHOWN)]:
        hint = f"give a sample, which shows whether {listed(waiting, 3)} must stay dense; or {hint}"
    said = f"sparsity {sparsity:.4f} is out of reach: the highest is {plan.highest:.4f}, held back most by {blame}"
    raise InputError(said, hint=hint)


def _rounded_down(sparsity: float) -> float:
    """To four digits, as tables show it."""
    return floor(sparsity * 1e4) / 1e4


def require_the_same(plan: Plan, pruned: Iterable[str]) -> None:
    """Refuse a forward pass that shows too late that a layer should have stayed dense."""
    for layer in plan.layers:
        if layer.role == "dense" and layer.name in pruned:
            raise InputError(
                f"was pruned before a forward pass showed that it must stay dense ({layer.reason})",
                Where(key=layer.name),
                "give Crisp a sample at the start",
            )


def budget_of(plan: Plan, config: CrispConfig) -> Budget:
    """The budget that `select` works with.

    >>> model = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 4))
    >>> budget_of(make_plan(model, CrispConfig(sparsity=0.5, block=8)), CrispConfig(sparsity=0.5, block=8)).fixed
    16
    """
    fixed = sum(layer.nm_kept for layer in plan.layers if layer.role == "nm")
    ceilings = {layer.name: match_glob(config.max_sparsity, layer.name) for layer in plan.layers}
    hybrid = tuple(layer.name for layer in plan.layers if layer.role == "hybrid")
    return Budget(plan.total, fixed, {name: top for name, top in ceilings.items() if top is not None}, hybrid)


def _judged(site: Site, geometry: Geometry | None) -> Site:
    """The site with what a recorded forward pass, or the lack of one, says against pruning it."""
    seen = site.own_code if geometry is None else geometry.obstacles.get(site.name, "")
    return replace(site, obstacle=site.obstacle or seen)


def _check_globs(config: CrispConfig, sites: tuple[Site, ...]) -> None:
    """An override that matches nothing is a typing error."""
    names = [site.name for site in sites]
    for glob in (*config.roles, *config.max_sparsity):
        if not any(match_glob({glob: True}, name) for name in names):
            raise InputError(f"{glob!r} matches no layer", hint=f"the layers are {', '.join(names)}")


def _never_called(sites: tuple[Site, ...], order: list[str]) -> list[Skipped]:
    """Places without a call in the recorded forward pass."""
    names = [use.name for site in sites for use in site.uses]
    return [Skipped(name, "never called in the recorded forward pass") for name in names if name not in order]
