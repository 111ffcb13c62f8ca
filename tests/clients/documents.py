"""Executes what the documents show: every `sh` block, in order, in one shell a document.

A `json` or `csv` block right after it is what it prints; `expected.py` says what may differ.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

import expected
import stack

# Where the documents say that the API is.
SHOWN = "127.0.0.1:50051"
MARK = "\x1e"
FENCE = re.compile(r"^```(\w*)$")
# What the documents ask of a stack of `cargo dev up`.
PRELUDE = """set -Eeuo pipefail
cargo() {
  case "$*" in
    "dev token --user 1") printf '%s\\n' "$TERTULIA_DEMO_TOKEN" ;;
    "dev token --user 2") printf '%s\\n' "$TERTULIA_OTHER_TOKEN" ;;
    *) return 1 ;;
  esac
}
# Of the document, also when it is a function's command that fails.
trap 'line=$LINENO; if [ ${#BASH_LINENO[@]} -gt 1 ]; then line=${BASH_LINENO[-2]}; fi
  echo "the command on line $line failed" >&2' ERR
"""


class Block:
    def __init__(self, language, line):
        self.language, self.line, self.lines = language, line, []

    def text(self):
        return "".join(f"{line}\n" for line in self.lines)


def blocks(text):
    found, inside = [], None
    for number, line in enumerate(text.splitlines(), 1):
        fence = FENCE.match(line)
        if inside and line == "```":
            inside = None
        elif inside:
            inside.lines.append(line)
        elif fence:
            inside = Block(fence[1], number)
            found.append(inside)
    return found


def script(commands):
    """The commands, each on the line that it has in its document."""
    lines = []
    for block in commands:
        lines += [""] * (block.line - 1 - len(lines))
        lines.append(f"printf '{MARK}{block.line}\\n' | tee /dev/stderr")
        lines += block.lines
    return "".join(f"{line}\n" for line in lines).replace(SHOWN, stack.GRPC)


def run(commands):
    """What each block has printed, by its line, and what the last one said if it failed."""
    with tempfile.TemporaryDirectory() as folder:
        # The commands are those of one who stands in our workspace, but makes no files there.
        pathlib.Path(folder, "proto").symlink_to(stack.WORKSPACE / "proto")
        prelude, file = pathlib.Path(folder, "prelude"), pathlib.Path(folder, "script")
        prelude.write_text(PRELUDE)
        file.write_text(f". {prelude}; {script(commands)}")
        path = f"{pathlib.Path(sys.prefix, 'bin')}:{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", str(file)], cwd=folder, env={**os.environ, "PATH": path},
            capture_output=True, text=True, timeout=300,
        )
    printed = {}
    for part in done.stdout.split(MARK)[1:]:
        line, _, text = part.partition("\n")
        printed[int(line)] = text
    said = done.stderr.split(MARK)[-1].partition("\n")[2]
    return printed, said if done.returncode else None


def strays(document, found):
    """Commands that nobody would execute."""
    shown = [block for block in found if block.language != "sh" and "buf curl" in block.text()]
    return [f"{document}:{block.line}: `buf curl` in a block that is not `sh`" for block in shown]


def failures(document):
    found = blocks((stack.WORKSPACE / document).read_text())
    commands = [block for block in found if block.language == "sh"]
    if not commands:
        return [f"{document}: no command was found"]
    printed, said = run(commands)
    wrong = strays(document, found)
    if said is not None:
        last = max(printed, default=0)
        wrong.append(f"{document}:{last}: {said.strip()}\n{printed.get(last, '')}")
    for block, after in zip(found, found[1:]):
        if block.language == "sh" and block.line in printed and said is None:
            differs = expected.difference(after.language, after.text(), printed[block.line])
            if differs:
                printed_was = f"printed was\n{printed[block.line]}"
                wrong.append(f"{document}:{after.line}: {differs}; {printed_was}")
    print(f"{document}: {len(commands)} blocks of commands executed", file=sys.stderr)
    return wrong
