"""The commands of the prompt, one file for each family. `registry` says what a command is, `line` what a line of input is."""
