"""What a model can ask plait to do; each tool is one file, and knows the core only."""
