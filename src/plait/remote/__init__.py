"""The second terminal: one protocol over a private unix socket, between the plait that owns the sessions and those attached to it."""
