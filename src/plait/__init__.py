"""plait: many conversations, one prompt."""

__version__ = "0.1.0"
