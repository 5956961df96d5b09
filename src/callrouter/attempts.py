"""What became of call attempts, as Prometheus metrics: served, not served and why, lent, on hold.

Counted from the router's notices as they are told. Labels are bounded by the plan: never a caller, never an agent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prometheus_client import CollectorRegistry, Gauge, Histogram

from callrouter.core.commands import (
    AnsweredWithoutAgent,
    CallAnswered,
    CallFinished,
    CallOffered,
    Command,
    OfferFinished,
    Outcome,
    Unserved,
)
from callrouter.core.events import Result
from callrouter.core.plan import Plan
from callrouter.tally import Count

WAIT_BUCKETS_S = (1, 2, 5, 10, 20, 30, 45, 60, 90, 120, 180, 240, 300, 600)
NO_HOTLINE = "-"  # label of a call whose number belongs to no hotline
WAITED = (Outcome.ANSWERED, Outcome.ABANDONED, Outcome.BUSIED)  # outcomes whose wait says something


class Attempts:
    """Feed it from one task."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Count:
            return Count(f"callrouter_{name}", text, labels, registry=registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"callrouter_{name}", text, labels, registry=registry)

        self.offered = counter(
            "calls_offered_total",
            "Call attempts that arrived in opening hours; busied and abandoned ones are included.",
            "hotline",
        )
        self.closed = counter(
            "calls_closed_total", "Call attempts that arrived outside opening hours; not among the offered.", "hotline"
        )
        self.ended = counter(
            "calls_finished_total", "Ended call attempts by what came of them: exactly one outcome each.",
            "hotline", "outcome",
        )  # fmt: skip
        self.unserved = counter(
            "calls_unserved_total",
            "Ended call attempts in opening hours that reached no agent, by why: the caller gave up in the menu, while "
            "he waited, or while a phone rang for him; he was told busy at the ring limit, because nobody was "
            "there, because nobody was free and nobody may wait, or because the line was full; the failsafe had him; "
            "or his end was not seen.",
            "hotline", "reason",
        )  # fmt: skip
        self.answered = counter(
            "calls_answered_total", "Call attempts that an agent answered, by the agent's team.", "hotline", "team"
        )
        self.within_target = counter(
            "calls_answered_within_target_total",
            "Call attempts whose agent answered no later than the hotline's target (240 s unless set) after arrival.",
            "hotline",
        )
        self.wait = Histogram(
            "callrouter_call_wait_seconds",
            "Time from arrival to the agent's answer, or to the end of an attempt without one; by outcome.",
            ("hotline", "outcome"),
            buckets=WAIT_BUCKETS_S,
            registry=registry,
        )
        self.talk = counter(
            "call_talk_seconds_total", "Time that agents talked with callers, added when the call ends.", "hotline"
        )
        self.on_hold = counter(
            "call_on_hold_seconds_total",
            "Time that callers were on hold after an agent had answered: they pay for it. Put on hold by the agent's "
            "phone; part of the talk time, added when the call ends.",
            "hotline",
        )
        self.put_on_hold = counter(
            "calls_put_on_hold_total", "Ended call attempts in which the agent had put the caller on hold.", "hotline"
        )
        self.offers = counter(
            "offers_total", "Agents' phones that were rung for a call, by how that ended.", "team", "result"
        )
        lent = ("agreement", "borrower", "lender")
        self.lent = counter(
            "overflow_calls_total",
            "Call attempts of the borrowing team that the lending team answered under an overflow agreement.",
            *lent,
        )
        self.lent_talk = counter(
            "overflow_talk_seconds_total",
            "Time that the lending team talked with callers of the borrowing one under an agreement, added when the "
            "call ends. Partners are even when both directions are equal.",
            *lent,
        )
        self.without_agent = counter(
            "answered_without_agent_total",
            "Callers whose call was answered though no agent had answered: they paid to wait. Must stay 0.",
            "hotline",
        )
        self.hotline = gauge("hotline_info", "Which site a hotline belongs to, as a label.", "hotline", "site")
        self.team = gauge("team_info", "Which site a team's agents are at, as a label.", "team", "site")
        self.target = gauge(
            "hotline_target_seconds", "A caller should be talking to an agent within this time of arrival.", "hotline"
        )
        self.counts: dict[type[Command], Callable[[Any], None]] = {  # how each notice about an attempt is counted
            CallOffered: self._offered,
            CallAnswered: self._answered,
            CallFinished: self._ended,
            OfferFinished: self._offer_finished,
            AnsweredWithoutAgent: self._without_agent,
        }
        self._borrowers: dict[tuple[str, str], str] = {}  # (agreement, lender) -> borrower, of all plans so far

    def show_plan(self, plan: Plan) -> None:
        """Let the plan's series begin at zero: a rate over one that begins with its first event would miss it."""
        self.ended.labels(NO_HOTLINE, Outcome.UNKNOWN_NUMBER.value)
        lenders: dict[str, list[str]] = {}
        for agreement in plan.agreements:
            lenders.setdefault(agreement.borrower, []).append(agreement.lender)
            self._borrowers[agreement.name, agreement.lender] = agreement.borrower
            for counter in (self.lent, self.lent_talk):
                counter.labels(agreement.name, agreement.borrower, agreement.lender)
        for metric in (self.target, self.hotline, self.team):
            metric.clear()
        for hotline in plan.hotlines:
            self._show_hotline(hotline.name)
            self.target.labels(hotline.name).set(hotline.target_s)
            self.hotline.labels(hotline.name, hotline.site).set(1)
            home = {*hotline.teams, *(team for topic in hotline.topics for team in topic.teams)}
            for team in sorted(home | {lender for name in home for lender in lenders.get(name, ())}):
                self.answered.labels(hotline.name, team)
        for team_ in plan.teams:
            self.team.labels(team_.name, team_.site).set(1)
            for result in ("answered", *Result):
                self.offers.labels(team_.name, str(result))

    def _show_hotline(self, name: str) -> None:
        for counter in (self.offered, self.closed, self.within_target, self.without_agent):
            counter.labels(name)
        for counter in (self.talk, self.on_hold, self.put_on_hold):
            counter.labels(name)
        for outcome in Outcome:
            self.ended.labels(name, outcome.value)
        for reason in Unserved:
            if reason:
                self.unserved.labels(name, reason.value)
        for outcome in WAITED:
            self.wait.labels(name, outcome.value)

    def _offered(self, notice: CallOffered) -> None:
        (self.offered if notice.open else self.closed).labels(notice.hotline or NO_HOTLINE).inc()

    def _answered(self, notice: CallAnswered) -> None:
        self.answered.labels(notice.hotline, notice.team).inc()
        if notice.within_target:
            self.within_target.labels(notice.hotline).inc()
        if notice.agreement:
            self.lent.labels(*self._deal(notice.agreement, notice.team)).inc()

    def _offer_finished(self, notice: OfferFinished) -> None:
        result = notice.result
        self.offers.labels(notice.team, "answered" if result is None else result.value).inc()

    def _without_agent(self, notice: AnsweredWithoutAgent) -> None:
        self.without_agent.labels(notice.hotline or NO_HOTLINE).inc()

    def _ended(self, record: CallFinished) -> None:
        hotline, outcome = record.hotline or NO_HOTLINE, record.outcome
        self.ended.labels(hotline, outcome.value).inc()
        if outcome in WAITED:
            self.wait.labels(hotline, outcome.value).observe(record.wait_s)
        if record.unserved:
            self.unserved.labels(hotline, record.unserved.value).inc()
        if record.talk_s > 0:
            self.talk.labels(hotline).inc(record.talk_s)
        if record.on_hold_s > 0:
            self.put_on_hold.labels(hotline).inc()
            self.on_hold.labels(hotline).inc(record.on_hold_s)
        if record.agreement:
            self.lent_talk.labels(*self._deal(record.agreement, record.team)).inc(record.talk_s)

    def _deal(self, agreement: str, lender: str) -> tuple[str, str, str]:
        return agreement, self._borrowers.get((agreement, lender), ""), lender
