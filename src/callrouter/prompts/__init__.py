"""Prompts: the texts of the configuration made into sound files that Asterisk plays."""
