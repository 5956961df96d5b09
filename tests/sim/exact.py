"""Exact results of queueing theory, for the simulator to be held against. Shares nothing with the product."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from math import exp, log
from typing import Any, TypeVar

S = TypeVar("S", bound=Hashable)


def erlang_b(load: float, servers: int) -> float:
    """Share of calls lost: Erlang's recursion."""
    loss = 1.0
    for n in range(1, servers + 1):
        loss = load * loss / (n + load * loss)
    return loss


def erlang_c(load: float, servers: int) -> float:
    """Share of calls that wait, for ever if need be; load < servers."""
    loss = erlang_b(load, servers)
    return servers * loss / (servers - load * (1 - loss))


class ErlangA:
    """M/M/n with exponential patience and `places` in all, by its birth and death rates."""

    def __init__(self, rate: float, service_s: float, patience_s: float, servers: int, places: int = 2000) -> None:
        logs = [0.0]
        for n in range(1, places + 1):
            death = min(n, servers) / service_s + max(0, n - servers) / patience_s
            logs.append(logs[-1] + log(rate / death))
        most = max(logs)
        weights = [exp(one - most) for one in logs]
        total = sum(weights)
        self.p = [weight / total for weight in weights]
        self.rate, self.service_s, self.patience_s, self.servers = rate, service_s, patience_s, servers

    @property
    def mean_queue(self) -> float:
        return sum(max(0, n - self.servers) * p for n, p in enumerate(self.p))

    @property
    def abandon(self) -> float:
        """Share of all calls that give up."""
        return self.mean_queue / self.patience_s / self.rate

    @property
    def mean_wait_s(self) -> float:
        """Of all calls, by Little's law."""
        return self.mean_queue / self.rate

    @property
    def waits(self) -> float:
        return sum(self.p[self.servers :])


# ---- Markov chains


def stationary(start: S, moves: Callable[[S], Iterable[tuple[float, S]]]) -> dict[S, float]:
    """The stationary distribution of the states that can be reached. moves: (rate, next state)."""
    # here and not above: each worker of the tests imports each module, and few come here
    import numpy as np
    from scipy.sparse import csc_matrix, lil_matrix
    from scipy.sparse.linalg import spsolve

    index = {start: 0}
    todo = [start]
    rates: list[tuple[int, int, float]] = []
    while todo:
        state = todo.pop()
        for rate, after in moves(state):
            if after not in index:
                index[after] = len(index)
                todo.append(after)
            rates.append((index[state], index[after], rate))
    size = len(index)
    matrix = lil_matrix((size, size))
    for a, b, rate in rates:
        matrix[b, a] += rate
        matrix[a, a] -= rate
    matrix[0, :] = 1.0
    right = np.zeros(size)
    right[0] = 1.0
    found = spsolve(csc_matrix(matrix), right)
    return {state: float(found[i]) for state, i in index.items()}


def common_overflow_loss(loads: Sequence[float], servers: Sequence[int], common: int) -> float:
    """Share lost where each site's calls that find its servers busy go to common ones, in units of the mean talk."""

    def moves(state: tuple[int, ...]) -> Iterable[tuple[float, tuple[int, ...]]]:
        *own, shared = state
        for i, load in enumerate(loads):
            if own[i] < servers[i]:
                yield load, (*own[:i], own[i] + 1, *own[i + 1 :], shared)
            elif shared < common:
                yield load, (*own, shared + 1)
            if own[i]:
                yield float(own[i]), (*own[:i], own[i] - 1, *own[i + 1 :], shared)
        if shared:
            yield float(shared), (*own, shared - 1)

    found = stationary((0,) * (len(loads) + 1), moves)
    lost = sum(
        p * sum(load for i, load in enumerate(loads) if state[i] == servers[i])
        for state, p in found.items()
        if state[-1] == common
    )
    return lost / sum(loads)


