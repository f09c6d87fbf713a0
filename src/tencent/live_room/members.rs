//! Users of a room (`tencent.md` §4): who rules over it, who may not come, who may not speak, who has to go.
//! Whether the documents' limits of a call are kept is looked at here; what a room may have in all, in the domain.

use super::rooms::{ask, describe};
use crate::{
    domain::request::{Answer, GroupRequest},
    tencent::{
        command::{Call, told},
        rest::Outcome,
        restraint,
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
    let until = restraint::ban_until(call, "unban_member")?;
    call.done(ask(call, &room, GroupRequest::Ban { users, until })?)
}

/// Who is not banned is no error.
pub fn unban(call: &Call) -> Outcome {
    let room = call.body.room()?;
    let users = call.body.some_users("MemberList_Account", MOST_BANNED)?;
    call.done(ask(call, &room, GroupRequest::Unban { users })?)
}

/// A page, sorted by user.
pub fn banned(call: &Call) -> Outcome {
    let room = call.body.room()?;
    restraint::bans(call, || match ask(call, &room, GroupRequest::Bans)? {
        Answer::Bans(all) => Ok(all),
        other => Err(call.unexpected(&other)),
    })
}

/// 0 seconds unmute.
pub fn mute(call: &Call) -> Outcome {
    let room = call.body.room()?;
    let change = restraint::mute(call, "MemberList_Account", MOST_MUTED, call.body.some_number("MuteTime")?)?;
    call.done(ask(call, &room, GroupRequest::ChangeMutes(change))?)
}

pub fn muted(call: &Call) -> Outcome {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Muted {
        muted_account_list: Vec<restraint::Muted>,
    }
    let room = call.body.room()?;
    match ask(call, &room, GroupRequest::Mutes)? {
        Answer::Mutes(mutes) => told(&Muted { muted_account_list: restraint::muted(mutes) }),
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
