"""Sounds are made when their text changed, kept when it did not, and removed when nobody says them."""

from __future__ import annotations

from array import array
from dataclasses import replace
from pathlib import Path

import pytest

from callrouter.config.spoken import Prompt
from callrouter.prompts import voice
from callrouter.prompts.shelf import ShelfError, build, look
from callrouter.prompts.wave import Sound, read, write
from tests.needs import program

HELLO = Prompt("h-welcome-de", "Guten Tag.", "de")
BUSY = Prompt("h-busy-en", "All lines are busy.", "en")
BOTH = (BUSY, HELLO)


class Voice:
    """Says silence as long as the text, and remembers what it said."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []

    def __call__(self, text: str, language: str) -> Sound:
        self.said.append((text, language))
        return Sound(array("h", [0]) * (100 * len(text)), 22_050)


def test_the_first_build_makes_two_files_of_each(tmp_path: Path) -> None:
    """8 kHz as .wav, 16 kHz as .wav16, mono with 16 bits; before they are missing, after all is good."""
    out, speak = tmp_path / "out", Voice()
    assert look(BOTH, out, tmp_path / "recordings").missing == ("h-busy-en", "h-welcome-de")
    built = build(BOTH, out, tmp_path / "recordings", speak)
    assert (built.spoken, built.recorded, built.removed, built.unchanged) == (("h-busy-en", "h-welcome-de"), (), (), 0)
    assert sorted(speak.said) == [("All lines are busy.", "en"), ("Guten Tag.", "de")]
    files = ["h-busy-en.wav", "h-busy-en.wav16", "h-welcome-de.wav", "h-welcome-de.wav16", "manifest.json"]
    assert sorted(path.name for path in out.iterdir()) == files
    assert read((out / "h-welcome-de.wav").read_bytes()).rate == 8_000
    assert read((out / "h-welcome-de.wav16").read_bytes()).rate == 16_000
    assert look(BOTH, out, tmp_path / "recordings").complete


def test_only_what_changed_is_spoken_again(tmp_path: Path) -> None:
    """Another text, another language or a lost file; the same again makes nothing; --all makes everything."""
    speak = Voice()
    build(BOTH, tmp_path, tmp_path / "recordings", speak)
    speak.said.clear()
    assert build(BOTH, tmp_path, tmp_path / "recordings", speak).unchanged == 2
    changed = (BUSY, replace(HELLO, text="Guten Morgen."))
    assert look(changed, tmp_path, tmp_path / "recordings").stale == ("h-welcome-de",)
    build(changed, tmp_path, tmp_path / "recordings", speak)
    assert speak.said == [("Guten Morgen.", "de")]
    (tmp_path / "h-busy-en.wav16").unlink()
    assert look(changed, tmp_path, tmp_path / "recordings").missing == ("h-busy-en",)
    build(changed, tmp_path, tmp_path / "recordings", speak)
    assert speak.said == [("Guten Morgen.", "de"), ("All lines are busy.", "en")]
    assert len(build(changed, tmp_path, tmp_path / "recordings", speak, anew=True).spoken) == 2


def test_what_nobody_says_any_more_is_removed_and_nothing_else(tmp_path: Path) -> None:
    """A sound of somebody else in the same folder stays: only what was made here goes."""
    build(BOTH, tmp_path, tmp_path / "recordings", Voice())
    (tmp_path / "moh.wav").write_bytes(b"theirs")
    assert look((BUSY,), tmp_path, tmp_path / "recordings").unused == ("h-welcome-de",)
    assert build((BUSY,), tmp_path, tmp_path / "recordings", Voice()).removed == ("h-welcome-de",)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "h-busy-en.wav",
        "h-busy-en.wav16",
        "manifest.json",
        "moh.wav",
    ]


def test_a_recording_goes_before_the_voice(tmp_path: Path) -> None:
    """It is brought to both rates; a new take makes the sound stale, a new text does not."""
    recordings, out, speak = tmp_path / "recordings", tmp_path / "out", Voice()
    recordings.mkdir()
    write(Sound(array("h", [5]) * 4_410, 44_100), recordings / "h-welcome-de.wav")
    built = build(BOTH, out, recordings, speak)
    assert (built.spoken, built.recorded) == (("h-busy-en",), ("h-welcome-de",))
    assert len(read((out / "h-welcome-de.wav").read_bytes()).samples) == 800
    assert len(read((out / "h-welcome-de.wav16").read_bytes()).samples) == 1_600
    assert look((BUSY, replace(HELLO, text="Guten Morgen.")), out, recordings).complete
    write(Sound(array("h", [7]) * 4_410, 44_100), recordings / "h-welcome-de.wav")
    assert look(BOTH, out, recordings).stale == ("h-welcome-de",)
    (recordings / "h-welcome-de.wav").unlink()
    assert look(BOTH, out, recordings).stale == ("h-welcome-de",)
    assert build(BOTH, out, recordings, speak).spoken == ("h-welcome-de",)


def test_a_recording_that_no_text_asks_for_is_told(tmp_path: Path) -> None:
    """A misspelt name would otherwise be a recording that nobody ever hears."""
    write(Sound(array("h", [5]) * 800, 8_000), tmp_path / "h-welcom-de.wav")
    assert look(BOTH, tmp_path / "out", tmp_path).strays == ("h-welcom-de",)


def test_a_bad_recording_stops_the_build_but_keeps_what_was_made(tmp_path: Path) -> None:
    """The file and the mend are named; sounds made before are not made again."""
    recordings, out, speak = tmp_path / "recordings", tmp_path / "out", Voice()
    recordings.mkdir()
    (recordings / "h-welcome-de.wav").write_bytes(b"MP3")
    with pytest.raises(ShelfError, match=r"recordings/h-welcome-de\.wav: is no WAV file .* save it as mono WAV"):
        build(BOTH, out, recordings, speak)
    assert look(BOTH, out, recordings).missing == ("h-welcome-de",)
    (recordings / "h-welcome-de.wav").unlink()
    build(BOTH, out, recordings, speak)
    assert len(speak.said) == 2


@pytest.mark.parametrize("text", ["", "[]", '{"sounds": 3}', "{}"])
def test_a_manifest_that_is_none_is_told(tmp_path: Path, text: str) -> None:
    """Whatever stands in it, the mend is named."""
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(ShelfError, match=r"manifest\.json: this is no manifest .*; remove the file"):
        look(BOTH, tmp_path, tmp_path)


def test_without_a_voice_the_mend_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without espeak-ng is told which package to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(voice.NoVoice, match="espeak-ng is not installed; on Debian: apt-get install espeak-ng"):
        build(BOTH, tmp_path / "out", tmp_path)


def test_a_voice_that_fails_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the program says of its failure is passed on."""
    program = tmp_path / "espeak-ng"
    program.write_text("#!/bin/sh\necho 'no voice data' >&2\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(voice.NoVoice, match="espeak-ng failed: no voice data"):
        voice.speak("Guten Tag.", "de")


def test_the_real_voice_speaks_both_languages(tmp_path: Path) -> None:
    """espeak-ng says a second or so of audible sound; a text that looks like an option is a text."""
    program(voice.PROGRAM, "sh tests/espeak.sh")
    for text, language in (("Guten Tag, wie geht es Ihnen?", "de"), ("Hello, how are you?", "en"), ("--help me", "en")):
        sound = voice.speak(text, language)
        assert 0.5 < len(sound.samples) / sound.rate < 5
        assert max(sound.samples) > 5_000