def overflow_by_elimination(loads: Sequence[float], servers: Sequence[int], common: int) -> float:
    """`common_overflow_loss` by other means: Kronecker products of what happens at each site, and the elimination of
    Grassmann, Taksar and Heyman (Operations Research 33, 1985), which subtracts nothing and so loses no digit.
    """
    import numpy as np

    sizes = [n + 1 for n in (*servers, common)]

    def product(*parts: tuple[int, Any]) -> Any:
        """Of these matrices at their sites, and the identity at the others."""
        given, found = dict(parts), np.eye(1)
        for place, size in enumerate(sizes):
            found = np.kron(found, given.get(place, np.eye(size)))
        return found

    last = len(servers)
    more = [np.eye(size, k=1) for size in sizes]  # a call comes
    fewer = [np.diag(np.arange(1.0, size), k=-1) for size in sizes]  # each talk ends at rate 1
    full = [np.diag([0.0] * (size - 1) + [1.0]) for size in sizes]
    rates = sum(product((place, one)) for place, one in enumerate(fewer))
    for place, load in enumerate(loads):
        rates = rates + load * product((place, more[place]))
        rates = rates + load * product((place, full[place]), (last, more[last]))

    p = np.ones(len(rates))
    for n in range(len(rates) - 1, 0, -1):  # the last state is taken out: who came to it goes where it would have gone
        rates[:n, n] /= rates[n, :n].sum()
        rates[:n, :n] += np.outer(rates[:n, n], rates[n, :n])
    for n in range(1, len(rates)):
        p[n] = p[:n] @ rates[:n, n]
    p /= p.sum()
    lost = sum(load * float(p @ product((i, full[i]), (last, full[last])).sum(axis=1)) for i, load in enumerate(loads))
    return lost / sum(loads)


def mutual_loss(
    loads: tuple[float, float], servers: tuple[int, int], reserve: tuple[int, int], cap: tuple[int | None, int | None]
) -> tuple[float, float, float]:
    """Two teams that lend to each other, no waiting: (lost of the first, lost of the second, share borrowed).

    reserve, cap: of each team as a lender. State: calls of each team at home, and away.
    """

    def free(state: tuple[int, int, int, int], team: int) -> int:
        home, away = state[:2], state[2:]
        return servers[team] - home[team] - away[1 - team]

    def place(state: tuple[int, int, int, int], team: int) -> tuple[int, int, int, int] | None:
        """Where the team's next call goes; None: lost."""
        new, lender = list(state), 1 - team
        limit = cap[lender]
        if free(state, team) > 0:
            new[team] += 1
        elif free(state, lender) > reserve[lender] and (limit is None or state[2 + team] < limit):
            new[2 + team] += 1
        else:
            return None
        return new[0], new[1], new[2], new[3]

    def moves(state: tuple[int, int, int, int]) -> Iterable[tuple[float, tuple[int, int, int, int]]]:
        for team in (0, 1):
            after = place(state, team)
            if after is not None:
                yield loads[team], after
        for i in range(4):
            if state[i]:
                new = list(state)
                new[i] -= 1
                yield float(state[i]), (new[0], new[1], new[2], new[3])

    found = stationary((0, 0, 0, 0), moves)
    lost = [sum(p for state, p in found.items() if place(state, team) is None) for team in (0, 1)]
    away = sum(
        p * loads[team]
        for state, p in found.items()
        for team in (0, 1)
        if free(state, team) == 0 and place(state, team) is not None
    )
    return lost[0], lost[1], away / sum(loads)


Queue = tuple[int, int, int, int, int]  # first team's calls at home and away, second's, waiting of each


def one_way_queue(
    loads: tuple[float, float], servers: tuple[int, int], reserve: int, cap: int | None, patience: tuple[float, float]
) -> tuple[float, float, float]:
    """The first team's calls may go to the second; callers wait with exponential patience (in mean talks).

    (abandoned of the first, of the second, share of the first's calls answered by the second).
    """
    most = (servers[0] + servers[1]) * 2 + 25

    def lendable(state: Queue) -> bool:
        _, away, other, _, waiting = state
        free = servers[1] - away - other
        return free > reserve and not waiting and (cap is None or away < cap)

    def settled(state: Queue) -> Queue:
        """Free agents take who waits: own first, then borrowed."""
        home, away, other, first, second = state
        while home < servers[0] and first:
            home, first = home + 1, first - 1
        while away + other < servers[1] and second:
            other, second = other + 1, second - 1
        while first and lendable((home, away, other, first, second)):
            away, first = away + 1, first - 1
        return home, away, other, first, second

    def moves(state: Queue) -> Iterable[tuple[float, Queue]]:
        home, away, other, first, second = state
        if first < most:
            yield loads[0], settled((home, away, other, first + 1, second))
        if second < most:
            yield loads[1], settled((home, away, other, first, second + 1))
        if home:
            yield float(home), settled((home - 1, away, other, first, second))
        if away:
            yield float(away), settled((home, away - 1, other, first, second))
        if other:
            yield float(other), settled((home, away, other - 1, first, second))
        if first:
            yield first / patience[0], settled((home, away, other, first - 1, second))
        if second:
            yield second / patience[1], settled((home, away, other, first, second - 1))

    found = stationary((0, 0, 0, 0, 0), moves)
    gone = [sum(p * state[3 + team] for state, p in found.items()) / patience[team] / loads[team] for team in (0, 1)]
    served_away = sum(p * state[1] for state, p in found.items()) / loads[0]
    return gone[0], gone[1], served_away
