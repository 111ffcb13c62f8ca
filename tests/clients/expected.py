"""Whether what a command has printed is what its document shows.

A document may leave fields out, and `…` in a text, as an element or as a line stands for
anything. Times, durations and what is opaque need only be there.
"""

import json
import re

ANYTHING = "…"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
VARYING = {"executionMs", "execution_ms", "latencyMs", "nextPageToken", "score"}


def difference(language, shown, printed):
    """What differs, in words; nothing if all is well, or if no output is shown."""
    if language == "json":
        return json_difference(shown, printed)
    if language in ("csv", "text"):
        return elements(shown.splitlines(), printed.splitlines(), "line")
    return None


def json_difference(shown, printed):
    try:
        return elements(values(shown), values(printed), "output")
    except json.JSONDecodeError as error:
        return f"not JSON: {error}"


def values(text):
    """The JSON values in a text, one after the other."""
    decoder, found, text = json.JSONDecoder(), [], text.strip()
    while text:
        value, end = decoder.raw_decode(text)
        found.append(value)
        text = text[end:].lstrip()
    return found


def value_difference(shown, printed, place):
    if type(shown) is not type(printed):
        return f"{place} is {printed!r} and not {shown!r}"
    if isinstance(shown, dict):
        return fields(shown, printed, place)
    if isinstance(shown, list):
        return elements(shown, printed, place)
    if shown == printed or isinstance(shown, str) and text_matches(shown, printed):
        return None
    return f"{place} is {printed!r} and not {shown!r}"


def text_matches(shown, printed):
    if TIME.fullmatch(shown) and TIME.fullmatch(printed):
        return True
    pattern = ".*".join(re.escape(part) for part in shown.split(ANYTHING))
    return re.fullmatch(pattern, printed, re.DOTALL) is not None


def fields(shown, printed, place):
    for name, value in shown.items():
        if name not in printed:
            return f"{place} has no {name}"
        if name in VARYING:
            continue
        differs = value_difference(value, printed[name], f"{place}.{name}")
        if differs:
            return differs
    return None


def elements(shown, printed, place):
    if ANYTHING in shown:
        gap = shown.index(ANYTHING)
        before, after = shown[:gap], shown[gap + 1:]
        if len(printed) < len(before) + len(after):
            return f"{place} has only {len(printed)} elements"
        end = printed[len(printed) - len(after):]
        return elements(before, printed[:gap], place) or elements(after, end, place)
    if len(shown) != len(printed):
        return f"{place} has {len(printed)} elements and not {len(shown)}"
    pairs = enumerate(zip(shown, printed))
    found = (value_difference(*pair, f"{place}[{index}]") for index, pair in pairs)
    return next((differs for differs in found if differs), None)
