"""Make `python -m outrider` the same as `outrider`."""

from outrider.cli import main

main()
