//! Groups of the chat (`tencent.md` §5.2), a file a theme. Every group of an application is one, whoever made it; what a
//! type of group cannot do is mostly looked at here, because each command has its own code for it.

pub mod bans;
pub mod base;
pub mod broadcast;
mod data;
pub mod history;
pub mod info;
pub mod life;
pub mod lists;
pub mod members;
pub mod messages;
pub mod mutes;
pub mod online;
pub mod roster;

use super::{
    command::Call,
    error::{Code, RestError},
    names,
    rest::Outcome,
};
use crate::domain::{
    GroupId,
    kind::GroupKind,
    request::{Answer, GroupInfo, GroupRequest},
};

/// Bytes of an answer, which is at most 1 MB (§1.6).
const MAX_ANSWER: usize = 1_000_000;
/// Names in one filter; undocumented, and there are not so many fields.
const MOST_NAMES: usize = 100;
/// Bytes of one.
const MAX_NAME: usize = 100;
/// Users in one call that mutes, asks for roles, tells something or takes members out.
const MOST_USERS: usize = 500;

/// A group that was not disbanded.
fn describe(call: &Call, id: &GroupId) -> Result<GroupInfo, RestError> {
    match call.ask_group(id, GroupRequest::Describe)? {
        Answer::Group(info) if info.deleted.is_none() => Ok(*info),
        Answer::Group(_) => Err(RestError::new(Code::GroupGone, format!("group {id} was disbanded"))),
        other => Err(call.unexpected(&other)),
    }
}

/// The group has to be of a type that `fits`, or the call is refused with `code`.
fn of_kind(call: &Call, id: &GroupId, fits: impl Fn(GroupKind) -> bool, code: Code) -> Result<GroupInfo, RestError> {
    let info = describe(call, id)?;
    if fits(info.kind) {
        return Ok(info);
    }
    Err(RestError::new(code, format!("group {id} is of the type {}, which cannot do this", names::kind_name(info.kind))))
}

fn is_live(kind: GroupKind) -> bool {
    kind == GroupKind::AvChatRoom
}

/// A community's topics are not there; a caller that names one means something else than the group.
fn no_topic(call: &Call) -> Result<(), RestError> {
    match call.body.text("TopicId", MAX_NAME)? {
        None | Some("") => Ok(()),
        Some(_) => Err(call.body.bad("TopicId", "names a topic; topics of communities are not served")),
    }
}

/// A type by either of its names; "" is none.
fn kind(call: &Call, field: &str) -> Result<Option<GroupKind>, RestError> {
    match call.body.text(field, MAX_NAME)? {
        None | Some("") => Ok(None),
        Some(name) => named(call, field, name, names::KINDS).map(Some),
    }
}

/// One of the names in a table.
fn named<T: Copy>(call: &Call, field: &str, name: &str, names: &[(&str, T)]) -> Result<T, RestError> {
    names.iter().find(|(known, _)| *known == name).map(|(_, value)| *value).ok_or_else(|| {
        let known: Vec<_> = names.iter().map(|(known, _)| *known).collect();
        call.body.bad(field, format!("is {name:.64}, which is none of: {}", known.join(", ")))
    })
}

/// An optional field that has one of the names in a table.
fn chosen<T: Copy>(call: &Call, field: &str, names: &[(&str, T)]) -> Result<Option<T>, RestError> {
    call.body.text(field, MAX_NAME)?.map(|name| named(call, field, name, names)).transpose()
}

fn within_a_megabyte(outcome: Outcome) -> Outcome {
    match &outcome {
        Ok(Some(text)) if text.get().len() > MAX_ANSWER => Err(too_long()),
        _ => outcome,
    }
}

fn too_long() -> RestError {
    RestError::new(Code::AnswerTooLong, format!("the answer would have more than {MAX_ANSWER} bytes; ask for fewer groups, members or fields"))
}
