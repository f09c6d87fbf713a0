//! Pushes. Those to a group are made once for all who are attached to it.

use super::{Person, client_info, publication, string, value};
use crate::{
    domain::{GroupId, Millis, Tid, direct::Direct, group::Group, message::Message, mute::Mutes, push::Present, request::Deleter},
    socket::wire::GROUP,
};
use serde::Serialize;
use serde_json::{Value, json};

/// The event by which a message is taken back, in a group or from one user.
const DELETED: &str = "message.deleted";

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
    event(group, "group.count", &json!({"online": online, "total": total}), at, out);
}

pub fn unsubscribe(group: &GroupId, code: u16, reason: &str, out: &mut Vec<u8>) {
    push_head(group, "unsubscribe", out);
    value(out, &json!({"code": code, "reason": reason}));
    out.extend_from_slice(b"}}\n");
}

/// An event of the group: without a position, because no stream has it.
fn event(group: &GroupId, event: &str, data: &Value, at: Millis, out: &mut Vec<u8>) {
    push_head(group, "pub", out);
    value(out, &json!({"data": data, "time": at.0, "tags": {"event": event}}));
    out.extend_from_slice(b"}}\n");
}

pub fn info(name: &GroupId, g: &Group, at: Millis, out: &mut Vec<u8>) {
    event(name, "group.info", &json!({"name": g.name, "info": g.info, "creator": g.creator, "admins": g.admins}), at, out);
}

/// Without `lists`, who wants them asks for them.
pub fn mutes(group: &GroupId, mutes: &Mutes, lists: bool, at: Millis, out: &mut Vec<u8>) {
    let mut data = json!({"muted_all": mutes.all});
    if lists {
        data["muted"] = json!(mutes.users);
        data["unmuted"] = json!(mutes.except);
    }
    event(group, "group.mute", &data, at, out);
}

pub fn deleted(group: &GroupId, seq: u64, tid: &Tid, by: &Deleter, at: Millis, out: &mut Vec<u8>) {
    event(group, DELETED, &json!({"tid": tid, "seq": seq, "by": Person::from(by)}), at, out);
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
    ack: Option<&'a Tid>,
}

pub fn direct(m: &Direct, out: &mut Vec<u8>) {
    let sender = Person { user: m.sender.as_str(), info: &m.sender_info };
    to_user(&ToUser { kind: m.kind, body: &m.body, tid: &m.tid, sender, time: m.at.0, ack: m.ack.as_ref() }, out);
}

pub fn direct_deleted(tid: &Tid, by: &Deleter, at: Millis, out: &mut Vec<u8>) {
    to_user(&json!({"event": DELETED, "tid": tid, "by": Person::from(by), "time": at.0}), out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AppId, Epoch, Gid, UserId};
    use std::collections::BTreeSet;

    fn check(write: impl FnOnce(&mut Vec<u8>), expected: &str) {
        let mut out = Vec::new();
        write(&mut out);
        assert_eq!(String::from_utf8(out).unwrap(), format!("{expected}\n"));
    }

    fn users(text: &str) -> BTreeSet<UserId> {
        text.split_whitespace().map(UserId::trusted).collect()
    }

    #[test]
    fn events_of_a_group_have_a_tag_and_no_offset() {
        let (g, at) = (GroupId::trusted("g \""), Millis(1_767_225_600_123));
        let group = Group {
            gid: Gid(1),
            app: AppId::trusted("demo"),
            id: g.clone(),
            name: "name".into(),
            info: "{\"a\":1}".into(),
            creator: "c".into(),
            admins: vec![UserId::trusted("a1"), UserId::trusted("a2")],
            created: Millis(0),
            deleted: None,
            epoch: Epoch(1),
            mutes: Mutes::default(),
        };
        check(
            |out| info(&g, &group, at, out),
            r#"{"push":{"channel":"group:g \"","pub":{"data":{"admins":["a1","a2"],"creator":"c","info":"{\"a\":1}","name":"name"},"tags":{"event":"group.info"},"time":1767225600123}}}"#,
        );
        let by = Deleter { user: "u1".into(), info: "U".into() };
        check(
            |out| deleted(&g, 7, &Tid::trusted("t"), &by, at, out),
            r#"{"push":{"channel":"group:g \"","pub":{"data":{"by":{"info":"U","user":"u1"},"seq":7,"tid":"t"},"tags":{"event":"message.deleted"},"time":1767225600123}}}"#,
        );
        check(
            |out| count(&g, 2_001, 3_000, at, out),
            r#"{"push":{"channel":"group:g \"","pub":{"data":{"online":2001,"total":3000},"tags":{"event":"group.count"},"time":1767225600123}}}"#,
        );
    }

    #[test]
    fn mutes_come_with_or_without_their_lists() {
        let (g, at) = (GroupId::trusted("g"), Millis(5));
        check(
            |out| mutes(&g, &Mutes { all: true, users: users("u1"), except: users("u3 u2") }, true, at, out),
            r#"{"push":{"channel":"group:g","pub":{"data":{"muted":["u1"],"muted_all":true,"unmuted":["u2","u3"]},"tags":{"event":"group.mute"},"time":5}}}"#,
        );
        check(
            |out| mutes(&g, &Mutes { all: false, users: users("u1"), except: users("") }, false, at, out),
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
