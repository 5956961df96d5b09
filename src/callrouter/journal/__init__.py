"""The journal: what happened and what was decided, replayable."""
