"""What people read: German in the code and the templates, English in one catalogue beside it."""

from callrouter.i18n.texts import LANGUAGES, Texts, mark, preferred, texts

__all__ = ["LANGUAGES", "Texts", "mark", "preferred", "texts"]
