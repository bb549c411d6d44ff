"""`python -m plait` is `plait`."""

from plait.start import main

main()
