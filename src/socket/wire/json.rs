//! The JSON encoding of the client protocol. Reading: absent or null is the default, unknown fields
//! are ignored. Writing: what the SDKs index without a default is always there.

use super::{Command, Error, GROUP, Method, Subscribe};
use crate::domain::{
    Epoch, GroupId, Millis, Refusal, Tid,
    message::{Draft, Message},
    push::{Connected, Present, Reply, Subscribed},
    request::GroupInfo,
};
use serde::{Deserialize, Deserializer};
use serde_json::{json, value::RawValue};
use std::{collections::BTreeSet, io::Write, sync::Arc};

/// Weight of a publication that says `"level":"HIGH"` (`alibaba.md` §2.4).
const HIGH: i32 = 1_000_000;

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(default, deserialize_with = "or_default")]
    id: u32,
    #[serde(borrow)]
    connect: Option<ConnectLine<'a>>,
    subscribe: Option<SubscribeLine>,
    unsubscribe: Option<ChannelLine>,
    #[serde(borrow)]
    publish: Option<PublishLine<'a>>,
    presence: Option<ChannelLine>,
    presence_stats: Option<ChannelLine>,
    history: Option<HistoryLine>,
    rpc: Option<RpcLine>,
    send: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct ConnectLine<'a> {
    #[serde(default, deserialize_with = "or_default")]
    token: String,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct SubscribeLine {
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
struct RpcLine {
    #[serde(default, deserialize_with = "or_default")]
    method: String,
}

/// The protocol's absent, spelled null.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(d: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(d)?.unwrap_or_default())
}

/// One line of a frame. `None`: not JSON of the protocol.
pub fn decode(line: &str) -> Option<Command> {
    let line: Line = serde_json::from_str(line).ok()?;
    let raw = |data: Option<&RawValue>| data.map(|d| d.get().to_owned()).filter(|d| d != "null");
    let method = if let Some(c) = line.connect {
        Method::Connect { token: c.token, data: raw(c.data) }
    } else if let Some(s) = line.subscribe {
        Method::Subscribe(Subscribe { channel: s.channel, join_leave: s.join_leave, recover: s.recover, epoch: s.epoch, offset: s.offset })
    } else if let Some(u) = line.unsubscribe {
        Method::Unsubscribe { channel: u.channel }
    } else if let Some(p) = line.publish {
        Method::Publish { channel: p.channel, data: raw(p.data).unwrap_or_else(|| "null".into()) }
    } else if let Some(p) = line.presence {
        Method::Presence { channel: p.channel }
    } else if let Some(p) = line.presence_stats {
        Method::PresenceStats { channel: p.channel }
    } else if let Some(h) = line.history {
        Method::History { channel: h.channel, limit: h.limit, since: h.since.map(|s| (s.offset, s.epoch)), reverse: h.reverse }
    } else if let Some(r) = line.rpc {
        Method::Rpc { method: r.method }
    } else if line.send.is_some() {
        Method::Send
    } else if line.id == 0 {
        Method::Pong
    } else {
        Method::Unknown
    };
    Some(Command { id: line.id, method })
}

#[derive(Deserialize)]
struct PublishData<'a> {
    #[serde(borrow)]
    body: Option<&'a RawValue>,
    #[serde(default, rename = "type")]
    kind: Option<i32>,
    tid: Option<String>,
    weight: Option<i32>,
    level: Option<String>,
    increase: Option<i64>,
    #[serde(default, deserialize_with = "or_default")]
    no_storage: bool,
    #[serde(default, deserialize_with = "or_default")]
    no_cache: bool,
    audit: Option<bool>,
}

#[derive(Deserialize)]
struct HasBody {
    body: Option<serde::de::IgnoredAny>,
}

