//! Pushes. Those to a group are made once for all who are attached to it.

use super::{Person, client_info, in_channel, publication, shown, string, value};
use crate::domain::{
    Millis, Tid,
    direct::Direct,
    group::Group,
    message::Message,
    mute::Mutes,
    participant::Doing,
    push::Present,
    request::{Deleter, ParticipantInfo},
};
use serde::Serialize;
use serde_json::{Value, json, value::RawValue};

/// The event by which a message is taken back, in a group or from one user.
const DELETED: &str = "message.deleted";

fn push_head(channel: &str, kind: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"push\":{\"channel\":");
    string(out, channel);
    out.extend_from_slice(b",\"");
    out.extend_from_slice(kind.as_bytes());
    out.extend_from_slice(b"\":");
}

/// Each of these appends one line with its newline.
pub fn message(channel: &str, m: &Message, out: &mut Vec<u8>) {
    push_head(channel, "pub", out);
    publication(m, out);
    out.extend_from_slice(b"}}\n");
}

pub fn presence(channel: &str, joined: bool, who: &Present, out: &mut Vec<u8>) {
    push_head(channel, if joined { "join" } else { "leave" }, out);
    out.extend_from_slice(b"{\"info\":");
    value(out, &client_info(who));
    out.extend_from_slice(b"}}}\n");
}

pub fn count(channel: &str, online: u64, total: u64, at: Millis, out: &mut Vec<u8>) {
    event(channel, "group.count", &json!({"online": online, "total": total}), at, out);
}

pub fn unsubscribe(channel: &str, code: u16, reason: &str, out: &mut Vec<u8>) {
    push_head(channel, "unsubscribe", out);
    value(out, &json!({"code": code, "reason": reason}));
    out.extend_from_slice(b"}}\n");
}

/// An event of the group or channel: without a position, because no stream has it.
fn event(channel: &str, event: &str, data: &Value, at: Millis, out: &mut Vec<u8>) {
    push_head(channel, "pub", out);
    value(out, &json!({"data": data, "time": at.0, "tags": {"event": event}}));
    out.extend_from_slice(b"}}\n");
}

pub fn info(channel: &str, g: &Group, at: Millis, out: &mut Vec<u8>) {
    event(channel, "group.info", &json!({"name": g.name, "info": g.info, "creator": g.owner, "admins": g.admins}), at, out);
}

/// All of it, whatever changed.
pub fn room(channel: &str, g: &Group, at: Millis, out: &mut Vec<u8>) {
    event(channel, "group.room", &shown(&g.room, &g.metadata), at, out);
}

/// Named like the method that brings it about.
pub fn participant(channel: &str, doing: Doing, who: &ParticipantInfo, at: Millis, out: &mut Vec<u8>) {
    let name = match doing {
        Doing::Publish(_) => "rtc.publish",
        Doing::Unpublish(_) => "rtc.unpublish",
        Doing::Role(_) => "rtc.role",
    };
    event(channel, name, &in_channel(who), at, out);
}

/// Without `lists`, who wants them asks for them.
pub fn mutes(channel: &str, mutes: &Mutes, lists: bool, at: Millis, out: &mut Vec<u8>) {
    let mut data = json!({"muted_all": mutes.all});
    if lists {
        data["muted"] = json!(mutes.users.keys().collect::<Vec<_>>());
        data["unmuted"] = json!(mutes.except);
    }
    event(channel, "group.mute", &data, at, out);
}

pub fn deleted(channel: &str, seq: u64, tid: &Tid, by: &Deleter, at: Millis, out: &mut Vec<u8>) {
    event(channel, DELETED, &json!({"tid": tid, "seq": seq, "by": Person::from(by)}), at, out);
}

/// What the business tells those who are there.
pub fn notice(channel: &str, content: &str, at: Millis, out: &mut Vec<u8>) {
    event(channel, "group.notice", &json!({"content": content}), at, out);
}

/// What is for one user comes without a channel (`session.md` §6).
fn to_user(data: &impl Serialize, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"push\":{\"message\":{\"data\":");
    value(out, data);
    out.extend_from_slice(b"}}}\n");
}

#[derive(Serialize)]
struct ToUser<'a> {
    #[serde(rename = "type")]
    kind: i32,
    body: &'a str,
    tid: &'a Tid,
    sender: Person<'a>,
    time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    elems: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "str::is_empty")]
    custom: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    options: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ack: Option<&'a Tid>,
}

pub fn direct(m: &Direct, out: &mut Vec<u8>) {
    let sender = Person { user: m.sender.as_str(), info: &m.sender_info };
    // Written by serde, so that they are JSON.
    let raw = |text: &'_ Option<String>| text.as_deref().and_then(|text| serde_json::from_str::<Box<RawValue>>(text).ok());
    let (elems, options) = (raw(&m.elements), raw(&m.options));
    let said = ToUser {
        kind: m.kind,
        body: &m.body,
        tid: &m.tid,
        sender,
        time: m.at.0,
        elems: elems.as_deref(),
        custom: &m.custom,
        options: options.as_deref(),
        ack: m.ack.as_ref(),
    };
    to_user(&said, out);
}

