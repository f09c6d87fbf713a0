//! The JSON encoding of the client protocol: lines to commands in `read.rs`, replies and pushes to
//! lines in `reply.rs` and `push.rs`. Here is what these two share: each appends whole lines, and what
//! the SDKs index without a default is always there.

mod answer;
mod push;
mod read;
mod reply;

pub use push::{count, deleted, direct, direct_deleted, info, message, mutes, notice, participant, presence, room, unsubscribe};
pub use read::decode;
pub use reply::{Greeting, refuse, reply};

use crate::domain::{
    UserId,
    kind::GroupKind,
    message::Message,
    push::Present,
    request::{Deleter, GroupInfo, ParticipantInfo},
    room::{Room, TakeSeatMode},
};
use serde::Serialize;
use serde_json::json;
use std::{collections::BTreeMap, io::Write};

fn number(out: &mut Vec<u8>, n: impl std::fmt::Display) {
    write!(out, "{n}").expect("a Vec takes all");
}

fn string(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("text always serialises");
}

fn value(out: &mut Vec<u8>, value: &impl Serialize) {
    serde_json::to_writer(out, value).expect("values always serialise");
}

/// A user as the others see it.
#[derive(Serialize)]
struct Person<'a> {
    user: &'a str,
    info: &'a str,
}

impl<'a> From<&'a Deleter> for Person<'a> {
    fn from(by: &'a Deleter) -> Self {
        Person { user: &by.user, info: &by.info }
    }
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
    if !m.deleted {
        if let Some(elements) = &m.elements {
            out.extend_from_slice(b",\"elems\":");
            out.extend_from_slice(elements.as_bytes());
        }
        if !m.custom.is_empty() {
            out.extend_from_slice(b",\"custom\":");
            string(out, &m.custom);
        }
        if let Some(options) = &m.options {
            out.extend_from_slice(b",\"options\":");
            out.extend_from_slice(options.as_bytes());
        }
    }
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

fn client_info(m: &Present) -> serde_json::Value {
    let mut info = json!({"user": m.user, "client": m.client});
    if !m.info.is_empty() {
        info["conn_info"] = json!(m.info);
    }
    if let Some(p) = &m.participant {
        info["chan_info"] = json!({"session_id": p.stay, "role": p.role.number(), "medias": p.medias.names()});
    }
    info
}

/// A user in a channel as it is now, in answers and events.
fn in_channel(p: &ParticipantInfo) -> serde_json::Value {
    json!({"user": p.user, "session_id": p.stay, "role": p.role.number(), "medias": p.medias.names()})
}

/// The group object of `session.md` §3. A super-large group shows no lists.
fn group(g: &GroupInfo) -> serde_json::Value {
    let (muted, unmuted): (Vec<&UserId>, Vec<&UserId>) =
        if g.super_large { Default::default() } else { (g.mutes.users.keys().collect(), g.mutes.except.iter().collect()) };
    let amounts: serde_json::Map<_, _> = g.amounts.iter().map(|(kind, n)| (kind.to_string(), (*n).into())).collect();
    let mut object = json!({
        "group_id": g.group, "name": g.name, "info": g.info, "creator": g.owner, "admins": g.admins, "create_time": g.created.0,
        "online": g.online, "total": g.total, "muted_all": g.mutes.all, "muted": muted, "unmuted": unmuted, "amounts": amounts,
    });
    // Of a group that is no more than that, nothing is said of the room that it also is.
    if g.room != Room::default() || !g.metadata.is_empty() {
        object["room"] = shown(&g.room, &g.metadata);
    }
    if g.kind.keeps_members() {
        object["kind"] = kind(g.kind).into();
        object["members"] = g.member_count.into();
    }
    object
}

/// Of a group that keeps its members.
fn kind(kind: GroupKind) -> &'static str {
    match kind {
        GroupKind::AvChatRoom => "room",
        GroupKind::Work => "work",
        GroupKind::Public => "public",
        GroupKind::Meeting => "meeting",
        GroupKind::Community => "community",
    }
}

/// A group as a live room.
fn shown(room: &Room, metadata: &BTreeMap<String, String>) -> serde_json::Value {
    json!({
        "notice": room.notice, "cover_url": room.cover_url, "categories": room.categories, "activity_status": room.activity_status,
        "public": room.public, "max_members": room.max_members, "seats": room.seats, "max_seats": room.max_seats,
        "take_seat_mode": match room.take_seat_mode { TakeSeatMode::Free => "free", TakeSeatMode::Apply => "apply" },
        "metadata": metadata,
    })
}
