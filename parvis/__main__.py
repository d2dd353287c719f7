"""`python -m parvis`, the same as the `parvis` command."""

from parvis.cli import main

if __name__ == "__main__":
    main()
