"""Callbacks due and kept: the metrics and the report count the same rows alike."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import product
from pathlib import Path

from callrouter.callers import Callers
from callrouter.core.callbacks import Callback, CallbackKind, CallbackResult, CallbackStatus
from callrouter.report import records
from callrouter.report.book import Book, Targets
from callrouter.report.period import Period
from callrouter.store.callbacks import Callbacks
from callrouter.store.standing import RECENT_S, standing
from callrouter.store.store import open_engine
from tests.report.books import PLAN, at

NOW = at("2026-11-30 00:00")  # a week's end: what the metrics look at is one report


def every_case() -> list[Callback]:
    """All kinds, all results, done early, in time, late or not at all; due before the week, in it, and after it."""
    found = []
    dues = (NOW - RECENT_S - 3600.0, NOW - RECENT_S + 60.0, NOW - 3600.0, NOW + 3600.0)
    for kind, due_at in product((CallbackKind.CAPTURED, CallbackKind.UNREACHED, CallbackKind.DEPARTMENT), dues):
        owed = Callback("", kind, "agency-gera", "", "gera", "", due_at - 7200.0, due_at)
        found.append(owed)
        for result, early_s in product(CallbackResult, (3600.0, 0.0, -60.0)):
            done_at = min(due_at - early_s, NOW)
            found.append(replace(owed, status=CallbackStatus.DONE, result=result, done_at=done_at))
    return [replace(one, id=f"gera/{number}.1") for number, one in enumerate(found)]


async def test_metrics_and_report_agree(tmp_path: Path) -> None:
    """Of the last seven days, for promises of both kinds together."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'callrouter.db'}"
    engine = await open_engine(url)
    try:
        store = Callbacks(engine, Callers("a secret of tests that is long enough"))
        for one in every_case():
            assert await store.add(one)
        seen = await standing(engine, NOW)
    finally:
        await engine.dispose()
    book = Book(PLAN, Period("week", date(2026, 11, 23), date(2026, 11, 29)), ["agency-gera"], Targets(0.8, 0.93), NOW)
    await records.fill(book, url)
    due, kept = sum(one.due for one in seen), sum(one.kept for one in seen)
    assert (book.callbacks.due, book.callbacks.kept) == (due, kept)
    assert 0 < kept < due
