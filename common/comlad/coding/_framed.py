"""Whether rows that seem to lie may have been framed by those that do.

What liars send can be a word of the code but for rows between theirs, and these then
seem to lie in their stead. It takes liars close together and few rows between them.
Rows are dealt at random, so that liars hardly ever are; but those whom they frame are,
and so any set is doubted that is dense anywhere.
"""

from itertools import chain

import numpy as np

from comlad.coding._band_code import BandCode, Complex, Rows

__all__ = ["neighbourhoods", "resembles_a_word"]

# Errors of liars who frame nobody come no nearer to a word, in a thousand random sets of 20
# rows among 100, even if all send the same; with more rows and fewer liars some do.
_NEARLY = 2e-3


def neighbourhoods(n: int, out: Rows, accused: Rows) -> tuple[Rows, Rows]:
    """Where the accused are dense: rows between them, at most half as many, and themselves.

    Args:
        n: The number of rows.
        out: Rows left out of a fit.
        accused: Those of them that nothing else speaks against.
    """
    scores = np.full(n, -1.0)
    scores[out] = 0
    scores[accused] = 0.5
    # The largest sum of a run that contains a row: it goes as far as pays to either side.
    left, right = np.zeros(n), np.zeros(n)
    for i in chain(range(n), range(n)):  # twice, since the last row is next to the first
        left[i] = max(0.0, left[i - 1] + scores[i - 1])
        right[-1 - i] = max(0.0, right[-i] + scores[-i])
    density = left + scores + right
    density[out] = -1
    densest = np.argsort(-density, kind="stable")[: len(accused) // 2]
    between = np.sort(densest[density[densest] >= 0])
    elsewhere = np.ones(n, bool)
    elsewhere[out] = elsewhere[between] = False
    turned = np.roll(np.arange(n), -int(np.argmax(elsewhere)))
    places = np.empty(n, np.intp)
    places[turned] = np.cumsum(elsewhere[turned])
    return between, accused[np.isin(places[accused], places[between])]


def resembles_a_word(code: BandCode, errors: Complex, out: Rows, most: int) -> bool:
    """Whether the errors are nearly a word of the code, but for rows in no more than `most`.

    Args:
        code: The code.
        errors: Shape (n, Q), zero but in rows whose part in the word is as it is.
        out: Rows that have no say, to begin with.
        most: How many rows may be left out.
    """
    given = np.flatnonzero(errors.any(axis=1))
    enough = _NEARLY * float(np.linalg.norm(errors))
    while (fit := code.fit(errors, out)).miss > enough:
        if len(out) >= most:
            return False
        apart = fit.deviations(errors)
        apart[given] = apart[out] = -1
        out = np.union1d(out, [np.argmax(apart)])
    return True
