"""Sessions in the forms in which they leave plait and come into it: lists, documents, other programs' files. Knows the core only."""
