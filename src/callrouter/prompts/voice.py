"""Text to sound with espeak-ng, which Debian packages. Knows neither prompts nor files."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from callrouter.prompts.wave import BadSound, Sound, read

PROGRAM = "espeak-ng"
WORDS_PER_MIN = 150
VOICES = {"de": "de", "en": "en-gb"}
_DEADLINE_S = 60.0


class NoVoice(Exception):
    """Nothing can be spoken on this machine; the text names the mend."""


def settings(language: str) -> tuple[str, ...]:
    """All but the text that decides how it sounds."""
    return PROGRAM, VOICES[language], str(WORDS_PER_MIN)


def find() -> str:
    """The path of the program. Raises NoVoice."""
    path = shutil.which(PROGRAM)
    if path is None:
        raise NoVoice(f"{PROGRAM} is not installed; on Debian: apt-get install {PROGRAM}")
    return path


def speak(text: str, language: str) -> Sound:
    """Raises NoVoice. The text is given as input, so that no text can be an option."""
    with tempfile.TemporaryDirectory(prefix="callrouter-voice-") as folder:
        made = Path(folder) / "spoken.wav"
        command = [find(), "-b", "1", "-v", VOICES[language], "-s", str(WORDS_PER_MIN), "--stdin", "-w", str(made)]
        try:
            done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=_DEADLINE_S, check=False)  # noqa: S603
        except subprocess.TimeoutExpired:
            raise NoVoice(f"{PROGRAM} did not end within {_DEADLINE_S:g} s") from None
        if done.returncode or not made.is_file():
            told = done.stderr.decode(errors="replace").strip().partition("\n")[0]
            raise NoVoice(f"{PROGRAM} failed: {told or f'status {done.returncode}'}")
        try:
            return read(made.read_bytes())
        except BadSound as error:
            raise NoVoice(f"what {PROGRAM} wrote {error}") from None
