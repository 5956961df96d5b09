"""Pure routing: no I/O, no clock, no asyncio, no logging. Time is an argument."""
