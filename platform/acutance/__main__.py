"""`python -m acutance`: the command line."""

from acutance_platform.cli import main

if __name__ == "__main__":
    main()
