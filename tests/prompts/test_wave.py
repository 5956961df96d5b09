"""Sound keeps its pitch and strength at another rate, loses what that cannot hold, and bad files are told."""

from __future__ import annotations

import io
import math
import wave
from array import array
from pathlib import Path

import pytest

from callrouter.prompts.wave import BadSound, Sound, read, resample, write


def tone(hertz: float, rate: int, seconds: float = 0.5, peak: float = 20_000) -> Sound:
    count = int(rate * seconds)
    return Sound(array("h", (round(peak * math.sin(2 * math.pi * hertz * i / rate)) for i in range(count))), rate)


def strength(sound: Sound, hertz: float) -> float:
    """Amplitude of one frequency in the middle of a sound, away from its ends."""
    part = sound.samples[len(sound.samples) // 4 : 3 * len(sound.samples) // 4]
    turn = 2 * math.pi * hertz / sound.rate
    re = sum(value * math.cos(turn * i) for i, value in enumerate(part))
    im = sum(value * math.sin(turn * i) for i, value in enumerate(part))
    return 2 * math.hypot(re, im) / len(part)


def data(channels: int = 1, width: int = 2, rate: int = 8_000, frames: int = 80) -> bytes:
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(bytes(channels * width * frames))
    return made.getvalue()


@pytest.mark.parametrize("given", [8_000, 16_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("wanted", [8_000, 16_000])
def test_a_tone_of_the_voice_keeps_its_strength_and_length(given: int, wanted: int) -> None:
    """1,000 Hz is within 1 % of its strength at any pair of rates, and as long as before."""
    made = resample(tone(1_000, given), wanted)
    assert made.rate == wanted
    assert abs(len(made.samples) / wanted - 0.5) < 0.001
    assert strength(made, 1_000) == pytest.approx(20_000, rel=0.01)


@pytest.mark.parametrize(
    ("given", "hertz", "alias"), [(22_050, 5_000, 3_000), (16_000, 6_000, 2_000), (48_000, 7_000, 1_000)]
)
def test_what_the_rate_cannot_hold_is_gone(given: int, hertz: float, alias: float) -> None:
    """A tone above half the rate does not come back as a lower one: less than a thousandth of it is left."""
    assert strength(resample(tone(hertz, given), 8_000), alias) < 20


def test_loud_sound_is_cut_and_not_wrapped() -> None:
    """Full scale stays full scale: a sample out of range would turn into noise."""
    loud = Sound(array("h", [32_767, -32_768] * 50 + [32_767] * 400), 22_050)
    assert min(resample(loud, 16_000).samples[100:250]) > 0


def test_a_sound_comes_back_as_written(tmp_path: Path) -> None:
    """Asterisk gets mono with 16 bits; nothing but the file itself stays behind."""
    sound = tone(400, 8_000)
    write(sound, tmp_path / "x.wav")
    assert read((tmp_path / "x.wav").read_bytes()) == sound
    assert [path.name for path in tmp_path.iterdir()] == ["x.wav"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (data(channels=2), "has 2 channels; save it as mono WAV"),
        (data(width=3), "has 24 bits a sample; save"),
        (data(rate=6_000), "has 6000 samples a second; save"),
        (data(frames=8_000 * 121), "lasts 121 s; nobody listens longer than 120 s: shorten it"),
        (data(frames=0), "holds no sound; save"),
        (b"RIFF", "is no WAV file"),
        (b"", "is no WAV file"),
        (b"ID3\x04 an MP3", "is no WAV file"),
    ],
)
def test_a_bad_recording_is_told_with_its_mend(given: bytes, told: str) -> None:
    """What is wrong, and how to save it instead."""
    with pytest.raises(BadSound, match=told):
        read(given)
