"""The command line: `python -m bench [cold|warm|pickup|layers|sketch] [--rounds N]`; without a name, all of them."""

import argparse
import sys

from rich.console import Console

from bench.cold import measure_cold_starts
from bench.figures import Section, print_section, write_markdown
from bench.places import HOME
from bench.services import run_services
from bench.variants import prepare_variants


def main() -> int:
    console = Console(highlight=False)
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    variants = prepare_variants()
    with run_services() as services:
        section = measure_cold_starts(
            variants, services, rounds=arguments.rounds, on_round=lambda n: print(n, flush=True)
        )
    print_section(section, console)
    return 0


if __name__ == "__main__":
    sys.exit(main())
