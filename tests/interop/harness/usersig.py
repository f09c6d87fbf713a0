"""UserSigs, made by the other cloud's own libraries: PyPI and npm `tls-sig-api-v2`."""

import base64
import json
import os
import subprocess
import threading
import types
import zlib
from unittest import mock

import TLSSigAPIv2

LIBRARIES = ("PyPI", "npm")
EXPIRE = 180 * 86_400  # seconds, as both take it by themselves

BY_NODE = """
const { Api } = require('tls-sig-api-v2');
const [sdkappid, key, user, expire, at] = JSON.parse(process.argv[1]);
if (at !== null) Date.now = () => at * 1000;
process.stdout.write(new Api(sdkappid, key).genUserSig(user, expire));
"""
_one_clock = threading.Lock()


def usersig(library, app, user, expire=EXPIRE, at=None):
    """Signed with the application's key, now or `at` these Unix seconds. Blocks."""
    if library == "npm":
        env = os.environ | {"NODE_PATH": f"{os.environ['ROOMD_INTEROP_ENV']}/node_modules"}
        asked = json.dumps([app.sdkappid, app.key, user, expire, at])
        return subprocess.run(["node", "-e", BY_NODE, asked], env=env, check=True, capture_output=True, timeout=15).stdout.decode()
    signer = TLSSigAPIv2.TLSSigAPIv2(app.sdkappid, app.key)
    if at is None:
        return signer.gen_sig(user, expire)
    with _one_clock, mock.patch("TLSSigAPIv2.time", types.SimpleNamespace(time=lambda: at)):
        return signer.gen_sig(user, expire)


def login(app, user, sig):
    """What a client puts into the SDK's `token`."""
    return base64.b64encode(json.dumps({"sdkappid": app.sdkappid, "identifier": user, "usersig": sig}).encode()).decode()


def document(sig):
    """The JSON that a UserSig is the wrapping of."""
    return json.loads(zlib.decompress(base64.b64decode(sig.translate(str.maketrans("*-_", "+/=")))))


def wrapped(text, level=-1):
    """Any bytes in that wrapping."""
    return base64.b64encode(zlib.compress(text, level)).decode().translate(str.maketrans("+/=", "*-_"))
