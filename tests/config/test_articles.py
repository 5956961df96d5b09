"""Guides: files with a head, what is wrong with them, and that routing does not depend on them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner

from callrouter.cli import main
from callrouter.config.articles import BYTES_MAX
from callrouter.config.load import Loaded, load
from callrouter.config.watch import watch
from tests.config.folders import EXAMPLE, folder

HEAD = "---\ntitle: T\nversion: 1\ndate: 2026-11-03\n---\n"


def _topic(names: str) -> str:
    return HEAD.replace("T\n", f"T\ntopics: [{names}]\n")


def guided(where: Path, **files: str) -> Path:
    """The good network with guides; `__` in a name stands for its dot."""
    home = folder(where) / "guides"
    home.mkdir()
    every = {"general__de": _topic("general, benefit"), **files}
    for name, text in every.items():
        (home / f"{name.replace('__', '.')}.md").write_text(text, encoding="utf-8")
    return where


def told(where: Path) -> list[str]:
    loaded = load(where)
    return [str(one).replace(f"{where}/", "") for one in (*loaded.unguided, *loaded.warnings)]


def test_a_guide_has_its_head_and_its_text(tmp_path: Path) -> None:
    """Title, topics, hotlines, version, date and keywords come from the head; the rest is the text."""
    head = "title: Geld\ntopics: benefit\nhotlines: agency-gera\nversion: 14\ndate: 2026-11-03\nkeywords: [Konto]\n"
    text = f"---\n{head}---\nEins.\n"
    where = guided(tmp_path, money__de=text)
    guides = load(where).desk.guides
    assert told(where) == []
    one = guides.get("money", "de")
    assert one is not None
    assert (one.title, one.topics, one.hotlines, one.version) == ("Geld", ("benefit",), ("agency-gera",), 14)
    assert (one.date, one.keywords, one.text) == ("2026-11-03", ("Konto",), "Eins.\n")


def test_a_folder_without_guides_says_nothing(tmp_path: Path) -> None:
    """Who uses no guides is not told to write them."""
    loaded = load(folder(tmp_path))
    assert (loaded.warnings, loaded.unguided, loaded.desk.guides.all) == ((), (), ())


def test_a_topic_without_guide_is_an_oddity(tmp_path: Path) -> None:
    """Once there are guides, each topic should have one in each language of its hotlines."""
    where = guided(tmp_path, general__de=_topic("general"))
    assert told(where) == [
        "guides: warning: no guide for topic 'benefit' of hotline 'agency-gera' in 'de'; "
        "write benefit.de.md with 'topics: benefit'"
    ]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("Geld.de", HEAD, ": this name does not fit; name it like benefit.de.md (a-z, 0-9, '-', the language)"),
        ("geld.fr", HEAD, ": 'fr' is no language known here; use de or en"),
        ("geld.de", "Eins.\n", ":1:1: no head stands here; begin with '---', title, version and date, and '---'"),
        ("geld.de", "---\ntitle: T\nversion: 1\n---\n", ":1:1: 'date' is missing; add 'date: …'"),
        ("geld.de", HEAD.replace("version: 1", "version: x"),
         ":3:10: version: 'x' is no whole number; write digits only"),
        ("geld.de", _topic("genral"), ":3:10: topic 'genral' does not exist; did you mean 'general'?"),
        ("geld.de", HEAD.replace("T\n", "T\nhotlines: agency-gerra\n"),
         ":3:11: hotline 'agency-gerra' does not exist; did you mean 'agency-gera'?"),
        ("geld.de", f"{HEAD}\nSiehe\n[da](generall.md).\n",
         ":8:6: there is no 'generall' in 'de' here; did you mean 'general'?"),
        ("geld.de", f"{HEAD}[da](/etc)\n", ":6:6: '/etc' leads nowhere; link to name.md, https://…, mailto:… or tel:…"),
        ("geld.de", HEAD + "x" * BYTES_MAX, ": longer than 64 KiB; make several of it"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place(name: str, text: str, expected: str, tmp_path: Path) -> None:
    """Each mistake in a guide has file, line and column; the guide is left out, the plan and the others stand."""
    where = guided(tmp_path, **{name.replace(".", "__"): text})
    assert told(where) == [f"guides/{name}.md{expected}"]
    assert [one.name for one in load(where).desk.guides.all] == ["general"]
    assert CliRunner().invoke(main, ["check", str(where)]).exit_code == 1


def test_the_example_guides_every_topic_in_both_languages() -> None:
    """Each call of the example finds a guide in German and in English, and the ARGE its own."""
    loaded = load(EXAMPLE)
    for hotline in loaded.plan.hotlines:
        for topic in hotline.topics:
            for language in ("de", "en"):
                found = loaded.desk.guides.about(topic.name, hotline.name, [language])
                assert found is not None, (hotline.name, topic.name, language)
                assert (found.name == "basic-support") == hotline.name.startswith("arge-")
    names = {(one.name, one.version, one.date) for one in loaded.desk.guides.all}
    assert 2 * len(names) == len(loaded.desk.guides.all), "the languages of a guide have one version"


async def test_a_changed_guide_is_loaded(tmp_path: Path) -> None:
    """A file in the folder of guides counts like the YAML files."""
    where = guided(tmp_path)
    nudge = asyncio.Event()
    results = watch(where, nudge)
    nudge.set()
    await asyncio.wait_for(anext(results), 20)

    async def change() -> None:
        while True:
            (where / "guides" / "new.de.md").write_text(HEAD)
            await asyncio.sleep(1)

    changing = asyncio.create_task(change())
    async with asyncio.timeout(20):
        async for result in results:
            if isinstance(result, Loaded) and result.desk.guides.get("new", "de"):
                break
    changing.cancel()
    await results.aclose()
