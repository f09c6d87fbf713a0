//! What a business is asked before something is done, and how its answer is read (`tencent.md` §6.2, §6.3). When it
//! is asked, how long it may think, and what silence means is not decided here.

use super::{
    elements, names,
    webhook::{self, Body, c2c, endpoint, members, message, operator},
    words,
};
use crate::domain::{
    Millis, UserId,
    app::App,
    hook::{Before, HookAnswer, HookCall, HookKind, Rewritten},
    request::Actor,
};
use serde_json::{Value, value::RawValue};
use std::{collections::HashMap, ops::RangeInclusive};

/// An answer of more bytes is none.
const MOST_ANSWER: usize = 64 * 1024;
/// So many characters are kept of why a business refuses.
const MOST_INFO: usize = 200;

/// Codes of a business's own, which its users' programs know.
const GROUP_CODES: RangeInclusive<i64> = 10_100..=10_200;
const C2C_CODES: RangeInclusive<i64> = 120_001..=130_000;

fn word(kind: HookKind) -> &'static str {
    match kind {
        HookKind::Message => words::BEFORE_SEND_MSG,
        HookKind::Direct => words::C2C_BEFORE_SEND_MSG,
        HookKind::Create => words::BEFORE_CREATE_GROUP,
        HookKind::Apply => words::BEFORE_APPLY_JOIN,
        HookKind::Invite => words::BEFORE_INVITE_JOIN,
    }
}

/// Does the application want to be asked about things of this kind?
pub fn is_wanted(kind: HookKind, app: &App) -> bool {
    endpoint(word(kind), app).is_some()
}

/// What is asked. `None`: nobody wants to be asked.
pub fn call(before: &Before, by: &Actor, app: &App, now: Millis) -> Option<HookCall> {
    let kind = match before {
        Before::Message { .. } => HookKind::Message,
        Before::Direct { .. } => HookKind::Direct,
        Before::Create { .. } => HookKind::Create,
        Before::Apply { .. } => HookKind::Apply,
        Before::Invite { .. } => HookKind::Invite,
    };
    let word = word(kind);
    let endpoint = endpoint(word, app)?;
    let query = webhook::query(word, app, Some(&by.from));
    Some(HookCall { endpoint, query, body: body(word, before, by, app, now).to_json().into_bytes(), kind })
}

fn body(word: &str, before: &Before, by: &Actor, app: &App, now: Millis) -> Body {
    match before {
        Before::Message { group, from, content } => {
            let said = message::Said { group: group.id.as_str(), kind: Some(group.kind), from: from.as_str(), by, content };
            message::body(word, said, app).at(now, app)
        }
        Before::Direct { from, to, content, seq } => {
            let said = c2c::Said { from: from.as_str(), to: to.as_str(), seq: *seq, at: now, content };
            c2c::body(word, said)
        }
        Before::Create { group, new, count } => Body::new(word)
            .with("Operator_Account", operator(by, app))
            .with("Owner_Account", &new.owner)
            .with("Type", names::kind_name(new.kind))
            .with("Name", names::room_name(group, &new.name))
            .with("CreateGroupNum", count)
            .with("MemberList", members(new.members.iter().map(|member| &member.user)))
            .at(now, app),
        Before::Apply { group, user } => {
            Body::new(word).with("GroupId", group.id.as_str()).with("Type", names::kind_name(group.kind)).with("Requestor_Account", user.as_str()).at(now, app)
        }
        Before::Invite { group, users } => Body::new(word)
            .with("GroupId", group.id.as_str())
            .with("Type", names::kind_name(group.kind))
            .with("Operator_Account", operator(by, app))
            .with("DestinationMembers", members(users))
            .at(now, app),
    }
}

/// What the business says. Whatever is not 200 and an object with an ErrorCode says nothing.
pub fn read(kind: HookKind, status: u16, answer: &[u8]) -> HookAnswer {
    if status != 200 || answer.len() > MOST_ANSWER {
        return HookAnswer::NoAnswer;
    }
    // Some write a mark of the byte order before it.
    let answer = answer.strip_prefix(b"\xef\xbb\xbf").unwrap_or(answer);
    let Ok(fields) = serde_json::from_slice::<Fields>(answer) else { return HookAnswer::NoAnswer };
    let codes = if kind == HookKind::Direct { C2C_CODES } else { GROUP_CODES };
    let is_message = matches!(kind, HookKind::Message | HookKind::Direct);
    match fields.code() {
        Some(0) => HookAnswer::Proceed {
            rewritten: if is_message { fields.rewritten() } else { Rewritten::default() },
            without: if kind == HookKind::Invite { fields.refused() } else { Vec::new() },
        },
        Some(2) if is_message => HookAnswer::Discard,
        Some(code) => HookAnswer::Refuse { code: codes.contains(&code).then_some(code as u32), info: fields.info() },
        None => HookAnswer::NoAnswer,
    }
}

/// An answer's fields as they came: of what is put in a message's place no digit is lost.
#[derive(serde::Deserialize)]
struct Fields<'a>(#[serde(borrow)] HashMap<String, &'a RawValue>);

impl Fields<'_> {
    /// A field that is there and says something.
    fn raw(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|raw| raw.get()).filter(|text| *text != "null")
    }

    fn value(&self, name: &str) -> Option<Value> {
        serde_json::from_str(self.raw(name)?).ok()
    }

    /// ErrorCode; also as a text, as some write all numbers. A number that is no code at all is one that nobody knows.
    fn code(&self) -> Option<i64> {
        match self.value("ErrorCode")? {
            Value::String(text) => text.trim().parse().ok(),
            Value::Number(number) => number.as_f64().map(|number| if number.fract() == 0.0 { number as i64 } else { -1 }),
            _ => None,
        }
    }

    fn info(&self) -> String {
        let info = self.value("ErrorInfo");
        let info = info.as_ref().and_then(Value::as_str).unwrap_or_default();
        info.chars().filter(|c| !c.is_control()).take(MOST_INFO).collect()
    }

    /// What cannot stand in a message is not put there.
    fn rewritten(&self) -> Rewritten {
        let elements = self.raw("MsgBody").and_then(|given| match elements::read(given) {
            Ok(read) => Some((read.json, read.body)),
            Err(flaw) => {
                tracing::warn!(?flaw, "a business's MsgBody for a message of its users is not legal; the message stays as it was");
                None
            }
        });
        let custom = self.value("CloudCustomData").and_then(|given| match given {
            Value::String(custom) => Some(custom),
            _ => {
                tracing::warn!("a business's CloudCustomData for a message of its users is no text; it stays as it was");
                None
            }
        });
        Rewritten { elements, custom }
    }

    /// RefusedMembers_Account.
    fn refused(&self) -> Vec<UserId> {
        let Some(Value::Array(users)) = self.value("RefusedMembers_Account") else { return Vec::new() };
        users.iter().filter_map(|user| UserId::new(user.as_str()?).ok()).collect()
    }
}

#[cfg(test)]
#[path = "hook_tests.rs"]
mod tests;
