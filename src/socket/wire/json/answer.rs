//! The data of rpc replies. Texts are written as they stand, without a copy in between: a page of
//! messages may have half a megabyte.

use super::{Person, group, in_channel, value};
use crate::domain::{
    Tid, UserId,
    message::{Found, Message},
    request::{Answer, MemberFound},
};
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeSet;

#[derive(Serialize)]
struct Members<'a> {
    users: Vec<Joined<'a>>,
    /// 0: there is nothing more.
    next_page_token: u64,
    has_more: bool,
}

#[derive(Serialize)]
struct Messages<'a> {
    messages: Vec<Said<'a>>,
    /// 0: there is nothing more.
    next_page_token: u64,
    has_more: bool,
}

#[derive(Serialize)]
struct Joined<'a> {
    user: &'a UserId,
    info: &'a str,
    joined: i64,
}

impl<'a> From<&'a MemberFound> for Joined<'a> {
    fn from(m: &'a MemberFound) -> Self {
        Joined { user: &m.user, info: &m.info, joined: m.joined.0 }
    }
}

#[derive(Serialize)]
struct Said<'a> {
    tid: &'a Tid,
    #[serde(rename = "type")]
    kind: i32,
    body: &'a str,
    sender: Person<'a>,
    seq: u64,
    time: i64,
    total: i64,
}

impl<'a> From<&'a Message> for Said<'a> {
    fn from(m: &'a Message) -> Self {
        let sender = Person { user: m.sender.as_str(), info: &m.sender_info };
        Said { tid: &m.tid, kind: m.kind, body: &m.body, sender, seq: m.seq.unwrap_or(0), time: m.at.0, total: m.total }
    }
}

#[derive(Serialize)]
struct Muted<'a> {
    muted_all: bool,
    muted: Vec<&'a UserId>,
    unmuted: &'a BTreeSet<UserId>,
}

