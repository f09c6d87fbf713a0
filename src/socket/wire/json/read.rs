//! Reading lines: absent or null is the default, unknown fields are ignored.

use crate::socket::wire::{Command, Method, Subscribe};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(default, deserialize_with = "or_default")]
    id: u32,
    #[serde(borrow)]
    connect: Option<ConnectLine<'a>>,
    #[serde(borrow)]
    subscribe: Option<SubscribeLine<'a>>,
    unsubscribe: Option<ChannelLine>,
    #[serde(borrow)]
    publish: Option<PublishLine<'a>>,
    presence: Option<ChannelLine>,
    presence_stats: Option<ChannelLine>,
    history: Option<HistoryLine>,
    #[serde(borrow)]
    rpc: Option<RpcLine<'a>>,
    #[serde(borrow)]
    send: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ConnectLine<'a> {
    #[serde(default, deserialize_with = "or_default")]
    token: String,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct SubscribeLine<'a> {
    #[serde(default, deserialize_with = "or_default")]
    channel: String,
    #[serde(default, deserialize_with = "or_default")]
    join_leave: bool,
    #[serde(default, deserialize_with = "or_default")]
    recover: bool,
    #[serde(default, deserialize_with = "or_default")]
    epoch: String,
    #[serde(default, deserialize_with = "or_default")]
    offset: u64,
    #[serde(default, deserialize_with = "or_default")]
    token: String,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ChannelLine {
    #[serde(default, deserialize_with = "or_default")]
    channel: String,
}

#[derive(Deserialize)]
struct PublishLine<'a> {
    #[serde(default, deserialize_with = "or_default")]
    channel: String,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct HistoryLine {
    #[serde(default, deserialize_with = "or_default")]
    channel: String,
    #[serde(default, deserialize_with = "or_default")]
    limit: i64,
    since: Option<SinceLine>,
    #[serde(default, deserialize_with = "or_default")]
    reverse: bool,
}

#[derive(Deserialize)]
struct SinceLine {
    #[serde(default, deserialize_with = "or_default")]
    offset: u64,
    #[serde(default, deserialize_with = "or_default")]
    epoch: String,
}

#[derive(Deserialize)]
struct RpcLine<'a> {
    #[serde(default, deserialize_with = "or_default")]
    method: String,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct SendLine<'a> {
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

/// The protocol's absent, spelled null.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(d: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(d)?.unwrap_or_default())
}

/// One line of a frame. `None`: not JSON of the protocol.
pub fn decode(line: &str) -> Option<Command> {
    let line: Line = serde_json::from_str(line).ok()?;
    let or_null = |data: Option<&RawValue>| data.map_or("null", RawValue::get).to_owned();
    let method = if let Some(c) = line.connect {
        Method::Connect { token: c.token, data: c.data.map(|d| d.get().to_owned()).filter(|d| d != "null") }
    } else if let Some(s) = line.subscribe {
        let data = s.data.map(|d| d.get().to_owned()).filter(|d| d != "null");
        let SubscribeLine { channel, join_leave, recover, epoch, offset, token, .. } = s;
        Method::Subscribe(Subscribe { channel, join_leave, recover, epoch, offset, token, data })
    } else if let Some(u) = line.unsubscribe {
        Method::Unsubscribe { channel: u.channel }
    } else if let Some(p) = line.publish {
        Method::Publish { channel: p.channel, data: or_null(p.data) }
    } else if let Some(p) = line.presence {
        Method::Presence { channel: p.channel }
    } else if let Some(p) = line.presence_stats {
        Method::PresenceStats { channel: p.channel }
    } else if let Some(h) = line.history {
        Method::History { channel: h.channel, limit: h.limit, since: h.since.map(|s| (s.offset, s.epoch)), reverse: h.reverse }
    } else if let Some(r) = line.rpc {
        Method::Rpc { method: r.method, data: or_null(r.data) }
    } else if let Some(send) = line.send {
        // Nobody hears of what is wrong with it.
        Method::Send { data: or_null(serde_json::from_str::<SendLine>(send.get()).ok().and_then(|s| s.data)) }
    } else if line.id == 0 {
        Method::Pong
    } else {
        Method::Unknown
    };
    Some(Command { id: line.id, method })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_decoded_with_defaults() {
        let send = |data: &str| Some(Command { id: 0, method: Method::Send { data: data.into() } });
        for (line, expected) in [
            ("{}", Some(Command { id: 0, method: Method::Pong })),
            ("{\"id\":1,\"connect\":{\"token\":null}}", Some(Command { id: 1, method: Method::Connect { token: String::new(), data: None } })),
            (
                "{\"id\":2,\"subscribe\":{\"channel\":\"group:g\",\"flag\":1,\"recover\":true,\"offset\":7}}",
                Some(Command { id: 2, method: Method::Subscribe(Subscribe { channel: "group:g".into(), recover: true, offset: 7, ..Default::default() }) }),
            ),
            (
                "{\"id\":2,\"subscribe\":{\"channel\":\"rtc:c\",\"token\":\"t\",\"data\":{\"role\":1}}}",
                Some(Command {
                    id: 2,
                    method: Method::Subscribe(Subscribe {
                        channel: "rtc:c".into(),
                        token: "t".into(),
                        data: Some("{\"role\":1}".into()),
                        ..Default::default()
                    }),
                }),
            ),
            ("{\"id\":3,\"sub_refresh\":{}}", Some(Command { id: 3, method: Method::Unknown })),
            (
                "{\"id\":4,\"rpc\":{\"method\":\"m\",\"data\":{\"a\": [1]}}}",
                Some(Command { id: 4, method: Method::Rpc { method: "m".into(), data: "{\"a\": [1]}".into() } }),
            ),
            ("{\"id\":5,\"rpc\":{}}", Some(Command { id: 5, method: Method::Rpc { method: String::new(), data: "null".into() } })),
            ("{\"id\":6,\"rpc\":{\"data\":null}}", Some(Command { id: 6, method: Method::Rpc { method: String::new(), data: "null".into() } })),
            ("{\"send\":{\"data\":{\"ack\":[]}}}", send("{\"ack\":[]}")),
            ("{\"send\":{}}", send("null")),
            ("{\"send\":1}", send("null")),
            ("{\"id\":-1}", None),
            ("{\"id\":1", None),
            ("[]", None),
            ("", None),
        ] {
            assert_eq!(decode(line), expected, "{line}");
        }
    }
}