/// The message in a publish's data (`session.md` §3): an object with `body` says everything, anything
/// else is itself the body.
pub fn draft(data: &str) -> Result<Draft, Refusal> {
    let says = serde_json::from_str::<HasBody>(data).is_ok_and(|d| d.body.is_some());
    if !says {
        return Ok(Draft::text(text_of(data)));
    }
    let bad = |e: serde_json::Error| Refusal::Bad { what: "data", why: format!("is not a message: {e}") };
    let data: PublishData = serde_json::from_str(data).map_err(bad)?;
    let tid = match data.tid.as_deref() {
        None | Some("") => None,
        Some(tid) => Some(Tid::new(tid).map_err(|e| Refusal::Bad { what: "tid", why: format!("{tid:?} is not an id: {e}") })?),
    };
    let weight = match (data.weight, data.level.as_deref()) {
        (Some(weight), _) => weight,
        (None, Some("HIGH")) => HIGH,
        (None, None | Some("" | "NORMAL")) => 1,
        (None, Some(other)) => {
            return Err(Refusal::Bad { what: "level", why: format!("{other:?} is unknown: write NORMAL or HIGH") });
        }
    };
    Ok(Draft {
        kind: data.kind.unwrap_or(1),
        body: data.body.map_or_else(String::new, |b| text_of(b.get())),
        tid,
        weight,
        increase: data.increase.unwrap_or(1),
        no_storage: data.no_storage,
        no_cache: data.no_cache,
        skip_audit: data.audit == Some(false),
        flagged: false,
    })
}

/// A JSON string's text; of any other JSON its compact form.
fn text_of(json: &str) -> String {
    if let Ok(text) = serde_json::from_str::<String>(json) {
        return text;
    }
    let (mut out, mut quoted, mut escaped) = (String::with_capacity(json.len()), false, false);
    for c in json.chars() {
        match c {
            ' ' | '\t' | '\n' | '\r' if !quoted => continue,
            '"' if !escaped => quoted = !quoted,
            _ => {}
        }
        escaped = quoted && c == '\\' && !escaped;
        out.push(c);
    }
    out
}

fn number(out: &mut Vec<u8>, n: impl std::fmt::Display) {
    write!(out, "{n}").expect("a Vec takes all");
}

fn string(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("text always serialises");
}

fn value(out: &mut Vec<u8>, value: &serde_json::Value) {
    serde_json::to_writer(out, value).expect("values always serialise");
}

/// A publication object. The hottest encoder: written by hand, field by field.
fn publication(m: &Message, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"data\":{\"type\":");
    number(out, m.kind);
    out.extend_from_slice(b",\"body\":");
    string(out, if m.deleted { "" } else { &m.body });
    out.extend_from_slice(b",\"tid\":");
    string(out, m.tid.as_str());
    out.extend_from_slice(b",\"sender\":{\"user\":");
    string(out, m.sender.as_str());
    out.extend_from_slice(b",\"info\":");
    string(out, &m.sender_info);
    out.extend_from_slice(b"},\"weight\":");
    number(out, m.weight);
    out.extend_from_slice(b",\"total\":");
    number(out, m.total);
    out.extend_from_slice(b"},\"info\":{\"user\":");
    string(out, m.sender.as_str());
    out.extend_from_slice(b",\"client\":");
    string(out, m.client.as_ref().map_or("", |sid| sid.as_str()));
    out.push(b'}');
    // Recovery skips what is not cached, so such a message shows no position.
    if let Some(seq) = m.seq.filter(|_| m.cached) {
        out.extend_from_slice(b",\"offset\":");
        number(out, seq);
    }
    out.extend_from_slice(b",\"time\":");
    number(out, m.at.0);
    if m.deleted {
        out.extend_from_slice(b",\"tags\":{\"event\":\"message.deleted\"}");
    }
    out.push(b'}');
}

fn push_head(group: &GroupId, kind: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"push\":{\"channel\":");
    string(out, &format!("{GROUP}{group}"));
    out.extend_from_slice(b",\"");
    out.extend_from_slice(kind.as_bytes());
    out.extend_from_slice(b"\":");
}

