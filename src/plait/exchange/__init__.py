"""Sessions in the forms in which they leave plait: lists, documents, and plait's own JSON. Knows the core only."""
