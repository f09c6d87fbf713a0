"""Compares an answer with what was expected of it: every field, no field more, the right JSON types."""

import datetime
import re
import time

REQUEST_ID = re.compile(r"[0-9A-F]{8}-([0-9A-F]{4}-){3}[0-9A-F]{12}")


class Now:
    """Unix time of about now, in `unit`s a second."""

    def __init__(self, unit=1):
        self.unit = unit

    def __eq__(self, other):
        return type(other) is int and abs(other / self.unit - time.time()) < 60

    def __repr__(self):
        return f"about {time.time() * self.unit:.0f}"


class NowInChina(Now):
    """About now as the text of a time in UTC+8, to the second or (`digits=3`) to the millisecond."""

    def __init__(self, digits=0):
        self._form = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d" + (rf"\.\d{{{digits}}}" if digits else ""))

    def __eq__(self, other):
        return isinstance(other, str) and bool(self._form.fullmatch(other)) and abs(seconds_of(other) - time.time()) < 60

    def __repr__(self):
        return f"{self._form.pattern} of about now in UTC+8"


def seconds_of(text):
    """Unix seconds of a time as the cloud writes it, in UTC+8."""
    china = datetime.timezone(datetime.timedelta(hours=8))
    return datetime.datetime.fromisoformat(text).replace(tzinfo=china).timestamp()


def differences(came, expected, path="answer"):
    """`expected` may hold types, compiled patterns and `Now` in place of values."""
    if isinstance(expected, dict) and isinstance(came, dict):
        found = [f"{path}.{key}: missing, expected {expected[key]!r}" for key in expected.keys() - came.keys()]
        found += [f"{path}.{key}: unexpected {came[key]!r}" for key in came.keys() - expected.keys()]
        for key in expected.keys() & came.keys():
            found += differences(came[key], expected[key], f"{path}.{key}")
        return found
    if isinstance(expected, list) and isinstance(came, list) and len(came) == len(expected):
        return [d for i, pair in enumerate(zip(came, expected)) for d in differences(*pair, f"{path}[{i}]")]
    if isinstance(expected, re.Pattern):
        fits = isinstance(came, str) and expected.fullmatch(came)
    elif isinstance(expected, type):
        fits = type(came) is expected
    elif isinstance(expected, Now):
        fits = expected == came
    else:
        fits = type(came) is type(expected) and came == expected
    return [] if fits else [f"{path}: expected {getattr(expected, 'pattern', expected)!r}, came {came!r}"]


def assert_shape(came, expected, path="answer"):
    __tracebackhide__ = True
    found = differences(came, expected, path)
    assert not found, "\n".join(sorted(found))
