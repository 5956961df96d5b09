"""A report as one HTML page: nothing to load, no script, light, dark and on paper. Words and forms by `i18n`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from itertools import pairwise

from markupsafe import Markup

from callrouter import __version__
from callrouter.core.commands import Unserved
from callrouter.i18n import Texts, mark, texts
from callrouter.i18n.templates import environment
from callrouter.i18n.texts import duration
from callrouter.report import charts
from callrouter.report.book import Book, Slot
from callrouter.report.export import REASONS, kept_share
from callrouter.report.figures import Calls, Share

STATES = {
    "met": ("✓", mark("im Ziel")),
    "near": ("▲", mark("knapp verfehlt")),
    "missed": ("■", mark("verfehlt")),
}
WHY = {
    Unserved.GAVE_UP_WAITING: mark("Aufgelegt, während niemand frei war"),
    Unserved.GAVE_UP_RINGING: mark("Aufgelegt, während ein Platz klingelte"),
    Unserved.GAVE_UP_IN_MENU: mark("Aufgelegt im Menü oder bei der Ansage"),
    Unserved.RING_LIMIT: mark("Besetzt: so lange geklingelt, wie es die Hotline zulässt"),
    Unserved.NOBODY_THERE: mark("Besetzt: niemand angemeldet, der hätte kommen können"),
    Unserved.NOBODY_FREE: mark("Besetzt: niemand frei, und keiner darf warten"),
    Unserved.LINE_FULL: mark("Besetzt: die Leitung war voll"),
    Unserved.FAILSAFE: mark("Vom Notbetrieb der Anlage bedient: kein Router"),
    Unserved.LOST: mark("Ende nicht gesehen"),
}
WAITS_S = (10, 30, 60, 120, 240)
TRIES_MAX = 4  # that many and more are one row


@dataclass(frozen=True, slots=True)
class Tile:
    """One headline figure."""

    title: str
    value: str
    state: str
    verdict: str
    detail: str
    aim: str
    bar: Markup


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table whose bar shows its share."""

    label: str
    number: str
    share: str
    bar: Markup


@dataclass(frozen=True, slots=True)
class Balance:
    """What a site gave to its partners and had from them, minutes."""

    site: str
    gave: str
    had: str
    net: str
    bar: Markup


def as_html(book: Book, language: str) -> str:
    """The whole page."""
    return _Page(book, texts(language)).html()


