"""The command line.

`front` is the command itself, and what it does without a word; `commands` declares the commands about what is kept. What one of them does
is in the module of its name, which is imported when it runs: a start must not wait for what it does not need.
"""

from plait.cli.front import main as main