pub fn direct_deleted(tid: &Tid, by: &Deleter, at: Millis, out: &mut Vec<u8>) {
    to_user(&json!({"event": DELETED, "tid": tid, "by": Person::from(by), "time": at.0}), out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        AppId, StayId, UserId,
        mute::Until,
        participant::{Media, Medias, Role},
    };
    use std::collections::{BTreeMap, BTreeSet};

    fn check(write: impl FnOnce(&mut Vec<u8>), expected: &str) {
        let mut out = Vec::new();
        write(&mut out);
        assert_eq!(String::from_utf8(out).unwrap(), format!("{expected}\n"));
    }

    fn muted(text: &str) -> BTreeMap<UserId, Until> {
        users(text).into_iter().map(|user| (user, Until::Forever)).collect()
    }

    fn users(text: &str) -> BTreeSet<UserId> {
        text.split_whitespace().map(UserId::trusted).collect()
    }

    #[test]
    fn events_of_a_group_have_a_tag_and_no_offset() {
        let (g, at) = ("group:g \"", Millis(1_767_225_600_123));
        let group = Group {
            name: "name".into(),
            info: "{\"a\":1}".into(),
            owner: "c".into(),
            admins: vec![UserId::trusted("a1"), UserId::trusted("a2")],
            ..crate::fake::group(1, "demo", "g \"")
        };
        check(
            |out| info(g, &group, at, out),
            r#"{"push":{"channel":"group:g \"","pub":{"data":{"admins":["a1","a2"],"creator":"c","info":"{\"a\":1}","name":"name"},"tags":{"event":"group.info"},"time":1767225600123}}}"#,
        );
        let by = Deleter { user: "u1".into(), info: "U".into() };
        check(
            |out| deleted(g, 7, &Tid::trusted("t"), &by, at, out),
            r#"{"push":{"channel":"group:g \"","pub":{"data":{"by":{"info":"U","user":"u1"},"seq":7,"tid":"t"},"tags":{"event":"message.deleted"},"time":1767225600123}}}"#,
        );
        check(
            |out| count(g, 2_001, 3_000, at, out),
            r#"{"push":{"channel":"group:g \"","pub":{"data":{"online":2001,"total":3000},"tags":{"event":"group.count"},"time":1767225600123}}}"#,
        );
    }

    #[test]
    fn what_users_do_in_a_channel() {
        let medias: Medias = [Media::Screen, Media::Audio].into_iter().collect();
        let who = ParticipantInfo { user: UserId::trusted("u"), stay: StayId::trusted("s"), role: Role::Streamer, medias };
        for (doing, name) in [(Doing::Publish(medias), "publish"), (Doing::Unpublish(medias), "unpublish"), (Doing::Role(Role::Streamer), "role")] {
            check(
                |out| participant("rtc:c", doing, &who, Millis(5), out),
                &format!(
                    r#"{{"push":{{"channel":"rtc:c","pub":{{"data":{{"medias":["audio","screen"],"role":1,"session_id":"s","user":"u"}},"tags":{{"event":"rtc.{name}"}},"time":5}}}}}}"#
                ),
            );
        }
    }

    #[test]
    fn mutes_come_with_or_without_their_lists() {
        let (g, at) = ("group:g", Millis(5));
        check(
            |out| mutes(g, &Mutes { all: true, users: muted("u1"), except: users("u3 u2") }, true, at, out),
            r#"{"push":{"channel":"group:g","pub":{"data":{"muted":["u1"],"muted_all":true,"unmuted":["u2","u3"]},"tags":{"event":"group.mute"},"time":5}}}"#,
        );
        check(
            |out| mutes(g, &Mutes { all: false, users: muted("u1"), except: users("") }, false, at, out),
            r#"{"push":{"channel":"group:g","pub":{"data":{"muted_all":false},"tags":{"event":"group.mute"},"time":5}}}"#,
        );
    }

    #[test]
    fn what_is_for_one_user_has_no_channel() {
        let mut message = Direct {
            app: AppId::trusted("demo"),
            receiver: UserId::trusted("u2"),
            tid: Tid::trusted("t"),
            kind: 7,
            body: "h\ni".into(),
            elements: None,
            custom: String::new(),
            options: None,
            seq: 0,
            random: 0,
            sender: UserId::trusted("u1"),
            sender_info: "U".into(),
            at: Millis(5),
            stored: false,
            ack: None,
        };
        check(|out| direct(&message, out), r#"{"push":{"message":{"data":{"type":7,"body":"h\ni","tid":"t","sender":{"user":"u1","info":"U"},"time":5}}}}"#);
        message.ack = Some(Tid::trusted("a1"));
        check(
            |out| direct(&message, out),
            r#"{"push":{"message":{"data":{"type":7,"body":"h\ni","tid":"t","sender":{"user":"u1","info":"U"},"time":5,"ack":"a1"}}}}"#,
        );
        let by = Deleter { user: "u1".into(), info: String::new() };
        check(
            |out| direct_deleted(&Tid::trusted("t"), &by, Millis(6), out),
            r#"{"push":{"message":{"data":{"by":{"info":"","user":"u1"},"event":"message.deleted","tid":"t","time":6}}}}"#,
        );
    }
}