/// Each of these appends one line with its newline.
pub fn message(group: &GroupId, m: &Message, out: &mut Vec<u8>) {
    push_head(group, "pub", out);
    publication(m, out);
    out.extend_from_slice(b"}}\n");
}

pub fn presence(group: &GroupId, joined: bool, who: &Present, out: &mut Vec<u8>) {
    push_head(group, if joined { "join" } else { "leave" }, out);
    out.extend_from_slice(b"{\"info\":");
    value(out, &client_info(who));
    out.extend_from_slice(b"}}}\n");
}

pub fn count(group: &GroupId, online: u64, total: u64, at: Millis, out: &mut Vec<u8>) {
    push_head(group, "pub", out);
    value(out, &json!({"data": {"online": online, "total": total}, "time": at.0, "tags": {"event": "group.count"}}));
    out.extend_from_slice(b"}}\n");
}

pub fn unsubscribe(group: &GroupId, code: u16, reason: &str, out: &mut Vec<u8>) {
    push_head(group, "unsubscribe", out);
    value(out, &json!({"code": code, "reason": reason}));
    out.extend_from_slice(b"}}\n");
}

pub fn refuse(id: u32, error: &Error, out: &mut Vec<u8>) {
    let mut said = json!({"code": error.code, "message": error.message});
    if error.temporary {
        said["temporary"] = true.into();
    }
    value(out, &json!({"id": id, "error": said}));
    out.push(b'\n');
}

/// What the connect reply says of this server.
pub struct Greeting {
    /// Seconds between pings.
    pub ping: u64,
}

pub fn reply(id: u32, reply: &Reply, greeting: &Greeting, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"id\":");
    number(out, id);
    match reply {
        Reply::Published => out.extend_from_slice(b",\"publish\":{}"),
        Reply::Unsubscribed => out.extend_from_slice(b",\"unsubscribe\":{}"),
        Reply::Rpc(_) => out.extend_from_slice(b",\"rpc\":{\"data\":{}}"),
        Reply::Connected(c) => {
            out.extend_from_slice(b",\"connect\":");
            value(out, &connected(c, greeting));
        }
        Reply::Subscribed(s) => {
            out.extend_from_slice(b",\"subscribe\":");
            subscribed(s, out);
        }
        Reply::Presence(members) => {
            let presence: serde_json::Map<_, _> = members.iter().map(|m| (m.sid.to_string(), client_info(m))).collect();
            out.extend_from_slice(b",\"presence\":");
            value(out, &json!({"presence": presence}));
        }
        Reply::PresenceStats { clients, users } => {
            out.extend_from_slice(b",\"presence_stats\":");
            value(out, &json!({"num_clients": clients, "num_users": users}));
        }
        Reply::History { messages, top, epoch } => {
            out.extend_from_slice(b",\"history\":{");
            publications(messages, out);
            position(*top, *epoch, out);
            out.push(b'}');
        }
    }
    out.extend_from_slice(b"}\n");
}

fn connected(c: &Connected, greeting: &Greeting) -> serde_json::Value {
    json!({
        "client": c.sid,
        "version": concat!("roomd ", env!("CARGO_PKG_VERSION")),
        "ping": greeting.ping,
        "pong": true,
        "time": c.at.0,
        "data": {
            "app_id": c.app, "user_id": c.user, "role": c.role, "resumed": c.resumed,
            "groups": c.groups, "channels": [],
        },
    })
}

fn subscribed(s: &Subscribed, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"recoverable\":true,\"positioned\":true,");
    if let Some(recovered) = s.was_recovered {
        write!(out, "\"was_recovering\":true,\"recovered\":{recovered},").expect("a Vec takes all");
        publications(&s.recovered, out);
    }
    let at = out.len();
    position(s.offset, s.epoch, out);
    // `position` begins with a comma for its place behind a list.
    if s.was_recovered.is_none() {
        out.remove(at);
    }
    out.extend_from_slice(b",\"data\":");
    value(out, &group(&s.group));
    out.push(b'}');
}

