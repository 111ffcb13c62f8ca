"""Makes the requests that a document's table shows, as `| method | request |`.

Those with a `…` name what isn't there, and a method without a request is prose.
"""

import pathlib
import re
import subprocess
import sys

import stack

ROW = re.compile(r"^\| `(\w+/\w+)`[^|]*\| `(\{[^`…]*\})`")


def failures(document):
    text = (stack.WORKSPACE / document).read_text()
    rows = [(number, ROW.match(line)) for number, line in enumerate(text.splitlines(), 1)]
    wrong, made = [], 0
    for number, row in rows:
        if row:
            made += 1
            done = request(row[1], row[2])
            if done.returncode:
                wrong.append(f"{document}:{number}: {done.stderr.strip()}")
    print(f"{document}: {made} requests of its table made", file=sys.stderr)
    return wrong if made else [f"{document}: no table of requests was found"]


def request(method, body):
    return subprocess.run(
        [
            pathlib.Path(sys.prefix, "bin/buf"), "curl", "--protocol", "grpc",
            "--http2-prior-knowledge", "-H", f"authorization: Bearer {stack.DEMO_TOKEN}",
            "-d", body, f"http://{stack.GRPC}/tertulia.v1.{method}",
        ],
        capture_output=True, text=True, timeout=60,
    )
