"""What the search by templates knows of some spaces before it looks at any mapping, and nodes of its tree as data."""

from dataclasses import dataclass
from functools import cached_property
from itertools import product

from crisp_hw.mapper.exact.columns import Values
from crisp_hw.mapper.exact.covers import passed_to_macs
from crisp_hw.mapper.exact.demands import Demands, demands_of
from crisp_hw.mapper.exact.layout import Layout, groups_of, layout_of
from crisp_hw.mapper.exact.leaving import Leaving
from crisp_hw.mapper.exact.program import Program
from crisp_hw.mapper.exact.sides import sides
from crisp_hw.mapper.exact.stills import Still, every_still, open_still, stills
from crisp_hw.mapper.exact.tables import Tables
from crisp_hw.mapper.exact.template import Templates
from crisp_hw.mapper.exact.variants import Variant
from crisp_hw.mapper.space import Space


@dataclass(frozen=True)
class Node:
    """Mappings of one space with some factors at 1 and the classes of the inner blocks decided; where all are, also the
    variant.
    """

    space: int
    forced: int
    decided: tuple[Still, ...]
    variant: Variant | None = None


@dataclass(frozen=True)
class NodeName:
    """A node as numbers: its classes and its variant by their places among those that the spaces have."""

    space: int
    forced: int
    decided: tuple[int, ...]
    variant: int | None = None


@dataclass(frozen=True)
class Setting:
    """Some spaces of one design: slots, tables of factors, templates, and the classes of every temporal block."""

    spaces: tuple[Space, ...]

    @cached_property
    def layout(self) -> Layout:
        """Their slots."""
        return layout_of(self.spaces[0])

    @cached_property
    def values(self) -> Values:
        """What columns are worth."""
        return Values(self.layout, groups_of(self.spaces[0], self.layout))

    @cached_property
    def tables(self) -> Tables:
        """The rows that templates need."""
        return Tables(self.values)

    @cached_property
    def demands(self) -> dict[int, Demands]:
        """What the spaces ask beside templates, by what their sides force to be 1."""
        return {forced: demands_of(self.spaces[0], self.values, forced) for forced in self.sides}

    @cached_property
    def leaving(self) -> Leaving:
        """What sparse designs leave."""
        return Leaving(self.spaces[0].design.problem)

    @cached_property
    def templates(self) -> tuple[Templates, ...]:
        """Of each space."""
        return tuple(Templates(space, self.layout) for space in self.spaces)

    @cached_property
    def open_still(self) -> Still:
        """What stands for a block that is not decided."""
        return open_still(self.spaces[0].design.problem)

    @cached_property
    def classes(self) -> tuple[tuple[Still, ...], ...]:
        """Of every temporal block, innermost first."""
        slots = enumerate(self.layout.slots)
        found = [self._stills(s, slot.level) for s, slot in slots if slot.kind == "temporal"]
        if not passed_to_macs(self.spaces[0]):
            found[0] = found[0][:1]  # MACs keep nothing, so that the order of level 0 delivers nothing else
        return tuple(found)

    def roots(self) -> tuple[Node, ...]:
        """The nodes that hold all mappings: every space, with every choice of sides."""
        where = product(range(len(self.spaces)), self.sides, self.classes[0])
        return tuple(Node(index, forced, (still,)) for index, forced, still in where)

    @cached_property
    def sides(self) -> tuple[int, ...]:
        """Per choice of sides, the factors that it forces to be 1."""
        choices = []
        for index, block in enumerate(self.spaces[0].blocks):
            if block.kind == "spatial":
                slots = [(s, slot) for s, slot in enumerate(self.layout.slots) if slot.block == index]
                active = frozenset[str]().union(*(self._active(s) for s, _ in slots))
                forced = []
                for side in sides(block, active):
                    mask = 0
                    for s, slot in slots:
                        there = side.along_x if slot.kind == "x" else side.along_y
                        for d, dim in enumerate(self.layout.dims):
                            mask |= self.layout.bit(d, s) if dim not in there else 0
                    forced.append(mask)
                choices.append(forced)
        return tuple(sum(each) for each in product(*choices))

    def program(self, node: Node) -> Program:
        """The template of a node, as arrays."""
        template = self.templates[node.space].of(self._whole(node), node.forced, node.variant)
        return Program(template, self.demands[node.forced], self.leaving)

    def key(self, node: Node) -> tuple[object, ...]:
        """Equal for nodes that no cost can tell apart; good for as long as this object lives."""
        found = self.templates[node.space].key(self._whole(node), node.forced)
        return node.space, len(node.decided), node.variant, found

    def following(self, node: Node) -> tuple[Node, ...]:
        """The nodes that hold all mappings of one whose blocks, or variant, are not all decided."""
        depth = len(node.decided)
        if depth < len(self.classes):
            return tuple(Node(node.space, node.forced, (*node.decided, still)) for still in self.classes[depth])
        variants = self.templates[node.space].variants.of(node.decided)
        return tuple(Node(node.space, node.forced, node.decided, variant) for variant in variants)

    def name_of(self, node: Node) -> NodeName:
        """A node as numbers."""
        decided = tuple(classes.index(still) for classes, still in zip(self.classes, node.decided, strict=False))
        if node.variant is None:
            return NodeName(node.space, node.forced, decided)
        variants = list(self.templates[node.space].variants.of(node.decided))
        return NodeName(node.space, node.forced, decided, variants.index(node.variant))

    def node_of(self, name: NodeName) -> Node:
        """The node of such numbers."""
        decided = tuple(classes[place] for classes, place in zip(self.classes, name.decided, strict=False))
        if name.variant is None:
            return Node(name.space, name.forced, decided)
        variants = list(self.templates[name.space].variants.of(decided))
        return Node(name.space, name.forced, decided, variants[name.variant])

    def _whole(self, node: Node) -> tuple[Still, ...]:
        return (*node.decided, *(self.open_still,) * (len(self.classes) - len(node.decided)))

    def _active(self, slot: int) -> frozenset[str]:
        """The dimensions that may do anything in a slot."""
        found = set()
        for group in self.values.groups:
            found |= {dim for place, dim in enumerate(group.dims) if (group.factors[:, place, slot] > 1).any()}
        return frozenset(self.layout.dims[dim] for dim in found)

    def _stills(self, slot: int, level: int) -> tuple[Still, ...]:
        """The classes of the block of a temporal slot, for what any of the spaces moves in it."""
        space = self.spaces[0]
        moved = frozenset[str]().union(*(each.moved(level) for each in self.templates))
        block, outermost = space.blocks[self.layout.slots[slot].block], level == len(space.keeps) - 1
        made = every_still if space.design.sparse.active else stills
        return made(space.design.problem, block, self._active(slot), outermost, moved)
