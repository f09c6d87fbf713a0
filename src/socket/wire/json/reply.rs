//! Replies: one line for each command that has an id.

use super::{answer::answered, client_info, group, in_channel, number, publication, value};
use crate::{
    domain::{
        Epoch,
        message::Message,
        push::{Connected, Joined, Reply, Subscribed},
    },
    socket::wire::Error,
};
use serde_json::json;
use std::{io::Write, sync::Arc};

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
        Reply::Rpc(answer) => {
            out.extend_from_slice(b",\"rpc\":{\"data\":");
            answered(answer, out);
            out.push(b'}');
        }
        Reply::Connected(c) => {
            out.extend_from_slice(b",\"connect\":");
            value(out, &connected(c, greeting));
        }
        Reply::Subscribed(s) => {
            out.extend_from_slice(b",\"subscribe\":");
            subscribed(s, out);
        }
        Reply::Joined(j) => {
            out.extend_from_slice(b",\"subscribe\":{\"data\":");
            value(out, &joined(j));
            out.push(b'}');
        }
        Reply::Presence(members) => {
            let presence: serde_json::Map<_, _> = members.iter().map(|m| (m.client.to_string(), client_info(m))).collect();
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
            "groups": c.groups, "channels": c.channels,
        },
    })
}

fn joined(j: &Joined) -> serde_json::Value {
    let mut said = in_channel(&j.participant);
    said["channel_id"] = json!(j.channel);
    said["rejoined"] = j.rejoined.into();
    said["users"] = j.users.into();
    said
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
