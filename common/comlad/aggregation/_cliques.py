"""Large cliques of a graph in which few vertices must be left out.

A set of vertices is a clique if what is left out covers every conflict, an edge of the
complement; a small such cover is found, or ruled out, by branching: some conflict's
vertex is left out or all that it conflicts with are. Sets are the bits of a number.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["Conflicts"]


class Conflicts:
    """Which vertices exclude one another.

    Args:
        matrix: Symmetric, shape (n, n); the diagonal does not matter.
    """

    def __init__(self, matrix: NDArray[np.bool_]) -> None:
        apart = matrix & ~np.eye(len(matrix), dtype=bool)
        rows = np.packbits(apart, axis=1, bitorder="little")
        self._of = [int.from_bytes(row.tobytes(), "little") for row in rows]
        self._all = (1 << len(matrix)) - 1

    def cover(self, budget: int) -> int | None:
        """At most `budget` vertices without which there is no conflict; None if there are none."""
        return self._cover(self._all, budget)

    def first_clique(self, size: int) -> list[int] | None:
        """Of all cliques of `size` vertices the first in lexicographic order; None without one."""
        budget = len(self._of) - size
        left_out = self.cover(budget)
        if left_out is None:
            return None
        clique: list[int] = []
        chosen = gone = 0
        for vertex, conflicts in enumerate(self._of):
            if len(clique) == size:
                break
            if gone >> vertex & 1:
                continue
            # `left_out` is one way to go on from here; another is needed only if the
            # vertex is not in the clique which that one leaves.
            if left_out >> vertex & 1:
                others = gone | conflicts
                rest = self._all & ~(chosen | 1 << vertex | others)
                cover = self._cover(rest, budget - others.bit_count())
                if cover is None:
                    gone |= 1 << vertex
                    continue
                left_out = others | cover
            clique.append(vertex)
            chosen |= 1 << vertex
            gone |= conflicts
        return clique

    def _cover(self, among: int, budget: int) -> int | None:
        """Such a set for the conflicts among some of the vertices."""
        forced, among, busiest, degree, conflicts = self._reduce(among, budget)
        budget -= forced.bit_count()
        if budget < 0 or conflicts > budget * degree:
            return None
        if not conflicts:
            return forced
        vertex = 1 << busiest
        neighbors = self._of[busiest] & among
        cover = self._cover(among & ~vertex, budget - 1)
        if cover is not None:
            return forced | vertex | cover
        if degree == 2:  # only rings are left, and of a ring any vertex can be the first
            return None
        cover = self._cover(among & ~(vertex | neighbors), budget - degree)
        return None if cover is None else forced | neighbors | cover

    def _reduce(self, among: int, budget: int) -> tuple[int, int, int, int, int]:
        """What needs no branching, and what then remains.

        A vertex with more conflicts than the budget must go itself. Of a conflict whose
        one side has no other, the other side may go.

        Returns:
            What goes; the vertices that still have conflicts; one that has most of
            them; how many it has; and how many there are.
        """
        forced = 0
        while True:
            busiest = degree = total = 0
            again = False
            rest = among
            while rest:
                bit = rest & -rest
                rest ^= bit
                if not among & bit:
                    continue
                neighbors = self._of[bit.bit_length() - 1] & among
                count = neighbors.bit_count()
                if count == 0:
                    among ^= bit
                elif count > budget or count == 1:
                    gone = bit if count > budget else neighbors
                    forced |= gone
                    among &= ~gone
                    budget -= 1
                    again = True
                    if budget < 0:
                        return forced, among, 0, 0, 0
                else:
                    total += count
                    if count > degree:
                        busiest, degree = bit.bit_length() - 1, count
            if not again:
                return forced, among, busiest, degree, total // 2
