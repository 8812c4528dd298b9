"""Links and fixed routes of the topologies a package can have, over places numbered as they lie.

Knows neither chips' properties nor the pipeline order that numbers chips elsewhere.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

NextPlace = Callable[[int, int], int | None]
"""Given where a transfer is and where it goes, the place it enters next; None where there is no way."""


@dataclass(frozen=True)
class Topology:
    """Places joined by one-way links, with the rule that fixes each route.

    Attributes:
        n_places: number of places.
        links: (from place, to place) of each link.
        next_place: the routing rule.
    """

    n_places: int
    links: tuple[tuple[int, int], ...]
    next_place: NextPlace

    def route(self, source: int, target: int) -> list[tuple[int, int]] | None:
        """The links from one place to another in order; empty if they are the same, None if there is no way."""
        route, place = [], source
        while place != target:
            entered = self.next_place(place, target)
            if entered is None:
                return None
            route.append((place, entered))
            place = entered
        return route


def ring_one_way(n: int) -> Topology:
    """Each place sends to the next, the last one to the first."""
    links = tuple((place, (place + 1) % n) for place in range(n)) if n > 1 else ()
    return Topology(n, links, lambda place, _: (place + 1) % n)


def ring_two_way(n: int) -> Topology:
    """Links both ways round; the shorter way is taken, and upwards where both are equal."""

    def next_place(place: int, target: int) -> int:
        ahead = (target - place) % n
        return (place + 1) % n if ahead <= n - ahead else (place - 1) % n

    both = {(place, (place + step) % n) for place in range(n) for step in (1, -1)} if n > 1 else set()
    return Topology(n, tuple(sorted(both)), next_place)


def chain(n: int) -> Topology:
    """Links both ways between neighbours, none between the ends."""
    links = tuple(sorted((a, b) for a in range(n) for b in (a - 1, a + 1) if 0 <= b < n))
    return Topology(n, links, lambda place, target: place + (1 if target > place else -1))


def mesh(rows: int, columns: int) -> Topology:
    """A grid with links both ways between neighbours, places numbered row by row.

    Routes are dimension-ordered (XY): first along the row to the target's column, then along that column.
    """

    def next_place(place: int, target: int) -> int:
        (row, column), (target_row, target_column) = divmod(place, columns), divmod(target, columns)
        if column != target_column:
            return place + (1 if target_column > column else -1)
        return place + (columns if target_row > row else -columns)

    n = rows * columns
    across = [(a, a + 1) for a in range(n) if (a + 1) % columns]
    down = [(a, a + columns) for a in range(n - columns)]
    links = [link for a, b in across + down for link in ((a, b), (b, a))]
    return Topology(n, tuple(sorted(links)), next_place)


def explicit(n: int, links: list[tuple[int, int]]) -> Topology:
    """Links as given; a route has the fewest links, and of equal next places enters the lowest."""
    before: list[list[int]] = [[] for _ in range(n)]
    after: list[list[int]] = [[] for _ in range(n)]
    for source, target in links:
        before[target].append(source)
        after[source].append(target)
    distance = [_distances(target, before) for target in range(n)]

    def next_place(place: int, target: int) -> int | None:
        ways = [(distance[target][entered], entered) for entered in after[place] if entered in distance[target]]
        return min(ways)[1] if ways else None

    return Topology(n, tuple(links), next_place)


def _distances(target: int, before: list[list[int]]) -> dict[int, int]:
    """Links to `target` from every place that can reach it."""
    distance, queue = {target: 0}, deque([target])
    while queue:
        place = queue.popleft()
        for source in before[place]:
            if source not in distance:
                distance[source] = distance[place] + 1
                queue.append(source)
    return distance


def snake_order(rows: int, columns: int) -> list[int]:
    """Places of a grid row by row, every other row backwards, so that neighbours in the order are neighbours."""
    return [row * columns + (columns - 1 - c if row % 2 else c) for row in range(rows) for c in range(columns)]
