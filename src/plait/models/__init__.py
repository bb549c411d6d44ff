"""Adapters of the `ModelProvider` seam: one file per wire."""
