//! Who may not come into a live room for a time (`tencent.md` §5.2); groups of other types keep nobody out.

use super::{is_live, of_kind};
use crate::{
    domain::request::{Answer, GroupRequest},
    tencent::{command::Call, error::Code, rest::Outcome, restraint},
};

const LIST: &str = "Members_Account";
/// Users in one call.
const MOST: usize = 20;
/// Bytes of the reason.
const MAX_DESCRIPTION: usize = 1_000;

/// Who is banned is put out as well.
pub fn ban(call: &Call) -> Outcome {
    let id = call.body.group()?;
    call.body.at_most(LIST, MOST, Code::TooManyAccounts)?;
    let users = call.body.some_new_users(LIST, MOST)?;
    // Nobody is told of it.
    call.body.text("Description", MAX_DESCRIPTION)?;
    let until = restraint::ban_until(call, "unban_group_member")?;
    of_kind(call, &id, is_live, Code::GroupNotAllowed)?;
    call.done(call.ask_group(&id, GroupRequest::Ban { users, until })?)
}

/// Who is not banned is no error.
pub fn unban(call: &Call) -> Outcome {
    let id = call.body.group()?;
    call.body.at_most(LIST, MOST, Code::TooManyAccounts)?;
    let users = call.body.some_users(LIST, MOST)?;
    of_kind(call, &id, is_live, Code::GroupNotAllowed)?;
    call.done(call.ask_group(&id, GroupRequest::Unban { users })?)
}

/// A page, sorted by user.
pub fn list(call: &Call) -> Outcome {
    let id = call.body.group()?;
    restraint::bans(call, || {
        of_kind(call, &id, is_live, Code::GroupNotAllowed)?;
        match call.ask_group(&id, GroupRequest::Bans)? {
            Answer::Bans(all) => Ok(all),
            other => Err(call.unexpected(&other)),
        }
    })
}
