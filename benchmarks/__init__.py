"""How fast, small and quiet plait is, measured on real terminals against a server on loopback; see `README.md`."""