fn publications(messages: &[Arc<Message>], out: &mut Vec<u8>) {
    out.extend_from_slice(b"\"publications\":[");
    for (i, m) in messages.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        publication(m, out);
    }
    out.push(b']');
}

fn position(offset: u64, epoch: Epoch, out: &mut Vec<u8>) {
    write!(out, ",\"epoch\":\"{epoch}\",\"offset\":{offset}").expect("a Vec takes all");
}

fn client_info(m: &Present) -> serde_json::Value {
    if m.info.is_empty() { json!({"user": m.user, "client": m.sid}) } else { json!({"user": m.user, "client": m.sid, "conn_info": m.info}) }
}

/// The group object of `session.md` §3. A super-large group shows no lists.
fn group(g: &GroupInfo) -> serde_json::Value {
    let none = BTreeSet::new();
    let (muted, unmuted) = if g.super_large { (&none, &none) } else { (&g.mutes.users, &g.mutes.except) };
    let amounts: serde_json::Map<_, _> = g.amounts.iter().map(|(kind, n)| (kind.to_string(), (*n).into())).collect();
    json!({
        "group_id": g.group, "name": g.name, "info": g.info, "creator": g.creator, "admins": g.admins, "create_time": g.created.0,
        "online": g.online, "total": g.total, "muted_all": g.mutes.all, "muted": muted, "unmuted": unmuted, "amounts": amounts,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_decoded_with_defaults() {
        for (line, expected) in [
            ("{}", Some(Command { id: 0, method: Method::Pong })),
            ("{\"id\":1,\"connect\":{\"token\":null}}", Some(Command { id: 1, method: Method::Connect { token: String::new(), data: None } })),
            (
                "{\"id\":2,\"subscribe\":{\"channel\":\"group:g\",\"flag\":1,\"recover\":true,\"offset\":7}}",
                Some(Command { id: 2, method: Method::Subscribe(Subscribe { channel: "group:g".into(), recover: true, offset: 7, ..Default::default() }) }),
            ),
            ("{\"id\":3,\"sub_refresh\":{}}", Some(Command { id: 3, method: Method::Unknown })),
            ("{\"send\":{\"data\":1}}", Some(Command { id: 0, method: Method::Send })),
            ("{\"id\":-1}", None),
            ("{\"id\":1", None),
            ("[]", None),
            ("", None),
        ] {
            assert_eq!(decode(line), expected, "{line}");
        }
    }

    #[test]
    fn a_publish_says_a_message_or_is_one() {
        for (data, body, kind) in [
            ("{\"body\":\"hi\",\"type\":7}", "hi", 7),
            ("{\"body\": {\"a\": [1, 2], \"b c\": \"d \\\" e\"}}", "{\"a\":[1,2],\"b c\":\"d \\\" e\"}", 1),
            ("\"plain\"", "plain", 1),
            ("{\"x\": 1}", "{\"x\":1}", 1),
            ("null", "null", 1),
            ("{\"body\":null,\"x\":2}", "{\"body\":null,\"x\":2}", 1),
            ("{\"body\":\"\"}", "", 1),
        ] {
            let draft = draft(data).unwrap();
            assert_eq!((draft.body.as_str(), draft.kind), (body, kind), "{data}");
        }
        assert_eq!(draft("{\"body\":\"\",\"level\":\"HIGH\"}").unwrap().weight, HIGH);
        for bad in ["{\"body\":\"\",\"tid\":\"a\\nb\"}", "{\"body\":\"\",\"type\":\"x\"}", "{\"body\":\"\",\"level\":\"LOUD\"}"] {
            assert!(draft(bad).is_err(), "{bad}");
        }
    }
}