/// An object; empty for what has nothing to tell.
pub(super) fn answered(answer: &Answer, out: &mut Vec<u8>) {
    match answer {
        Answer::Created { group, already_exists, already_deleted } => {
            value(out, &json!({"group_id": group, "already_exists": already_exists, "already_deleted": already_deleted}));
        }
        Answer::Group(info) => value(out, &group(info)),
        Answer::Members(found) => {
            let users = found.members.iter().map(Joined::from).collect();
            value(out, &Members { users, next_page_token: found.next.unwrap_or(0), has_more: found.next.is_some() });
        }
        Answer::Mutes(mutes) => value(out, &Muted { muted_all: mutes.all, muted: mutes.users.keys().collect(), unmuted: &mutes.except }),
        Answer::Messages(Found { messages, next }) => {
            let messages = messages.iter().map(Said::from).collect();
            value(out, &Messages { messages, next_page_token: next.unwrap_or(0), has_more: next.is_some() });
        }
        Answer::Sent(said) => value(out, &json!({"tid": said.tid})),
        // It is read by nobody, and its sender need not know.
        Answer::Dropped { .. } => value(out, &json!({"tid": ""})),
        Answer::Participant(participant) => value(out, &in_channel(participant)),
        Answer::Done
        | Answer::App(_)
        | Answer::Users(_)
        | Answer::UserStates(_)
        | Answer::Added(_)
        | Answer::Roster(_)
        | Answer::Ranks(_)
        | Answer::Recalled(_)
        | Answer::Joined(_)
        | Answer::Groups(_)
        | Answer::Subscription { .. }
        | Answer::Channel(_)
        | Answer::Participants(_)
        | Answer::Bans(_)
        | Answer::Metadata(_)
        | Answer::Rooms(_) => out.extend_from_slice(b"{}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::socket::wire::json::{Greeting, reply};
    use crate::{
        domain::{
            Gid, GroupId, Millis,
            mute::{Mutes, Until},
            push::Reply,
            request::{self, GroupInfo, MembersFound},
            room::Room,
        },
        fake,
    };

    fn check(answer: Answer, expected: &str) {
        let mut out = Vec::new();
        reply(3, &Reply::Rpc(Box::new(answer)), &Greeting { ping: 25 }, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), format!("{{\"id\":3,\"rpc\":{{\"data\":{expected}}}}}\n"));
    }

    fn user(text: &str) -> UserId {
        UserId::trusted(text)
    }

    #[test]
    fn short_answers() {
        check(Answer::Done, "{}");
        let group = GroupId::trusted("g");
        check(Answer::Created { group, already_exists: true, already_deleted: false }, r#"{"already_deleted":false,"already_exists":true,"group_id":"g"}"#);
        check(Answer::Sent(request::Said { tid: Tid::trusted("t"), seq: Some(1), at: Millis(5) }), r#"{"tid":"t"}"#);
    }

    #[test]
    fn a_group_and_its_mutes() {
        let mutes = Mutes { all: true, users: [(user("u1"), Until::Forever)].into(), except: [user("u2")].into() };
        check(Answer::Mutes(mutes.clone()), r#"{"muted_all":true,"muted":["u1"],"unmuted":["u2"]}"#);
        let info = GroupInfo {
            gid: Gid(1),
            group: GroupId::trusted("g"),
            name: "n".into(),
            info: "i".into(),
            owner: "c".into(),
            admins: vec![user("a")],
            created: Millis(5),
            modified: Millis(5),
            last_said: None,
            deleted: None,
            online: 2,
            member_count: 2,
            total: 9,
            top: 3,
            super_large: false,
            mutes,
            room: Room::default(),
            metadata: Default::default(),
            kind: Default::default(),
            join_option: Default::default(),
            data: Default::default(),
            amounts: [(1, 7), (10_001, 3)].into(),
        };
        let (before, lists) = (
            r#"{"admins":["a"],"amounts":{"1":7,"10001":3},"create_time":5,"creator":"c","group_id":"g","info":"i","#,
            r#""muted":["u1"],"muted_all":true,"name":"n","online":2,"total":9,"unmuted":["u2"]}"#,
        );
        check(Answer::Group(Box::new(info.clone())), &format!("{before}{lists}"));
        let none = r#""muted":[],"muted_all":true,"name":"n","online":2,"total":9,"unmuted":[]}"#;
        check(Answer::Group(Box::new(GroupInfo { super_large: true, ..info.clone() })), &format!("{before}{none}"));
        let shown = GroupInfo { metadata: [("k".into(), "v".into())].into(), room: Room { notice: "hi".into(), ..Room::default() }, ..info };
        let mut out = Vec::new();
        answered(&Answer::Group(Box::new(shown)), &mut out);
        let room: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!((&room["room"]["notice"], &room["room"]["metadata"]["k"], &room["room"]["take_seat_mode"]), (&json!("hi"), &json!("v"), &json!("free")));
    }

    #[test]
    fn pages_say_how_they_go_on() {
        check(Answer::Members(MembersFound::default()), r#"{"users":[],"next_page_token":0,"has_more":false}"#);
        let members = vec![MemberFound { user: user("u1"), info: "U \"1\"".into(), joined: Millis(5) }];
        check(
            Answer::Members(MembersFound { members, next: Some(8), super_large: false }),
            r#"{"users":[{"user":"u1","info":"U \"1\"","joined":5}],"next_page_token":8,"has_more":true}"#,
        );
        let said = Message {
            tid: Tid::trusted("t"),
            kind: 7,
            body: "hi".into(),
            sender: user("u1"),
            sender_info: "U".into(),
            total: 12,
            at: Millis(6),
            ..fake::message(1, 4)
        };
        check(
            Answer::Messages(Found { messages: vec![said], next: None }),
            r#"{"messages":[{"tid":"t","type":7,"body":"hi","sender":{"user":"u1","info":"U"},"seq":4,"time":6,"total":12}],"next_page_token":0,"has_more":false}"#,
        );
    }
}
