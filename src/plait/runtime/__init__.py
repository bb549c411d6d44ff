"""The coordinator and what it stands on: journal, event log, gate, turn, recovery. Imports core only."""
