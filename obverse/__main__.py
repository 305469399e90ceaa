"""`python -m obverse` is the `obverse` command."""

from obverse.cli import command

if __name__ == "__main__":
    command()
