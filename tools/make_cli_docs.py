#!/usr/bin/env python3
"""docs/cli.md out of each verb's own --help.   tools/make_cli_docs.py [build/release/licet] > docs/cli.md

tests/acceptance/outputs.py compares the file with what the program says now."""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HEAD = """# The command line

Made by `tools/make_cli_docs.py` out of each verb's own `--help`; a test compares them.

Every verb: exit **0** clean, **1** the answer is no, **2** could not load, judge or reach. Answers go to stdout, what went wrong to stderr, with
the place and what to do. Colors and tables fit the terminal; there are no colors in a pipe or with `NO_COLOR`. `--format json` is stable
(`docs/formats/`), and the same input gives the same bytes. `$LICET_PACKS` names another folder of packs.

In a team's workflow: `licet check STACK --since origin/main` fails a build only for what it newly breaks (`examples/ci`).
"""


def ask(binary, *args):
    # As wide as a page, whatever the terminal; the folder of packs differs from machine to machine.
    text = subprocess.run([binary, *args, "--help"], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    return re.sub(r"--packs TEXT=\S+\s+", "--packs TEXT                ", text)


def verbs(binary):
    return re.findall(r"(?m)^  ([a-z]+) +\S", ask(binary).split("Subcommands:")[1].split("\n\n")[0])


def section(binary, verb):
    lines = ask(binary, verb).rstrip().split("\n")
    says, usage = lines[0], lines[1].removeprefix("Usage: ")
    rest = "\n".join(lines[2:]).strip("\n")
    out = f"## `{usage}`\n\n{says}.\n\n```\n{rest}\n```\n"
    if verb == "report":  # its kinds have options of their own
        for kind in re.findall(r"(?m)^  ([a-z]+) +\S", rest.split("Subcommands:")[1].split("\n\n")[0]):
            lines = ask(binary, verb, kind).rstrip().split("\n")
            body = "\n".join(lines[2:]).strip("\n")
            out += f"\n### `{lines[1].removeprefix('Usage: ')}`\n\n{lines[0]}.\n\n```\n{body}\n```\n"
    return out


def main():
    binary = sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, "build", "release", "licet")
    print("\n".join([HEAD, *(section(binary, v) for v in verbs(binary))]), end="")


if __name__ == "__main__":
    main()
