"""`python -m callrouter` is the command line."""

from callrouter.cli import main

main(prog_name="callrouter")
