//! Who may not come into a live room for a time (`tencent.md` §5.2); groups of other types keep nobody out.

use super::{is_live, of_kind};
use crate::{
    domain::request::{Answer, GroupRequest},
    tencent::{
        command::{Call, told},
        error::Code,
        names::{FOREVER, until, until_seconds},
        rest::Outcome,
    },
};
use serde::Serialize;

const LIST: &str = "Members_Account";
/// Users in one call.
const MOST: usize = 20;
/// Bytes of the reason.
const MAX_DESCRIPTION: usize = 1_000;
/// Bans on a page.
const PAGE: i64 = 100;

/// Who is banned is put out as well.
pub fn ban(call: &Call) -> Outcome {
    let id = call.body.group()?;
    call.body.at_most(LIST, MOST, Code::TooManyAccounts)?;
    let users = call.body.some_new_users(LIST, MOST)?;
    // Nobody is told of it.
    call.body.text("Description", MAX_DESCRIPTION)?;
    let seconds = call.body.some_number("Duration")?;
    if seconds == 0 {
        return Err(call.body.bad("Duration", format!("must be a number of seconds from 1; {FOREVER} is for ever, and unban_group_member ends a ban")));
    }
    of_kind(call, &id, is_live, Code::GroupNotAllowed)?;
    call.done(call.ask_group(&id, GroupRequest::Ban { users, until: until(call.now(), seconds) })?)
}

/// Who is not banned is no error.
pub fn unban(call: &Call) -> Outcome {
    let id = call.body.group()?;
    call.body.at_most(LIST, MOST, Code::TooManyAccounts)?;
    let users = call.body.some_users(LIST, MOST)?;
    of_kind(call, &id, is_live, Code::GroupNotAllowed)?;
    call.done(call.ask_group(&id, GroupRequest::Unban { users })?)
}

/// A page, sorted by user; `NextOffset` 0 is the end.
pub fn list(call: &Call) -> Outcome {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Banned {
        banned_account_list: Vec<Ban>,
        next_offset: usize,
    }
    #[derive(Serialize)]
    struct Ban {
        #[serde(rename = "BannedUntil")]
        until: i64,
        #[serde(rename = "Member_Account")]
        member: String,
    }
    let id = call.body.group()?;
    let offset = call.body.number("Offset")?.unwrap_or(0) as usize;
    let limit = call.body.int("Limit", 1, PAGE)?.unwrap_or(PAGE) as usize;
    of_kind(call, &id, is_live, Code::GroupNotAllowed)?;
    match call.ask_group(&id, GroupRequest::Bans)? {
        Answer::Bans(all) => {
            let page: Vec<Ban> =
                all.iter().skip(offset).take(limit).map(|(user, until)| Ban { until: until_seconds(*until), member: user.to_string() }).collect();
            let next = offset + page.len();
            told(&Banned { banned_account_list: page, next_offset: if next < all.len() { next } else { 0 } })
        }
        other => Err(call.unexpected(&other)),
    }
}
