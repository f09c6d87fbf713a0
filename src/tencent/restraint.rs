//! Who may not come into a group, or not speak in it, for a time: what the chat's commands and those of live rooms
//! ask and tell alike (`tencent.md` §4, §5.2). Whom it may be done to is in the files of the services.

use super::{
    command::{Call, told},
    error::RestError,
    names::{FOREVER, until, until_seconds},
    rest::Outcome,
};
use crate::domain::{
    UserId,
    mute::{MuteChange, Mutes, Until},
};
use serde::Serialize;

/// Bans on a page.
const PAGE: i64 = 100;

/// How long the ban is that the call asks for; `lift` names the command that ends one.
pub fn ban_until(call: &Call, lift: &str) -> Result<Until, RestError> {
    match call.body.some_number("Duration")? {
        0 => Err(call.body.bad("Duration", format!("must be a number of seconds from 1; {FOREVER} is for ever, and {lift} ends a ban"))),
        seconds => Ok(until(call.now(), seconds)),
    }
}

/// The page of all bans that the call asks for; `NextOffset` 0 is the end.
pub fn bans(call: &Call, all: impl FnOnce() -> Result<Vec<(UserId, Until)>, RestError>) -> Outcome {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Banned {
        banned_account_list: Vec<Ban>,
        next_offset: usize,
    }
    #[derive(Serialize)]
    struct Ban {
        #[serde(rename = "Member_Account")]
        member: String,
        #[serde(rename = "BannedUntil")]
        until: i64,
    }
    let offset = call.body.number("Offset")?.unwrap_or(0) as usize;
    let limit = call.body.int("Limit", 1, PAGE)?.unwrap_or(PAGE) as usize;
    let all = all()?;
    let page: Vec<Ban> = all.iter().skip(offset).take(limit).map(|(user, until)| Ban { member: user.to_string(), until: until_seconds(*until) }).collect();
    let next = offset + page.len();
    told(&Banned { banned_account_list: page, next_offset: if next < all.len() { next } else { 0 } })
}

/// The mute of the users in `list` that the call asks for; 0 seconds unmute.
pub fn mute(call: &Call, list: &str, most: usize, seconds: u32) -> Result<MuteChange, RestError> {
    if seconds == 0 {
        return Ok(MuteChange::Unmute(call.body.some_users(list, most)?));
    }
    let users = call.body.some_new_users(list, most)?;
    Ok(match until(call.now(), seconds) {
        Until::At(at) => MuteChange::MuteUntil(users, at),
        Until::Forever => MuteChange::Mute(users),
    })
}

/// Who is muted by name, as it is told.
pub fn muted(mutes: Mutes) -> Vec<Muted> {
    mutes.users.into_iter().map(|(user, until)| Muted { member: user.to_string(), until: until_seconds(until) }).collect()
}

#[derive(Serialize)]
pub struct Muted {
    #[serde(rename = "Member_Account")]
    pub member: String,
    #[serde(rename = "MutedUntil")]
    pub until: i64,
}
