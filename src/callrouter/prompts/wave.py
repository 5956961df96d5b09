"""Mono 16-bit sound: read from WAV, brought to another sample rate, written as Asterisk expects it. Knows no voices."""

from __future__ import annotations

import io
import math
import wave
from array import array
from dataclasses import dataclass
from functools import lru_cache
from operator import mul
from pathlib import Path

HALF_TAPS = 64  # of the filter on each side of a sample
EDGE = 0.92  # of the lower Nyquist frequency: what passes the filter
RATES = range(8_000, 48_001)
LONGEST_S = 120  # nobody listens longer before the answer


class BadSound(ValueError):
    """The text says what is wrong with a file, and the mend."""


@dataclass(frozen=True, slots=True)
class Sound:
    """samples: signed 16 bit, one channel, `rate` a second."""

    samples: array[int]
    rate: int


def read(data: bytes) -> Sound:
    """Raises BadSound for all that is not a mono 16-bit PCM WAV of a usual rate."""
    mend = "save it as mono WAV, 16 bit PCM, 8 to 48 kHz"
    try:
        with wave.open(io.BytesIO(data)) as file:
            if file.getnchannels() != 1:
                raise BadSound(f"has {file.getnchannels()} channels; {mend}")
            if file.getsampwidth() != 2:
                raise BadSound(f"has {8 * file.getsampwidth()} bits a sample; {mend}")
            rate, count = file.getframerate(), file.getnframes()
            if rate not in RATES:
                raise BadSound(f"has {rate} samples a second; {mend}")
            if count > LONGEST_S * rate:
                raise BadSound(f"lasts {count / rate:.0f} s; nobody listens longer than {LONGEST_S} s: shorten it")
            raw = file.readframes(count)
    except (wave.Error, EOFError) as error:
        raise BadSound(f"is no WAV file ({error or 'it ends too early'}); {mend}") from None
    samples = array("h", raw[: len(raw) // 2 * 2])
    if not samples:
        raise BadSound(f"holds no sound; {mend}")
    return Sound(samples, rate)


def write(sound: Sound, path: Path) -> None:
    """Whole or not at all: a file is never seen half-written."""
    new = path.with_name(f".{path.name}.new")
    with wave.open(str(new), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sound.rate)
        file.writeframes(sound.samples.tobytes())
    new.replace(path)


@lru_cache(maxsize=8)
def _filters(up: int, down: int) -> tuple[tuple[float, ...], ...]:
    """A low-pass filter (windowed sinc, Blackman) per phase between two samples; each lets a constant pass as it is."""
    edge = EDGE * min(1.0, up / down)
    found = []
    for phase in range(up):
        taps = []
        for k in range(-HALF_TAPS + 1, HALF_TAPS + 1):
            x = k - phase / up
            sinc = edge if x == 0 else math.sin(math.pi * edge * x) / (math.pi * x)
            w = math.pi * x / HALF_TAPS
            taps.append(sinc * (0.42 + 0.5 * math.cos(w) + 0.08 * math.cos(2 * w)) if abs(x) < HALF_TAPS else 0.0)
        total = sum(taps)
        found.append(tuple(tap / total for tap in taps))
    return tuple(found)


def resample(sound: Sound, rate: int) -> Sound:
    """The same sound at another rate, without the frequencies that it cannot hold."""
    if sound.rate == rate:
        return sound
    shared = math.gcd(sound.rate, rate)
    up, down = rate // shared, sound.rate // shared
    filters = _filters(up, down)
    silence = [0.0] * HALF_TAPS
    padded = [*silence, *map(float, sound.samples), *silence, 0.0]  # floats by floats is the faster product
    count = len(sound.samples) * up // down
    made = array("h", bytes(2 * count))
    for i in range(count):
        at, phase = divmod(i * down, up)
        value = sum(map(mul, filters[phase], padded[at + 1 : at + 1 + 2 * HALF_TAPS]))
        made[i] = max(-32_768, min(32_767, round(value)))
    return Sound(made, rate)
