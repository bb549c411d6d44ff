"""The terminal front end: prompt, live region, commands, rendering. Imports the core only."""
