"""The tables. Times are UTC seconds. Names are the words of the project, so that people can ask the database."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Double, ForeignKey, Index, Integer, MetaData, String, Table, Text

METADATA = MetaData()

AGREEMENT_SWITCH = Table(
    "agreement_switch",
    METADATA,
    Column("direction", String(128), primary_key=True),  # agreement/borrower
    Column("agreement", String(64), nullable=False),
    Column("borrower", String(64), nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("until", Double),  # null: until switched again
    Column("reason", Text, nullable=False),
    Column("switched_by", Text, nullable=False),
    Column("switched_at", Double, nullable=False),
    comment="switches that people set, each direction by itself; one that is not here stands as configured",
)

HOTLINE_SWITCH = Table(
    "hotline_switch",
    METADATA,
    Column("hotline", String(64), primary_key=True),
    Column("mode", String(16), nullable=False),  # closed, notice
    Column("until", Double),  # null: until switched again
    Column("reason", Text, nullable=False),
    Column("switched_by", Text, nullable=False),
    Column("switched_at", Double, nullable=False),
    comment="hotlines switched by hand; one that is not here is as configured",
)

AGENT_STATE = Table(
    "agent_state",
    METADATA,
    Column("agent", String(64), primary_key=True),
    Column("state", String(16), nullable=False),  # what the agent wants: ready, paused
    Column("reason", Text, nullable=False),
    Column("since", Double, nullable=False),
    comment="agents who are logged in; one who is not here is logged out",
)

AUDIT = Table(
    "audit",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", Double, nullable=False, index=True),
    Column("who", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    comment="who changed what, when, why, and what it was before; only ever added to",
)

CALL_RECORD = Table(
    "call_record",
    METADATA,
    Column("call", String(64), primary_key=True),
    Column("hotline", String(64), nullable=False),  # '': no hotline has the number
    Column("topic", String(64), nullable=False),
    Column("site", String(16), nullable=False),
    Column("number", String(40), nullable=False),  # that was dialled
    Column("caller", String(64)),
    Column("withheld", Boolean, nullable=False),
    Column("outcome", String(32), nullable=False),
    Column("unserved", String(32), nullable=False),  # why nobody was reached; '' if somebody was, or it was closed
    Column("arrived_at", Double, nullable=False),
    Column("ended_at", Double, nullable=False),
    Column("end_seen", Boolean, nullable=False),  # false: it was found to be gone then
    Column("wait_s", Double, nullable=False),
    Column("talk_s", Double, nullable=False),
    Column("on_hold_s", Double, nullable=False),  # part of talk_s
    Column("agent", String(64)),  # null: nobody answered, or erased
    Column("team", String(64), nullable=False),
    Column("agreement", String(64), nullable=False),  # '': the call's own team
    Column("within_target", Boolean, nullable=False),
    Column("offers", Integer, nullable=False),
    Column("cause", Integer, nullable=False),  # Q.850
    Column("because", Text, nullable=False),
    Column("target_s", Double, nullable=False),
    Column("window_s", Double, nullable=False),  # for redials
    Column("demand", String(64)),  # null: it belongs to none (closed, no hotline)
    Column("run", String(64), nullable=False),  # the router that said so, and at which turn
    Column("seq", BigInteger, nullable=False),
    Index("ix_call_record_ended_at", "ended_at"),
    Index("ix_call_record_arrived_at", "arrived_at"),
    Index("ix_call_record_hotline_arrived_at", "hotline", "arrived_at"),
    Index("ix_call_record_caller", "caller"),
    Index("ix_call_record_demand", "demand"),
    comment="calls that have ended, each once; caller: keyed hash, null when withheld or erased",
)

DEMAND = Table(
    "demand",
    METADATA,
    Column("id", String(64), primary_key=True),  # the first of its calls that ended
    Column("hotline", String(64), nullable=False),
    Column("caller", String(64)),
    Column("withheld", Boolean, nullable=False),
    Column("first_at", Double, nullable=False),
    Column("last_at", Double, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("reached_at", Double),
    Column("reached_first", Boolean, nullable=False),
    Column("within_target", Boolean, nullable=False),
    Column("closes_at", Double, nullable=False),
    Column("closed_at", Double),  # null: another attempt may still join
    Index("ix_demand_hotline_first_at", "hotline", "first_at"),
    Index("ix_demand_caller", "caller"),
    Index("ix_demand_closed_at", "closed_at"),
    comment="attempts of one caller for one hotline within the redial window (ITU-T E.600)",
)

CALLBACK = Table(
    "callback",
    METADATA,
    Column("id", String(64), primary_key=True),  # captured, unreached: the call that it comes from
    Column("kind", String(16), nullable=False),  # captured, unreached, department
    Column("status", String(16), nullable=False),  # open, taken, not_reached, done
    Column("hotline", String(64), nullable=False),
    Column("topic", String(64), nullable=False),
    Column("site", String(16), nullable=False),  # whose line rings the caller
    Column("department", String(64)),  # null: agents of the hotline ring
    Column("subject", Text, nullable=False),
    Column("wish", Text, nullable=False),  # when the caller would like it
    Column("call", String(64)),  # in which it was promised
    Column("caller", String(64)),
    Column("number", Text),
    Column("made_by", Text),  # null: the caller asked for it himself
    Column("asked_at", Double, nullable=False),
    Column("due_at", Double, nullable=False),
    Column("expires_at", Double),  # null: it stays until it is done
    Column("not_before", Double),  # null: at once
    Column("taken_by", Text),  # null: nobody is at it
    Column("rings", Integer, nullable=False),  # outbound calls begun
    Column("tries", Integer, nullable=False),  # those of them that rang the caller
    Column("last_try_at", Double),
    Column("last_result", String(16), nullable=False),  # '': not tried yet
    Column("done_at", Double),
    Column("done_by", Text),
    Column("result", String(16)),  # null: not done yet
    Column("because", Text, nullable=False),
    Column("version", Integer, nullable=False),  # rises with each change by hand
    Column("run", String(64), nullable=False),  # the router that said so last, and at which turn; '': none did
    Column("seq", BigInteger, nullable=False),
    Index("ix_callback_status_due_at", "status", "due_at"),
    Index("ix_callback_department_status", "department", "status"),
    Index("ix_callback_hotline_asked_at", "hotline", "asked_at"),
    Index("ix_callback_caller", "caller"),
    Index("ix_callback_done_at", "done_at"),
    comment="callers to be rung back; caller: keyed hash, number: sealed; both null when erased",
)

CALLBACK_TRY = Table(
    "callback_try",
    METADATA,
    Column("id", String(64), primary_key=True),  # of the outbound call
    Column("callback", String(64)),  # null: an agent dialled without one
    Column("kind", String(16), nullable=False),
    Column("hotline", String(64), nullable=False),
    Column("agent", String(64)),  # null: erased
    Column("team", String(64), nullable=False),
    Column("began_at", Double, nullable=False),
    Column("ended_at", Double, nullable=False),
    Column("talk_s", Double, nullable=False),
    Column("result", String(16), nullable=False),
    Column("because", Text, nullable=False),
    Column("run", String(64), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Index("ix_callback_try_callback", "callback"),
    Index("ix_callback_try_ended_at", "ended_at"),
    comment="outbound calls that have ended, each once",
)

RESULT = Table(
    "result",
    METADATA,
    Column("call", String(64), primary_key=True),
    Column("hotline", String(64), nullable=False),
    Column("topic", String(64), nullable=False),
    Column("disposition", String(16), nullable=False),  # resolved, callback, appointment, forwarded, broken_off
    Column("note", Text, nullable=False),  # '': none, or erased
    Column("department", String(64)),  # null: none is concerned
    Column("callback", String(64)),  # that was promised
    Column("given_at", Double, nullable=False),
    Index("ix_result_given_at", "given_at"),
    comment="what came of answered calls; one that is not here has no result (yet)",
)

INQUIRY = Table(
    "inquiry",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("status", String(16), nullable=False),  # open, given, answered, closed
    Column("place", String(64), nullable=False),
    Column("hotline", String(64), nullable=False),
    Column("topic", String(64), nullable=False),
    Column("language", String(2), nullable=False),
    Column("name", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("arrived_at", Double, nullable=False),
    Column("agent", String(64)),  # whose page shows it; who wrote the draft
    Column("given_at", Double),
    Column("taken_back", Integer, nullable=False),  # how often a call went before it
    Column("draft", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("done_at", Double),  # answered or closed
    Column("because", Text, nullable=False),  # why it was closed without an answer
    Column("version", Integer, nullable=False),  # rises with each change
    Index("ix_inquiry_status_arrived_at", "status", "arrived_at"),
    Index("ix_inquiry_done_at", "done_at"),
    comment="what people wrote in the contact form",
)

MAIL = Table(
    "mail",
    METADATA,
    Column("id", String(64), primary_key=True),  # of the message, too: a second sending is the same message
    Column("kind", String(16), nullable=False),  # answer, escalation
    Column("about", String(64), nullable=False),  # the inquiry or callback
    Column("recipient", Text, nullable=False),  # this and the next two are emptied when it is sent
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("reply_to", Text, nullable=False),
    Column("made_at", Double, nullable=False),
    Column("not_before", Double, nullable=False),  # of the next try
    Column("tries", Integer, nullable=False),
    Column("sent_at", Double),  # null: still to be sent
    Column("given_up_at", Double),  # null: not given up
    Column("trouble", Text, nullable=False),
    Index("ix_mail_sent_at_not_before", "sent_at", "not_before"),
    comment="e-mail on its way out: written with what causes it, in one transaction",
)

ESCALATION = Table(
    "escalation",
    METADATA,
    Column("callback", String(64), primary_key=True),
    Column("stage", Integer, primary_key=True),
    Column("mail", String(64), nullable=False),
    Column("made_at", Double, nullable=False),
    Index("ix_escalation_made_at", "made_at"),
    comment="who was written to about an overdue callback: each stage once",
)

JOURNAL_MARK = Table(
    "journal_mark",
    METADATA,
    Column("journal", String(64), primary_key=True),
    Column("segment", String(128), primary_key=True),
    Column("place", BigInteger, nullable=False),
    comment="how many bytes of each journal segment are in call_record",
)

ACCOUNT = Table(
    "account",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("password", Text),  # argon2id; null: logs in elsewhere (OIDC)
    Column("must_change", Boolean, nullable=False),  # the password was made by somebody else
    Column("enabled", Boolean, nullable=False),
    Column("subject", String(512), unique=True),  # OIDC: issuer and sub
    Column("created_at", Double, nullable=False),
    comment="who may log in to the pages",
)

ACCOUNT_GRANT = Table(
    "account_grant",
    METADATA,
    Column("account", Integer, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True),
    Column("role", String(16), primary_key=True),
    Column("scope", String(64), primary_key=True),  # a site, an agent, a department; '': the role has none
    comment="the roles of each account",
)

ACCOUNT_SESSION = Table(
    "account_session",
    METADATA,
    Column("id", String(64), primary_key=True),  # SHA-256 of the cookie's token, which is nowhere kept
    Column("account", Integer, ForeignKey("account.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("csrf", String(64), nullable=False),
    Column("created_at", Double, nullable=False),
    Column("seen_at", Double, nullable=False),
    comment="who is logged in; deleting a row logs him out",
)

KNOWN_BROWSER = Table(
    "known_browser",
    METADATA,
    Column("id", String(64), primary_key=True),  # SHA-256 of a cookie's token
    Column("account", Integer, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True),
    Column("seen_at", Double, nullable=False),
    comment="browsers that have logged in before: guessing by others does not keep them out",
)
