//! Who may not speak in a group for a time (`tencent.md` §5.2). A mute stays when its user leaves and comes back.

use super::{MOST_USERS, members::mutable, no_topic};
use crate::{
    domain::{
        GroupId,
        mute::Mutes,
        request::{Answer, GroupRequest},
    },
    tencent::{
        command::{Call, told},
        error::{Code, RestError},
        rest::Outcome,
        restraint,
    },
};
use serde::Serialize;

/// 0 seconds unmute.
pub fn forbid(call: &Call) -> Outcome {
    const LIST: &str = "Members_Account";
    let id = call.body.group()?;
    call.body.at_most(LIST, MOST_USERS, Code::TooManyAccounts)?;
    let seconds = call.body.some_number(call.body.either("MuteTime", "ShutUpTime"))?;
    let change = restraint::mute(call, LIST, MOST_USERS, seconds)?;
    no_topic(call)?;
    mutable(call, &id)?;
    call.done(call.ask_group(&id, GroupRequest::ChangeMutes(change))?)
}

pub fn list(call: &Call) -> Outcome {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Muted {
        group_id: String,
        muted_account_list: Vec<restraint::Muted>,
    }
    let (id, mutes) = mutes(call)?;
    told(&Muted { group_id: id.to_string(), muted_account_list: restraint::muted(mutes) })
}

/// The same, as it was called before.
pub fn list_as_before(call: &Call) -> Outcome {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Muted {
        group_id: String,
        shutted_uin_list: Vec<Mute>,
    }
    #[derive(Serialize)]
    struct Mute {
        #[serde(rename = "Member_Account")]
        member: String,
        #[serde(rename = "ShuttedUntil")]
        until: i64,
    }
    let (id, mutes) = mutes(call)?;
    let list = restraint::muted(mutes).into_iter().map(|mute| Mute { member: mute.member, until: mute.until }).collect();
    told(&Muted { group_id: id.to_string(), shutted_uin_list: list })
}

fn mutes(call: &Call) -> Result<(GroupId, Mutes), RestError> {
    let id = call.body.group()?;
    no_topic(call)?;
    match call.ask_group(&id, GroupRequest::Mutes)? {
        Answer::Mutes(mutes) => Ok((id, mutes)),
        other => Err(call.unexpected(&other)),
    }
}