class _Page:
    def __init__(self, book: Book, _: Texts) -> None:
        self.book = book
        self._ = _
        self.calls = book.calls
        self.demands = book.demands

    def html(self) -> str:
        _, book = self._, self.book
        template = environment(_.language, "callrouter.report").get_template("report.html")
        zone = next(iter(book.zones.values()), "UTC")
        return template.render(
            page=self,
            book=book,
            calls=self.calls,
            demands=self.demands,
            css=Markup(files("callrouter.report").joinpath("templates/report.css").read_text("utf-8")),  # noqa: S704
            made=_.moment(book.now, zone, 0.0),
            release=__version__,
        )

    # ---- words

    def when(self) -> str:
        _, period = self._, self.book.period
        if period.kind == "day":
            return _.whole_date(period.first)
        if period.kind == "month":
            return _.month(period.first)
        year, week, _day = period.first.isocalendar()
        span = {"first": _.date(period.first), "last": _.date(period.last)}
        return _("Kalenderwoche %(week)s/%(year)s, %(first)s bis %(last)s", week=week, year=year, **span)

    def whom(self) -> str:
        if self.book.whole:
            return self._("alle Hotlines")
        return ", ".join(one.title for one in self.book.hotlines.values())

    def in_time(self) -> str:
        """In how long a caller should be talking to somebody."""
        _ = self._
        targets = {one.target_s for one in self.book.hotlines.values()}
        if len(targets) > 1:
            return _("innerhalb der Zielzeit")
        seconds = targets.pop()
        if seconds % 60:
            return _("innerhalb von %(n)s Sekunden", n=_.number(seconds))
        return _.plural("innerhalb einer Minute", "innerhalb von %(n)s Minuten", round(seconds / 60))

    def percent(self, share: Share) -> str:
        return self._.share(share.part, share.whole)

    def of(self, share: Share) -> str:
        _ = self._
        return _("%(part)s von %(whole)s", part=_.number(share.part), whole=_.number(share.whole))

    def verdict(self, share: Share) -> str:
        """The state in a word, or why there is none."""
        if share.state:
            return self._(STATES[share.state][1])
        return self._("weniger als 20: kein Urteil") if share.target is not None and share.whole else ""

    def icon(self, share: Share) -> str:
        return STATES[share.state][0] if share.state else ""

    def lead(self) -> str:
        """What a director reads if he reads one sentence."""
        _, share = self._, self.book.in_time(self.calls)
        if not share.whole:
            return _("In den Öffnungszeiten kam kein Anruf.")
        values = {"n": _.number(share.whole), "part": _.number(share.part), "share": self.percent(share)}
        values |= {"in_time": self.in_time(), "target": self.aim(share)}
        if share.state == "met":
            return _(
                "Von %(n)s Anrufen in den Öffnungszeiten nahm %(in_time)s ein Mensch %(part)s an, das sind %(share)s: "
                "das Ziel von %(target)s ist erreicht.",
                **values,
            )
        if share.state:
            return _(
                "Von %(n)s Anrufen in den Öffnungszeiten nahm %(in_time)s ein Mensch %(part)s an, das sind %(share)s: "
                "das Ziel von %(target)s ist verfehlt.",
                **values,
            )
        return _(
            "Von %(n)s Anrufen in den Öffnungszeiten nahm %(in_time)s ein Mensch %(part)s an; "
            "das sind zu wenige für ein Urteil.",
            **values,
        )

    def aim(self, share: Share) -> str:
        _ = self._
        return _("%(n)s\u00a0%%", n=_.number(100 * (share.target or 0)))

    # ---- headline

    def tiles(self) -> list[Tile]:
        _, book = self._, self.book
        tiles = [
            self._tile(_("Anrufe rechtzeitig angenommen"), book.in_time(self.calls), self.in_time()),
            self._tile(_("Anrufer rechtzeitig erreicht"), book.callers_in_time(self.demands), self.in_time()),
            self._tile(_("Beim ersten Versuch erreicht"), book.at_first(self.demands), ""),
        ]
        if book.results.given:  # where nobody gives results there is nothing to show
            tiles.append(self._tile(_("Erstlösung"), book.at_once(book.results), ""))
        return tiles

    def _tile(self, title: str, share: Share, within: str) -> Tile:
        target = share.target or 0.0
        return Tile(
            title,
            self.percent(share),
            share.state,
            f"{self.icon(share)} {self.verdict(share)}".strip(),
            self.of(share),
            f"{self._('Ziel %(target)s', target=self.aim(share))} {within}".strip(),
            charts.bar(share.value or 0.0, share.state or "few", target),
        )

    def waited(self) -> str:
        """The median wait of who was answered, and what nine of ten waited at most."""
        waited = self.calls.waited()
        if waited is None:
            return ""
        return self._(
            "Wer jemanden erreichte, wartete im Mittel (Median) %(median)s Minuten, "
            "neun von zehn höchstens %(most)s Minuten.",
            median=duration(waited[0]),
            most=duration(waited[1]),
        )

    # ---- the course of the day, or of the days

    def course(self) -> Markup:
        _ = self._
        slots = self.book.shown_slots()
        words = charts.Words(
            title=_("Erreichbarkeit und Anrufe je halbe Stunde"),
            summary=self._course_in_words(slots),
            shares=_("%(in_time)s angenommen, in Prozent", in_time=self.in_time()),
            calls=_("Anrufe"),
            target=_("Ziel %(target)s", target=self.aim(self.book.in_time(self.calls))),
        )
        found = [self._column(slot.name, slot.calls, not slot.open) for slot in slots]
        return charts.columns("course", found, words, self.book.targets.answered)

    def by_day(self) -> Markup:
        _ = self._
        days = self.book.days()
        shares = [(self.book.in_time(calls), day) for day, calls in days]
        judged = [(share.value or 0.0, day) for share, day in shares if not share.small]
        worst = min(judged, default=None)
        summary = _("Am schlechtesten erreichbar: %(day)s.", day=_.whole_date(worst[1])) if worst else ""
        words = charts.Words(
            title=_("Erreichbarkeit und Anrufe je Tag"),
            summary=summary,
            shares=_("%(in_time)s angenommen, in Prozent", in_time=self.in_time()),
            calls=_("Anrufe"),
            target=_("Ziel %(target)s", target=self.aim(self.book.in_time(self.calls))),
        )
        found = [self._column(self.short(day), calls, not calls.offered) for day, calls in days]
        return charts.columns("days", found, words, self.book.targets.answered)

    def short(self, day: date) -> str:
        return f"{day.day}.{day.month}." if self._.language == "de" else f"{day.day}/{day.month}"

    def _column(self, label: str, calls: Calls, shaded: bool) -> charts.Column:
        _, share = self._, self.book.in_time(calls)
        tip = f"{label}: {self.percent(share)} ({self.of(share)})"
        if calls.closed:
            tip += ", " + _("%(n)s außerhalb der Öffnungszeiten", n=_.number(calls.closed))
        parts = (calls.within_target, calls.late, calls.lost, calls.closed)
        return charts.Column(label, shaded, share, parts, tip)

    def _course_in_words(self, slots: Sequence[Slot]) -> str:
        if not slots:
            return ""
        text = self._("Von %(first)s bis %(last)s.", first=slots[0].name, last=slots[-1].name)
        return " ".join([text, self.busiest(), self.weakest()])

    def busiest(self) -> str:
        _ = self._
        some = [f"{slot.name} ({_.number(slot.calls.offered)})" for slot in self.book.busiest()]
        return _("Die meisten Anrufe ab %(when)s.", when=", ".join(some)) if some else ""

    def weakest(self) -> str:
        _ = self._
        some = [f"{slot.name} ({self.percent(self.book.in_time(slot.calls))})" for slot in self.book.weakest()]
        if not some:
            return _("In jeder halben Stunde mit genug Anrufen war das Ziel erreicht.")
        return _("Am schlechtesten erreichbar ab %(when)s.", when=", ".join(some))

    def legend(self) -> Markup:
        _ = self._
        found = [
            ("met", _("%(in_time)s angenommen", in_time=self.in_time())),
            ("near", _("später angenommen")),
            ("missed", _("niemanden erreicht")),
        ]
        if self.calls.closed:
            found.append(("closed", _("außerhalb der Öffnungszeiten")))
        return charts.legend(found)

    # ---- tables with bars

    def why(self) -> list[Row]:
        lost = self.calls.lost
        some = [(self.calls.unserved[reason], self._(WHY[reason])) for reason in REASONS]
        return [self._row(label, number, lost, "missed") for number, label in sorted(some, reverse=True) if number]

    def tries(self) -> list[Row]:
        """How often callers had to ring, of all whose demand has ended."""
        _, demands = self._, self.demands
        rows = []
        for n in range(1, TRIES_MAX):
            label = _("%(n)s. Versuch", n=n)
            rows.append(self._row(label, demands.tries[n], demands.ended, "met"))
        later = sum(number for tries, number in demands.tries.items() if tries >= TRIES_MAX)
        rows.append(self._row(_("später"), later, demands.ended, "near"))
        rows.append(self._row(_("gar nicht"), demands.unreached, demands.ended, "missed"))
        return rows

    def waits(self) -> list[Row]:
        _, waits = self._, self.calls.waits_s
        edges = [float("-inf"), *map(float, WAITS_S), float("inf")]
        labels = [_("bis %(until)s", until=duration(WAITS_S[0]))]
        labels += [f"{duration(a)} – {duration(b)}" for a, b in pairwise(WAITS_S)]
        labels.append(_("länger"))
        rows = []
        for label, (low, high) in zip(labels, pairwise(edges), strict=True):
            number = sum(low < wait <= high for wait in waits)
            rows.append(self._row(label, number, len(waits), "near" if low >= WAITS_S[-1] else "met"))
        return rows

    def _row(self, label: str, number: int, whole: int, kind: str) -> Row:
        _ = self._
        return Row(label, _.number(number), _.share(number, whole), charts.bar(number / whole if whole else 0.0, kind))

    # ---- overflow

    def balances(self) -> list[Balance]:
        """Sites: what their teams gave to others and had from them."""
        site_of = {team.name: team.site for team in self.book.plan.teams}
        gave = {site.name: 0.0 for site in self.book.plan.sites}
        had = dict(gave)
        for one in self.book.partners():
            lender, borrower = site_of.get(one.lender, ""), site_of.get(one.borrower, "")
            if lender != borrower and lender in gave and borrower in had:
                gave[lender] += one.lent.talk_s / 60
                had[borrower] += one.lent.talk_s / 60
        most = max((abs(gave[site] - had[site]) for site in gave), default=0.0)
        rows = []
        for site in self.book.plan.sites:
            net = gave[site.name] - had[site.name]
            if gave[site.name] or had[site.name]:
                numbers = (self._.number(gave[site.name]), self._.number(had[site.name]))
                sign = "+" if round(net) > 0 else "−" if round(net) < 0 else ""
                signed = f"{sign}{self._.number(abs(net))}"
                rows.append(Balance(site.title, *numbers, signed, charts.balance(net, most)))
        return rows

    def team(self, name: str) -> str:
        return next((team.title for team in self.book.plan.teams if team.name == name), name or "–")

    def site(self, name: str) -> str:
        return next((site.title for site in self.book.plan.sites if site.name == name), name)

    def minutes(self, seconds: float) -> str:
        return self._.number(seconds / 60)

    # ---- the rest

    def kept(self) -> Share:
        return kept_share(self.book.callbacks)

    def closed_slots(self) -> str:
        """When people ring though nobody is there."""
        some = sorted((s for s in self.book.slots() if s.calls.closed), key=lambda s: -s.calls.closed)[:3]
        return ", ".join(f"{slot.name} ({self._.number(slot.calls.closed)})" for slot in some)

    def bar(self, share: Share) -> Markup:
        return charts.bar(share.value or 0.0, share.state or "few", share.target)

    def withheld(self) -> int:
        """Demands of callers who do not show their number."""
        return sum(line.withheld.ended for line in self.book.lines.values())
