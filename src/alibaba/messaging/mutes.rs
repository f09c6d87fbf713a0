//! Who may not speak in a group (`alibaba.md` §2.3), in the cloud's words: a group is banned, single
//! users are on its band list. The two know nothing of each other; what they do is the rules' matter.

use super::members::is_member;
use crate::{
    alibaba::{
        error::RpcError,
        operation::{Call, Fields, done, fields, unexpected},
        params::Users,
    },
    domain::{
        AppId, GroupId, UserId,
        mute::{MuteChange, Mutes},
        request::{Answer, GroupRequest},
    },
};
use serde_json::json;

pub fn mute_all(call: &Call) -> Fields {
    let (id, group) = (call.app_id()?, call.params.group()?);
    let except = list(call, "ExceptUsers")?;
    change(call, &id, &group, MuteChange::MuteAll { except: meant(call, &id, &group, except)? })
}

pub fn unmute_all(call: &Call) -> Fields {
    let (id, group) = (call.app_id()?, call.params.group()?);
    change(call, &id, &group, MuteChange::UnmuteAll)
}

pub fn add(call: &Call) -> Fields {
    some(call, "BannedUsers", MuteChange::Mute)
}

pub fn remove(call: &Call) -> Fields {
    some(call, "UnbannedUsers", MuteChange::Unmute)
}

fn some(call: &Call, name: &str, what: impl FnOnce(Vec<UserId>) -> MuteChange) -> Fields {
    let (id, group) = (call.app_id()?, call.params.group()?);
    let users = call.params.some_users(name, call.quotas().users_per_mute)?;
    change(call, &id, &group, what(meant(call, &id, &group, users)?))
}

/// Each list that is given replaces the one that was, an empty one too. The list of muted users has
/// three n in the documents and in the SDK.
pub fn modify(call: &Call) -> Fields {
    let (id, group) = (call.app_id()?, call.params.group()?);
    let all = call.params.flag("BannedAll")?;
    let given = |name| if call.params.is_given(name) { list(call, name).map(Some) } else { Ok(None) };
    let users = given(call.params.spelling("BannnedUsers", "BannedUsers")?)?;
    let except = given("ExceptUsers")?;
    let meant = |users: Option<Users>| users.map(|users| meant(call, &id, &group, users)).transpose();
    change(call, &id, &group, MuteChange::Set { all, users: meant(users)?, except: meant(except)? })
}

pub fn describe(call: &Call) -> Fields {
    let (id, group) = (call.app_id()?, call.params.group()?);
    let mutes = mutes(call, &id, &group)?;
    fn names<'a>(users: impl Iterator<Item = &'a UserId>) -> Vec<&'a str> {
        users.map(UserId::as_str).collect()
    }
    Ok(fields(json!({
        "GroupId": group.as_str(),
        "IsbannedAll": mutes.all,
        "BannedUserList": names(mutes.users.keys()),
        "UnbannedUserList": names(mutes.except.iter()),
    })))
}

fn mutes(call: &Call, app: &AppId, group: &GroupId) -> Result<Mutes, RpcError> {
    match call.ask_group(app, group, GroupRequest::Mutes)? {
        Answer::Mutes(mutes) => Ok(mutes),
        other => Err(unexpected(&other)),
    }
}

fn list(call: &Call, name: &str) -> Result<Users, RpcError> {
    call.params.users(name, call.quotas().users_per_mute)
}

/// A text with a comma is one user if that is a member, or one that was named earlier and has left since.
fn meant(call: &Call, app: &AppId, group: &GroupId, users: Users) -> Result<Vec<UserId>, RpcError> {
    users.meant(|whole| {
        if is_member(call, app, group, whole)? {
            return Ok(true);
        }
        let mutes = mutes(call, app, group)?;
        Ok(mutes.users.contains_key(whole) || mutes.except.contains(whole))
    })
}

fn change(call: &Call, app: &AppId, group: &GroupId, what: MuteChange) -> Fields {
    done(call.ask_group(app, group, GroupRequest::ChangeMutes(what))?)
}
