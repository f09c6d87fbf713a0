"""What the SDK's model classes declare of an answer: the names of its fields on the wire and their types."""

import functools
import inspect
import re
import typing

from alibabacloud_live20161101 import models
from alibabacloud_live20161101.client import Client
from darabonba.model import DaraModel

# Declared, but documented to be there only at times.
SOMETIMES = {
    "DescribeLiveMessageApp": {"AuditUrl"},
    "DescribeLiveMessageGroup": {"Deletatime", "Deletor", "MsgAmount", "OnlineUserCounts", "TotalTimes"},
    "ListLiveMessageApps": {"NextPageToken"},
    "ListLiveMessageGroups": {"NextpageToken"},
    "ModifyLiveMessageAppAudit": {"AuditUrl"},
    "ModifyLiveMessageAppCallback": {"EventCallbackUrl"},
}

# Declared, but deprecated, and never sent.
NEVER = {("ListEventSubResponseBodySubscribers", "Roles")}

# The class says str; the cloud's own example is the bare word false.
CORRECTED = {("ListLiveMessageAppsResponseBodyAppList", "Disable"): bool}

SAMPLES = {str: "x", int: 1, bool: True}

SERVED = re.compile("live_message|event_sub|_channel")
OTHER_FEATURES = re.compile("rtc_mpu|caster")  # have subscriptions and channels of their own


def operations():
    """Every operation of interactive messaging and of RTC channels that the SDK can call, by its name on the wire."""
    methods = {name for name in vars(Client) if SERVED.search(name) and not OTHER_FEATURES.search(name)}
    plain = {name for name in methods if f"{name}_with_options" in methods}
    return {"".join(word.capitalize() for word in name.split("_")) for name in plain}


def assert_declared(action, came):
    """An answer has every field that its class declares, but for those of `SOMETIMES`, and no other."""
    __tracebackhide__ = True
    found = _faults(came, _body(action), action, SOMETIMES.get(action, ()))
    assert not found, "\n".join(sorted(found))


def assert_whole(action, came, absent=(), empty=()):
    """The same, but for exactly the `absent` fields. Only the `empty` lists are empty: the others show what is in them."""
    __tracebackhide__ = True
    found = _faults(came, _body(action), action, absent)
    found += [f"{action}.{name}: there, but expected to be absent" for name in absent if name in came]
    found += [
        f"{action}.{name}: expected it to be {'' if name in empty else 'not '}empty, came {value!r}"
        for name, value in came.items() if isinstance(value, (list, dict)) and (not value) != (name in empty)
    ]
    assert not found, "\n".join(sorted(found))


def _body(action):
    return getattr(models, f"{action}ResponseBody")


@functools.cache
def _fields(model):
    """Names on the wire and declared types. A class tells its names only by writing an instance out."""
    nothing, fields = model().to_map(), {}
    for attribute, declared in typing.get_type_hints(model.__init__, vars(inspect.getmodule(model))).items():
        written = model(**{attribute: _sample(declared)}).to_map()
        [name] = [name for name in written if name not in nothing or written[name] != nothing[name]]
        if (model.__name__, name) not in NEVER:
            fields[name] = CORRECTED.get((model.__name__, name), declared)
    return fields


def _sample(declared):
    kind, parts = typing.get_origin(declared), typing.get_args(declared)
    if kind is list:
        return [_sample(parts[0])]
    if kind is dict:
        return {"x": _sample(parts[1])}
    return declared() if issubclass(declared, DaraModel) else SAMPLES[declared]


def _faults(came, declared, path, may_lack=()):
    """What is wrong, as sentences; `may_lack` holds names of the outermost object."""
    kind, parts = typing.get_origin(declared), typing.get_args(declared)
    if kind is list and isinstance(came, list):
        return [fault for n, item in enumerate(came) for fault in _faults(item, parts[0], f"{path}[{n}]")]
    if kind is dict and isinstance(came, dict):
        return [fault for name, value in came.items() for fault in _faults(value, parts[1], f"{path}.{name}")]
    if kind is None and issubclass(declared, DaraModel) and isinstance(came, dict):
        fields = _fields(declared)
        found = [f"{path}.{name}: {declared.__name__} does not know it" for name in came.keys() - fields.keys()]
        found += [f"{path}.{name}: missing" for name in fields.keys() - came.keys() - set(may_lack)]
        for name in came.keys() & fields.keys():
            found += _faults(came[name], fields[name], f"{path}.{name}")
        return found
    fits = kind is None and type(came) is declared
    return [] if fits else [f"{path}: declared as {re.sub(r'.*[.]', '', str(declared))}, came {came!r}"]
