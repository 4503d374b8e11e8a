"""Which layers are pruned in which way before the user has a say, and why."""

from crisp_hw.spec.descriptors import Role
from crisp_prune.choices import WITH_NM
from crisp_prune.config import CrispConfig
from crisp_prune.sites import Site


def automatic_roles(sites: tuple[Site, ...], order: list[str], headless: bool = False) -> dict[str, tuple[Role, str]]:
    """Role and reason of every site by definition 2, in order of first call; those never called come last.

    The last layer is the classifier, but for a network that is `headless`.
    """
    place = {name: index for index, name in enumerate(order)}
    calls = {site.name: sorted(place[use.name] for use in site.uses if use.name in place) for site in sites}
    ranked = sorted(sites, key=lambda site: calls[site.name] or [len(order)])
    called = [site for site in ranked if calls[site.name]]
    first = next((site for site in called if site.kind == "conv2d"), None)
    last = None if headless else max(called, key=lambda site: calls[site.name][-1], default=None)
    roles: dict[str, tuple[Role, str]] = {}
    for site in ranked:
        if site.obstacle:
            roles[site.name] = "dense", site.obstacle
        elif not calls[site.name]:
            roles[site.name] = "dense", "never called"
        elif site == first:
            roles[site.name] = "dense", "first convolution"
        elif site == last:
            roles[site.name] = "nm", "final classifier"
        else:
            roles[site.name] = "hybrid", "convolution" if site.kind == "conv2d" else "linear"
    return roles


def of_pattern(roles: dict[str, tuple[Role, str]], config: CrispConfig) -> dict[str, tuple[Role, str]]:
    """The roles that a pattern has: N:M alone has no blocks, and units without N:M leave the classifier dense."""
    found = dict(roles)
    for name, (role, reason) in roles.items():
        if config.pattern == "nm" and role == "hybrid":
            found[name] = "nm", reason
        elif config.pattern not in WITH_NM and role == "nm":
            found[name] = ("hybrid" if config.pattern == "unstructured" else "dense"), reason
    return found
