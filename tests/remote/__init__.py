"""The remote layer: the protocol, both ends of it, and who owns the sessions."""
