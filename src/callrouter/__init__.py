"""callrouter: routes the calls of public service centres over several Asterisk sites; nobody pays to wait."""

__version__ = "0.1.0"
