"""The folder of sounds: which are there, which are missing or stale, and making those anew.

A sound is two files, NAME.wav (8 kHz) and NAME.wav16 (16 kHz), both mono with 16 bits: Asterisk takes the one that
suits the call. `manifest.json` says what each was made from, so that only what changed is made again, and only what was
made here is ever removed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from callrouter.config.messages import did_you_mean
from callrouter.config.spoken import Prompt
from callrouter.prompts import voice
from callrouter.prompts.wave import BadSound, Sound, read, resample, write

MANIFEST = "manifest.json"
RECORDINGS = "recordings"  # in the configuration's folder: NAME.wav, taken instead of a voice
RATES = {".wav": 8_000, ".wav16": 16_000}
_MADE_AS = "1"  # changed when the same text shall sound different

Speak = Callable[[str, str], Sound]


class ShelfError(Exception):
    """Sounds cannot be made or read; the text names the place and the mend."""


@dataclass(frozen=True, slots=True)
class State:
    """Names of sounds. unused: made here once, wanted no more. strays: recordings that no text asks for."""

    missing: tuple[str, ...]
    stale: tuple[str, ...]
    unused: tuple[str, ...]
    strays: tuple[str, ...]

    @property
    def complete(self) -> bool:
        return not self.missing and not self.stale


@dataclass(frozen=True, slots=True)
class Built:
    spoken: tuple[str, ...]
    recorded: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: int


def look(prompts: tuple[Prompt, ...], out: Path, recordings: Path) -> State:
    """What `build` would do. Raises ShelfError for a manifest that is none."""
    made = _manifest(out)
    wanted = {prompt.name: _source(prompt, recordings)[0] for prompt in prompts}
    there = {name: all((out / f"{name}{end}").is_file() for end in RATES) for name in wanted}
    return State(
        missing=tuple(name for name in wanted if not there[name]),
        stale=tuple(name for name, source in wanted.items() if there[name] and made.get(name) != source),
        unused=tuple(sorted(made.keys() - wanted.keys())),
        strays=tuple(sorted(path.stem for path in _recorded(recordings) if path.stem not in wanted)),
    )


def build(
    prompts: tuple[Prompt, ...], out: Path, recordings: Path, speak: Speak = voice.speak, *, anew: bool = False
) -> Built:
    """Make what is missing or stale (anew: everything) and remove what is unused. Raises ShelfError, NoVoice.

    What was made before an error stays and is in the manifest.
    """
    out.mkdir(parents=True, exist_ok=True)
    state = look(prompts, out, recordings)
    todo = {*state.missing, *state.stale} if not anew else {prompt.name for prompt in prompts}
    made = _manifest(out)
    spoken: list[str] = []
    recorded: list[str] = []

    def one(prompt: Prompt) -> tuple[str, str, bool]:
        source, recording = _source(prompt, recordings)
        try:
            sound = read(recording.read_bytes()) if recording else speak(prompt.text, prompt.language)
        except BadSound as error:
            raise ShelfError(f"{recording}: {error}") from None
        for end, rate in RATES.items():
            write(resample(sound, rate), out / f"{prompt.name}{end}")
        return prompt.name, source, recording is not None

    try:
        with ThreadPoolExecutor(2) as pool:  # while one is spoken, by a process, another is brought to its rates
            for name, source, own in pool.map(one, [prompt for prompt in prompts if prompt.name in todo]):
                made[name] = source
                (recorded if own else spoken).append(name)
        for name in state.unused:
            for end in RATES:
                (out / f"{name}{end}").unlink(missing_ok=True)
            del made[name]
    finally:
        _write_manifest(out, made)
    return Built(tuple(spoken), tuple(recorded), state.unused, len(prompts) - len(todo))


def stray_mend(name: str, prompts: tuple[Prompt, ...]) -> str:
    return did_you_mean(name, [prompt.name for prompt in prompts], "remove it, or add the text that it speaks")


def _recorded(recordings: Path) -> list[Path]:
    return sorted(recordings.glob("*.wav"))


def _source(prompt: Prompt, recordings: Path) -> tuple[str, Path | None]:
    """What a sound is made from, as a hash; and the recording, if there is one. The text does not count then."""
    recording = recordings / f"{prompt.name}.wav"
    if recording.is_file():
        return _hash("recording", hashlib.sha256(recording.read_bytes()).hexdigest()), recording
    return _hash(*voice.settings(prompt.language), prompt.text), None


def _hash(*parts: str) -> str:
    return hashlib.sha256(json.dumps([_MADE_AS, *parts]).encode()).hexdigest()[:20]


def _manifest(out: Path) -> dict[str, str]:
    path = out / MANIFEST
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["sounds"]
        return {str(name): str(source) for name, source in found.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise ShelfError(f"{path}: this is no manifest ({error}); remove the file, and all is made anew") from None


def _write_manifest(out: Path, made: dict[str, str]) -> None:
    new = out / f".{MANIFEST}.new"
    text = {"made by": "callrouter prompts build", "sounds": dict(sorted(made.items()))}
    new.write_text(json.dumps(text, indent=2) + "\n", encoding="utf-8")
    new.replace(out / MANIFEST)
