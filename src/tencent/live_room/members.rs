//! Users of a room (`tencent.md` §4): who rules over it, who may not come, who may not speak, who has to go.
//! Whether the documents' limits of a call are kept is looked at here; what a room may have in all, in the domain.

use super::rooms::{ask, describe};
use crate::{
    domain::{
        mute::{MuteChange, Until},
        request::{Answer, GroupRequest},
    },
    tencent::{
        command::{Call, told},
        names::{FOREVER, until, until_seconds},
        rest::Outcome,
    },
};
use serde::Serialize;

/// Administrators of a room.
const MOST_ADMINS: usize = 5;
/// Users in one call that bans, lifts bans or puts out.
const MOST_BANNED: usize = 20;
/// Users in one call that mutes: as for the chat's groups (§5.2), because no number is documented.
const MOST_MUTED: usize = 500;
/// Bytes of the reason of a ban.
const MAX_REASON: usize = 200;
/// Bans on a page.
const BANS_PAGE: i64 = 100;

/// Adds administrators, or takes them away.
pub fn modify_admin(call: &Call) -> Outcome {
    let room = call.body.room()?;
    let add = match call.body.some_text("OpType", 16)? {
        "add" => true,
        "delete" => false,
        _ => return Err(call.body.bad("OpType", "must be add or delete")),
    };
    const LIST: &str = "Admin_Account";
    let users = if add { call.body.some_new_users(LIST, MOST_ADMINS)? } else { call.body.some_users(LIST, MOST_ADMINS)? };
    call.done(ask(call, &room, GroupRequest::ChangeAdmins { users, add, most: MOST_ADMINS as u32 })?)
}

/// The name of the field is not documented.
pub fn admins(call: &Call) -> Outcome {
    #[derive(Serialize)]
    struct Admins {
        #[serde(rename = "Admin_Account")]
        accounts: Vec<String>,
    }
    let room = describe(call, &call.body.room()?)?;
    told(&Admins { accounts: room.admins.iter().map(ToString::to_string).collect() })
}

/// To a member only.
pub fn change_owner(call: &Call) -> Outcome {
    let room = call.body.room()?;
    let user = call.body.some_user("NewOwner_Account")?;
    call.done(ask(call, &room, GroupRequest::ChangeOwner { user })?)
}

/// Who is banned is put out as well.
pub fn ban(call: &Call) -> Outcome {
    let room = call.body.room()?;
    let users = call.body.some_new_users("MemberList_Account", MOST_BANNED)?;
    // Nobody is told of it.
    call.body.text("Reason", MAX_REASON)?;
    let seconds = call.body.some_number("Duration")?;
    if seconds == 0 {
        return Err(call.body.bad("Duration", format!("must be a number of seconds from 1; {FOREVER} is for ever, and unban_member ends a ban")));
    }
    call.done(ask(call, &room, GroupRequest::Ban { users, until: until(call.now(), seconds) })?)
}

/// Who is not banned is no error.
pub fn unban(call: &Call) -> Outcome {
    let room = call.body.room()?;
    let users = call.body.some_users("MemberList_Account", MOST_BANNED)?;
    call.done(ask(call, &room, GroupRequest::Unban { users })?)
}

/// A page, sorted by user; `NextOffset` 0 is the end.
pub fn banned(call: &Call) -> Outcome {
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
    let room = call.body.room()?;
    let offset = call.body.number("Offset")?.unwrap_or(0) as usize;
    let limit = call.body.int("Limit", 1, BANS_PAGE)?.unwrap_or(BANS_PAGE) as usize;
    match ask(call, &room, GroupRequest::Bans)? {
        Answer::Bans(all) => {
            let page: Vec<Ban> =
                all.iter().skip(offset).take(limit).map(|(user, until)| Ban { member: user.to_string(), until: until_seconds(*until) }).collect();
            let next = offset + page.len();
            told(&Banned { banned_account_list: page, next_offset: if next < all.len() { next } else { 0 } })
        }
        other => Err(call.unexpected(&other)),
    }
}

/// 0 seconds unmute.
pub fn mute(call: &Call) -> Outcome {
    let room = call.body.room()?;
    const LIST: &str = "MemberList_Account";
    let seconds = call.body.some_number("MuteTime")?;
    let change = match seconds {
        0 => MuteChange::Unmute(call.body.some_users(LIST, MOST_MUTED)?),
        _ => {
            let users = call.body.some_new_users(LIST, MOST_MUTED)?;
            match until(call.now(), seconds) {
                Until::At(at) => MuteChange::MuteUntil(users, at),
                Until::Forever => MuteChange::Mute(users),
            }
        }
    };
    call.done(ask(call, &room, GroupRequest::ChangeMutes(change))?)
}

pub fn muted(call: &Call) -> Outcome {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Muted {
        muted_account_list: Vec<Mute>,
    }
    #[derive(Serialize)]
    struct Mute {
        #[serde(rename = "Member_Account")]
        member: String,
        #[serde(rename = "MutedUntil")]
        until: i64,
    }
    let room = call.body.room()?;
    match ask(call, &room, GroupRequest::Mutes)? {
        Answer::Mutes(mutes) => {
            let list = mutes.users.iter().map(|(user, until)| Mute { member: user.to_string(), until: until_seconds(*until) }).collect();
            told(&Muted { muted_account_list: list })
        }
        other => Err(call.unexpected(&other)),
    }
}

/// Puts users out; they may come back. Who is not in is no error. Body and limits are not documented: as of a ban.
pub fn kick(call: &Call) -> Outcome {
    let room = call.body.room()?;
    let users = call.body.some_users("MemberList_Account", MOST_BANNED)?;
    call.body.text("Reason", MAX_REASON)?;
    call.done(ask(call, &room, GroupRequest::PutOut { users })?)
}
