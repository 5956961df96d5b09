"""Promises to ring back, and callers who gave up without one: one open callback per caller and hotline.

The records change here and nowhere else, and each change is told whole. When agents ring is in `outbound.py`.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from math import inf

from callrouter.core import calendar
from callrouter.core.backlog import Back
from callrouter.core.callbacks import Callback, CallbackKind, CallbackResult, CallbackStatus, finish
from callrouter.core.calls import Call, Capture
from callrouter.core.commands import CallbackChanged, HangUp
from callrouter.core.events import OutStage
from callrouter.core.network import Network
from callrouter.core.outcalls import Outcall
from callrouter.core.plan import CallbackRules, Plan
from callrouter.core.timers import Rank, after

BACKS_MAX = 10_000  # open at once; then no more are offered and nobody more is listed
DONE_MAX = 1_000  # remembered for a while
LATE_S = 7 * 86_400.0  # a promise is kept so long after it was due: late is better than never
LOOK_AGAIN_S = 60.0  # while the site of a callback cannot be reached nothing is decided about it


class Promises(Network):
    """The live network and its callbacks."""

    backs_max = BACKS_MAX

    def load(self, plan: Plan) -> None:
        """With a new plan callbacks have new rules."""
        super().load(plan)
        for back in self.backs.values():
            self.queue(back)

    def rules(self, hotline: str) -> CallbackRules | None:
        """How callers of this hotline are rung back; None: not at all."""
        known = self.hotlines.get(hotline)
        return known.callback if known else None

    def may_promise(self, call: Call) -> bool:
        """Is there room for one more, and a working day on which it would be due?"""
        rules = self.rules(call.hotline)
        return rules is not None and len(self.backs) < self.backs_max and self._due_at(rules) < inf

    def promise(self, call: Call, number: str) -> Capture:
        """The caller wants to be rung back at this number: what he is to be told."""
        if not call.reach:
            call.reach = number
            self.on_line(call, 1)
        known = self.backs.get(self.owed.get((number, call.hotline), ""))
        if known is not None and known.record.kind is CallbackKind.CAPTURED:
            return Capture.KNOWN
        if known is not None:  # he was listed; now he has asked
            self.forget_back(known)
        self._begin(call, number, CallbackKind.CAPTURED, "the caller asked for it", known.record if known else None)
        return Capture.DONE

    def gave_up(self, call: Call) -> None:
        """A call ended unserved: list the caller, if he can be reached and nothing is promised to him."""
        rules = self.rules(call.hotline)
        if rules is None or not call.reach or (call.reach, call.hotline) in self.owed or not rules.unreached_max:
            return
        listed = self.unreached.setdefault(call.hotline, OrderedDict())
        while len(listed) >= rules.unreached_max:
            self.close_back(self.backs[next(iter(listed))], CallbackResult.EXPIRED, "", "others came after him")
        if self.may_promise(call):
            self._begin(call, call.reach, CallbackKind.UNREACHED, "gave up unserved", None)

    def served(self, call: Call, by: str) -> None:
        """An agent talks to this caller: whatever was promised to him is done."""
        back = self.backs.get(self.owed.get((call.reach, call.hotline), ""))
        if back is not None:
            self.close_back(back, CallbackResult.SUPERSEDED, by, f"he rang again: {call.id}")

    def on_line(self, call: Call, step: int) -> None:
        """A caller comes (1) or goes (-1): who is on the line is not rung."""
        if not call.reach or not call.hotline:
            return
        key = (call.reach, call.hotline)
        number = self.ringing_us[key] = self.ringing_us.get(key, 0) + step
        if number == 0:
            del self.ringing_us[key]
        back = self.backs.get(self.owed.get(key, ""))
        if back is not None:
            out = self.outcalls.get(back.outbound)
            if step > 0 and out is not None and out.state is OutStage.RINGING:
                self.cancel_out(out, "he rings us himself")
            self.queue(back)

    # ---- one record

    def _begin(self, call: Call, number: str, kind: CallbackKind, because: str, before: Callback | None) -> None:
        rules = self.rules(call.hotline)
        assert rules is not None, f"{call.hotline} rings nobody back"
        before = before or self.done.pop(call.id, None)  # a call that was given up for lost may come again
        due_at = self._due_at(rules)
        late_s = LATE_S if kind is CallbackKind.CAPTURED else 0.0
        record = Callback(
            before.id if before else call.id,
            kind,
            call.hotline,
            self.topic(call).name,
            call.site,
            number,
            self.now,
            due_at,
            call=call.id,
            expires_at=due_at + late_s,
            because=because,
            version=before.version + 1 if before else 0,
            rings=before.rings if before else 0,  # no two outbound calls of one callback have one id
        )
        self.add_back(record)
        self.tell(CallbackChanged(record))

    def _due_at(self, rules: CallbackRules) -> float:
        return calendar.due_at(rules.working, self.now, rules.due_days, rules.due_at_s)

    def add_back(self, record: Callback) -> Back:
        """Keep it; it waits for an agent as soon as it may."""
        back = self.backs[record.id] = Back(record)
        self.owed[record.number, record.hotline] = record.id
        if record.kind is CallbackKind.UNREACHED:
            self.unreached.setdefault(record.hotline, OrderedDict())[record.id] = None
        self.queue(back)
        return back

    def change_back(self, back: Back, record: Callback) -> None:
        """Its new record, told."""
        back.record = record
        self.tell(CallbackChanged(record))
        self.queue(back)

    def close_back(self, back: Back, result: CallbackResult, by: str, because: str) -> None:
        """It is done."""
        self.stop_outcall(back, because)
        self.forget_back(back)
        record = finish(back.record, result, by, self.now, because)
        if result is CallbackResult.FORGOTTEN:
            record = replace(record, number="", caller="")
        self.done[record.id] = record
        if len(self.done) > DONE_MAX:
            self.done.popitem(last=False)
        self.tell(CallbackChanged(record))

    def stop_outcall(self, back: Back, because: str) -> None:
        """Nobody need ring him any more; who talks to him goes on."""
        out = self.outcalls.get(back.outbound)
        if out is not None and out.state is not OutStage.TALKING:
            self.cancel_out(out, because)

    def cancel_out(self, out: Outcall, because: str) -> None:
        """End an outbound call; its end is told by `OutboundEnded`."""
        if not out.cancelled:
            out.cancelled = because
            self.tell(HangUp(out.id, because))

    def forget_back(self, back: Back) -> None:
        """It is nobody's any more; nothing is told."""
        record = back.record
        self.unqueue(back)
        self.timers.cancel(back.timer)
        del self.backs[record.id]
        self.owed.pop((record.number, record.hotline), None)
        listed = self.unreached.get(record.hotline)
        if listed is not None:
            listed.pop(record.id, None)

    # ---- when it may be rung

    def why_not_yet(self, record: Callback) -> str:
        """What keeps this callback from waiting for an agent; '' if nothing does."""
        if record.kind is not CallbackKind.CAPTURED:
            return "rung only by hand"
        if record.status is CallbackStatus.TAKEN:
            return "somebody is at it"
        if self.rules(record.hotline) is None:
            return f"{record.hotline} rings nobody back"
        if record.not_before is not None and self.now < record.not_before:
            return f"tried {record.tries} times, again in {record.not_before - self.now:.0f} s"
        if (record.number, record.hotline) in self.ringing_us:
            return "he is on the line himself"
        return ""

    def queue(self, back: Back) -> None:
        """Let it wait for an agent if it may; wake up when that, or its life, may change."""
        self.unqueue(back)
        record = back.record
        if not self.why_not_yet(record):
            self.enter_backlog(back)
        due = [at for at in (record.not_before, record.expires_at) if at is not None and at > self.now]
        self.timers.cancel(back.timer)
        if record.expires_at is not None:
            back.timer = self.timers.set(min(due, default=self.now), Rank.CALLBACK, f"back/{record.id}")

    def unqueue(self, back: Back) -> None:
        if back.backlog is not None:
            self.leave_backlog(back)

    def back_due(self, back: Back) -> None:
        """Its pause is over, or its life."""
        record = back.record
        back.timer = None
        if record.expires_at is None or self.now < record.expires_at or back.outbound:
            self.queue(back)
        elif self.links.get(record.site) or all(record.site != site.name for site in self.plan.sites):
            self.close_back(back, CallbackResult.EXPIRED, "", "nobody came to it in time")
        else:
            back.timer = self.timers.set(after(self.now, LOOK_AGAIN_S), Rank.CALLBACK, f"back/{record.id}")
