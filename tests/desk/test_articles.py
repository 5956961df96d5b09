"""The search over guides, and which guide a call gets."""

from __future__ import annotations

import pytest

from callrouter.desk.articles import HITS_MAX, Article, Articles, fold
from callrouter.desk.markdown import html, links


def guide(name: str, text: str = "", **more: object) -> Article:
    return Article(name, "de", str(more.pop("title", name)), text, 1, "2026-11-03", **more)  # type: ignore[arg-type]


GUIDES = Articles(
    [
        guide("move", "Wer umzieht, meldet die neue Anschrift.", title="Änderungen mitteilen", keywords=("Umzug",)),
        guide("money", "Das Arbeitslosengeld kommt am Monatsende.\n\nBei Kündigung fragen.", title="Geld"),
        guide("end", "1. Frist klären\n2. Kündigung ansehen\n3. Geld", title="Kündigung"),
        guide("street", "Die Straße und das Gebäude.", title="Wege"),
    ]
)


def found(text: str) -> list[str]:
    return [hit.article.name for hit in GUIDES.search(text, "de")]


@pytest.mark.parametrize("word", ["Kündigung", "kündigung", "KÜNDIGUNG", "kuendigung", "kundigung", "Kündig"])
def test_a_word_is_found_however_it_is_typed(word: str) -> None:
    """Umlauts, their spellings without, cases and word ends make no difference; the title counts most."""
    assert found(word) == ["end", "money"]


@pytest.mark.parametrize(("typed", "name"), [("strasse", "street"), ("gebaude", "street"), ("gebäude", "street")])
def test_sharp_s_and_umlauts_in_the_text(typed: str, name: str) -> None:
    """What stands in the text with ß or an umlaut is found without it."""
    assert found(typed) == [name]


def test_the_parts_of_a_compound_are_found() -> None:
    """`geld` finds Arbeitslosengeld, after the guide that is called so."""
    assert found("geld") == ["money", "end"]
    assert found("losengeld") == ["money"]


def test_all_words_come_before_some() -> None:
    """A guide that holds both words is first, whatever else counts."""
    assert found("kündigung monatsende")[0] == "money"
    assert found("frist kündigung")[0] == "end"


def test_a_hit_shows_the_passage_that_fits() -> None:
    """The passage is the part of the text that holds what was asked for; none when only a keyword fits."""
    hits = {hit.article.name: hit.passage for hit in GUIDES.search("kündigung", "de")}
    assert hits == {"end": "Kündigung ansehen", "money": "Bei Kündigung fragen."}
    assert [(hit.article.name, hit.passage) for hit in GUIDES.search("umzug", "de")] == [("move", "")]


def test_nothing_asked_is_nothing_found() -> None:
    """Blank, marks only, an unknown language: no hits, no error; many hits are cut."""
    assert found("") == found(" .,- ") == GUIDES.search("geld", "en") == []
    many = Articles([guide(f"g{i}", "gleich") for i in range(HITS_MAX + 5)])
    assert len(many.search("gleich", "de")) == HITS_MAX


def test_long_questions_are_cut() -> None:
    """A pasted letter costs no more than a few words."""
    assert found("geld " + " ".join(f"wort{i}" for i in range(5_000)))[:1] == ["money"]
    assert found("x" * 100_000) == []


def test_a_hotlines_own_guide_comes_first_and_language_before_it() -> None:
    """For a call: its language, then German; within a language the hotline's own guide before the general one."""
    own = guide("own", topics=("general",), hotlines=("arge",))
    general = guide("general", topics=("general",))
    english = Article("general", "en", "G", "", 1, "2026-11-03", ("general",))
    guides = Articles([general, own, english])
    assert guides.about("general", "arge", ["de"]) is own
    assert guides.about("general", "agency", ["de"]) is general
    assert guides.about("general", "arge", ["en", "de"]) is english
    assert guides.about("benefit", "arge", ["en", "de"]) is None


def test_fold_is_the_same_for_both_spellings() -> None:
    """ä is ae is a, so that all three are one word."""
    assert fold("Äußerung") == fold("Aeusserung") == fold("ausserung")


def test_html_is_safe_and_links_lead_to_pages() -> None:
    """Raw HTML and pictures are text, scripts are no links, a dead link is only its words; outside ones open apart."""
    text = (
        "# T\n\n<script>x</script> [a](there.md) [b](dead.md) [c](https://x.example) [d](javascript:x)\n\n> Guten Tag\n"
    )
    made = html(text, lambda name: "/g/there" if name == "there" else "", 3, "Zum Vorlesen")
    assert "<h3>T</h3>" in made
    assert "&lt;script&gt;" in made
    assert '<a href="/g/there">a</a> b <a href="https://x.example" class="outside" target="_blank"' in made
    assert 'href="javascript' not in made
    assert '<blockquote class="read-out" aria-label="Zum Vorlesen" role="note">' in made
    assert html("## Barriere melden!", lambda _: "", anchors=True) == '<h2 id="barriere-melden">Barriere melden!</h2>\n'
    assert "<img" not in html("![p](https://x.example/p.png)", lambda _: "")


def test_links_say_where_they_stand() -> None:
    """Each link with its line, the text beside this one that it names, and whether it may stand here."""
    text = "a\n\n- [x](other.md)\n- [y](tel:112)\n\n[z](../up.md) [w](http://plain.example)"
    assert [(link.target, link.line, link.name, link.known) for link in links(text)] == [
        ("other.md", 2, "other", True),
        ("tel:112", 3, "", True),
        ("../up.md", 5, "", False),
        ("http://plain.example", 5, "", False),
    ]
