"""What an AppServer does for its clients: the login JSON and the token of an RTC channel, signed with the AppKey."""

import base64
import hashlib
import json
import secrets
import time


def login_json(app, user, role="", ttl=3600):
    """`ttl` is in seconds; negative makes a login that has expired."""
    nonce, stamp = f"AK-{secrets.token_hex(8)}", int(time.time()) + ttl
    signed = f"{app.id}{app.key}{user}{nonce}{stamp}{role}"
    return {
        "app_id": app.id,
        "app_token": hashlib.sha256(signed.encode()).hexdigest(),
        "auth": {"user_id": user, "nonce": nonce, "timestamp": stamp, "role": role},
    }


def login_token(app, user, role="", ttl=3600):
    """The login JSON as clients put it into the SDK's `token`."""
    return base64.b64encode(json.dumps(login_json(app, user, role, ttl)).encode()).decode()


def channel_json(app, channel, user, ttl=3600):
    """`ttl` is in seconds; negative makes a token that has expired."""
    nonce, stamp = f"AK-{secrets.token_hex(8)}", int(time.time()) + ttl
    signed = f"{app.id}{app.key}{channel}{user}{nonce}{stamp}"
    return {
        "appid": app.id, "channelid": channel, "userid": user, "nonce": nonce, "timestamp": stamp,
        "token": hashlib.sha256(signed.encode()).hexdigest(),
    }


def channel_token(app, channel, user, ttl=3600):
    return base64.b64encode(json.dumps(channel_json(app, channel, user, ttl)).encode()).decode()
