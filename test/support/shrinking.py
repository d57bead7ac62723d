# SPDX-License-Identifier: PostgreSQL
"""A random statement, made smaller by Hypothesis as long as it still fails.

    rng = Recorded("query 7 3 41")          # draws as random.Random does
    statement = make(rng)
    smallest(make, rng.drawn, fails, size)  # or None

A statement is what a program makes of numbers that it draws.  Hypothesis lowers those
numbers and leaves some out, so whatever statement it tries is one that the generator
makes.  The lowest number stands for the first of several choices, and for a chance
that is missed.
"""

import functools
import random
import time

from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import strategies as st
from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.database import ExampleDatabase, choices_to_bytes
from hypothesis.errors import Flaky
from lab.processes import REPOSITORY

set_hypothesis_home_dir(REPOSITORY / "build" / "hypothesis")

STEPS = 1000  # of random(): chances are multiples of them
MAX_SECONDS = 60


class Recorded(random.Random):
    """Draws what random.Random of that seed does, and notes it as Drawn draws it."""

    def __init__(self, seed):
        super().__init__(seed)
        self.source = random.Random(seed)
        self.drawn = []

    def _note(self, number, n):
        if n > 1:
            self.drawn.append(number)
        return number

    def _randbelow(self, n):
        return self._note(self.source._randbelow(n), n)

    def choices(self, population, k=1):
        n = len(population)
        return [population[self._note(int(self.source.random() * n), n)] for _ in range(k)]

    def getrandbits(self, k):
        return self._note(self.source.getrandbits(k), 1 << k)

    def random(self):
        value = self.source.random()
        self._note(min(int((1 - value) * STEPS), STEPS - 1), STEPS)
        return value


@functools.cache
def numbers_below(n):
    return st.integers(0, n - 1)


class Drawn(random.Random):
    """Draws what Hypothesis wants: whole numbers, the lowest first.

    random.Random makes the rest of them: it takes _randbelow() from the class that
    defines it, beside getrandbits() and random()."""

    def __init__(self, draw):
        super().__init__(0)
        self.draw = draw

    def _randbelow(self, n):
        return self.draw(numbers_below(n)) if n > 1 else 0

    def choices(self, population, k=1):
        return [self.choice(population) for _ in range(k)]

    def getrandbits(self, k):
        return self._randbelow(1 << k)

    def random(self):
        return 1 - (self._randbelow(STEPS) + 0.5) / STEPS


class Beginning(ExampleDatabase):
    """Holds the numbers to begin with."""

    def __init__(self, drawn):
        super().__init__()
        self.drawn = drawn

    def fetch(self, key):
        # Of the first key, they would be taken for the end of an earlier search.
        if key.endswith(b".secondary"):
            yield choices_to_bytes(self.drawn)

    def save(self, key, value):
        pass

    def delete(self, key, value):
        pass


class Difference(Exception):
    pass


class Enough(BaseException):
    """Passes through Hypothesis."""


def smallest(make, drawn, fails, size, seconds=MAX_SECONDS):
    """The statement of least size that is found to fail; None where not even the first
    one does again.  make(rng) makes statements, the first of them of the numbers drawn."""
    found = []
    end = time.monotonic() + seconds

    @st.composite
    def statements(draw):
        return make(Drawn(draw))

    @settings(
        database=Beginning(drawn),
        phases=[Phase.reuse, Phase.shrink],
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
    )
    @given(statements())
    def search(statement):
        if time.monotonic() > end:
            raise Enough
        if fails(statement):
            found.append(statement)
            raise Difference

    try:
        search()
    except (Difference, Flaky, Enough):
        pass
    return min(found, key=size, default=None)
