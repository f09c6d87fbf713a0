//! What a group is described with (`tencent.md` §5.1): its texts, its size and who may join it; read for a new group as
//! for one that is changed.

use super::{chosen, data, describe};
use crate::{
    domain::{
        kind::{GroupKind, JoinOption},
        request::{GroupChange, GroupRequest},
    },
    tencent::{
        command::Call,
        error::{Code, RestError},
        names,
        rest::Outcome,
    },
};

/// Bytes of each text.
const MAX_NAME: usize = 30;
const MAX_INTRODUCTION: usize = 240;
const MAX_NOTIFICATION: usize = 300;
const MAX_FACE_URL: usize = 100;

const SWITCH: &[(&str, bool)] = &[("On", true), ("Off", false)];

/// What a call says of a group.
pub struct Described {
    pub name: Option<String>,
    pub info: Option<String>,
    pub notice: Option<String>,
    pub cover_url: Option<String>,
    pub max_members: Option<u32>,
    pub join_option: Option<JoinOption>,
}

/// The size has one name where a group is made and another where it is changed (§5.9); either is taken.
pub fn read(call: &Call, size: &'static str, other: &'static str) -> Result<Described, RestError> {
    let text = |name, most| Ok::<_, RestError>(call.body.text(name, most)?.map(String::from));
    Ok(Described {
        name: text("Name", MAX_NAME)?,
        info: text("Introduction", MAX_INTRODUCTION)?,
        notice: text("Notification", MAX_NOTIFICATION)?,
        cover_url: text("FaceUrl", MAX_FACE_URL)?,
        max_members: call.body.number(call.body.either(size, other))?,
        join_option: chosen(call, "ApplyJoinOption", names::JOIN_OPTIONS)?,
    })
}

/// Members that a group of the type may have; 0: any number.
fn largest(kind: GroupKind) -> u32 {
    match kind {
        GroupKind::Work | GroupKind::Public | GroupKind::Meeting => 6_000,
        GroupKind::AvChatRoom => 0,
        GroupKind::Community => 100_000,
    }
}

/// Where a new group names none.
pub fn usual_size(kind: GroupKind) -> u32 {
    largest(kind)
}

pub fn check_size(call: &Call, kind: GroupKind, members: Option<u32>) -> Result<(), RestError> {
    let most = largest(kind);
    match members {
        Some(n) if most > 0 && n > most => {
            let why = format!("of {n} members is too much: groups of the type {} have {most} at most", names::kind_name(kind));
            Err(call.body.telling(Code::TooManyMembers).bad(call.body.either("MaxMemberCount", "MaxMemberNum"), why))
        }
        _ => Ok(()),
    }
}

/// Only groups of one type ask who wants to join; into the others one is invited, or comes freely.
pub fn join_option(kind: GroupKind, wanted: Option<JoinOption>) -> JoinOption {
    match kind {
        GroupKind::Work => JoinOption::Disabled,
        GroupKind::Public => wanted.unwrap_or(JoinOption::NeedPermission),
        GroupKind::Meeting | GroupKind::AvChatRoom | GroupKind::Community => JoinOption::Free,
    }
}

/// What is not given stays as it is.
pub fn modify(call: &Call) -> Outcome {
    let id = call.body.group()?;
    let described = read(call, "MaxMemberNum", "MaxMemberCount")?;
    if described.name.as_ref().is_some_and(String::is_empty) {
        return Err(call.body.bad("Name", "is empty"));
    }
    let muted_all = chosen(call, call.body.either("MuteAllMember", "ShutUpAllMember"), SWITCH)?;
    let entries = data::read(&call.body, data::OF_GROUP)?;
    let group = describe(call, &id)?;
    check_size(call, group.kind, described.max_members)?;
    if muted_all == Some(true) && group.kind == GroupKind::Work {
        return Err(RestError::new(Code::GroupNotAllowed, format!("group {id} is of the type Private, in which nobody is muted")));
    }
    let change = GroupChange {
        name: described.name,
        info: described.info,
        notice: described.notice,
        cover_url: described.cover_url,
        max_members: described.max_members,
        join_option: described.join_option.map(|option| join_option(group.kind, Some(option))),
        muted_all,
        data: entries,
        ..GroupChange::default()
    };
    call.done(call.ask_group(&id, GroupRequest::Modify(Box::new(change)))?)
}
