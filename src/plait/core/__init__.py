"""The pure core: no I/O, no async, no clock, no randomness; time and ids come in as arguments."""
