"""Is there anybody who could come to a caller at all? If not he is told so at once, instead of ringing for nothing.

Agents who are logged in count, whatever they do now: ready, rung, talking, in wrap-up, paused, on a call of their own.
Logged out, and unreachable by phone, they do not. A site that has just gone out of sight or come back is given
`HOPE_S`: over a restart, or while a link is made anew, its agents are there all the same. An agreement counts only if
it could take him now.
"""

from __future__ import annotations

from collections.abc import Iterable

from callrouter.core.calls import Call
from callrouter.core.network import Network
from callrouter.core.plan import Topic
from callrouter.core.selection import meets


def nobody_for(s: Network, call: Call) -> str:
    """Why nobody can come, in words; '' if somebody may."""
    topics = _topics(s, call)
    if any(_somebody(s, call, topic) for topic in topics):
        return ""
    teams = dict.fromkeys(team for topic in topics for team in _teams(s, call, topic))
    return f"nobody is logged in who could come: {', '.join(teams)}"


def _topics(s: Network, call: Call) -> Iterable[Topic]:
    """What he may still want: all that the menu has, until he has chosen."""
    hotline = s.hotlines[call.hotline]
    if "menu" not in call.steps or hotline.menu is None:
        return (s.topic(call),)
    chosen = {topic for _, topic in hotline.menu.options} | {hotline.default_topic}
    return tuple(topic for topic in hotline.topics if topic.name in chosen)


def _teams(s: Network, call: Call, topic: Topic) -> tuple[str, ...]:
    return tuple(team for team in topic.teams or s.hotlines[call.hotline].teams if team in s.teams)


def _somebody(s: Network, call: Call, topic: Topic) -> bool:
    teams = _teams(s, call, topic)
    wanted = [topic.needs, *(step.needs for step in topic.relax)]
    for team in teams:
        if s.now < s.hope_until.get(s.teams[team].site, 0.0):
            return True
        if any(n > 0 and any(meets(skills, needs) for needs in wanted) for skills, n in s.present[team].items()):
            return True
    for team in teams:
        for deal in s.borrowing.get(team, ()):
            lender = deal.agreement.lender
            health = s.health[lender].share(s.now) if lender in s.health else 1.0
            may = deal.joins(teams, call.hotline, topic.name) and not deal.why_not(s.pools[lender].free, health)
            if may and s.path(call.site, lender) and any(s.pools[lender].best(needs) for needs in wanted):
                return True
    return False
