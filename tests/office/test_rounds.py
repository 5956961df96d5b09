"""What is cancelled in its middle comes to its end."""

from __future__ import annotations

import asyncio

import pytest

from callrouter.office.rounds import END_S, whole
from tests.virtual import run_virtual


def test_a_round_that_is_cancelled_is_finished_first() -> None:
    """The one who waits is cancelled, and only after the work is done."""

    async def main() -> None:
        done = []

        async def work() -> None:
            await asyncio.sleep(1.0)
            done.append("all")

        waiting = asyncio.create_task(whole(work()))
        await asyncio.sleep(0.5)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert done == ["all"]

    run_virtual(main())


def test_a_round_without_end_is_cut_off() -> None:
    """The service ends all the same."""

    async def main() -> float:
        waiting = asyncio.create_task(whole(asyncio.sleep(1e6)))
        await asyncio.sleep(0.5)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        return asyncio.get_running_loop().time()

    assert run_virtual(main()) == 0.5 + END_S
