"""Makes the requests that a document's table shows, as `| method | request | … answer |`.

The answer is what comes back, in part, as in a `json` block. A request with a `…` names what
isn't there, and is not made.
"""

import pathlib
import re
import subprocess
import sys

import expected
import stack

ROW = re.compile(r"^\| `(\w+/\w+)`[^|]*\| `(\{[^`…]*\})`[^|]*\|(.*)\|$")
ANSWER = re.compile(r"`(\{[^`]*)`")


def failures(document):
    text = (stack.WORKSPACE / document).read_text()
    rows = [(number, ROW.match(line)) for number, line in enumerate(text.splitlines(), 1)]
    rows = [(number, row) for number, row in rows if row]
    wrong = [(number, failure(*row.groups())) for number, row in rows]
    print(f"{document}: {len(rows)} requests of its table made", file=sys.stderr)
    if not rows:
        return [f"{document}: no table of requests was found"]
    return [f"{document}:{number}: {problem}" for number, problem in wrong if problem]


def failure(method, body, said):
    """What is wrong with a row, in words."""
    answer = ANSWER.search(said)
    if not answer:
        return "the row shows no answer"
    done = request(method, body)
    if done.returncode:
        return done.stderr.strip()
    differs = expected.difference("json", answer[1], done.stdout)
    return differs and f"{differs}; printed was\n{done.stdout}"


def request(method, body):
    return subprocess.run(
        [
            pathlib.Path(sys.prefix, "bin/buf"), "curl", "--protocol", "grpc",
            "--http2-prior-knowledge", "-H", f"authorization: Bearer {stack.DEMO_TOKEN}",
            "-d", body, f"http://{stack.GRPC}/tertulia.v1.{method}",
        ],
        capture_output=True, text=True, timeout=60,
    )
