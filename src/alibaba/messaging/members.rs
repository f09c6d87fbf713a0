//! Who is in a group (`alibaba.md` §2.3): listed, asked about, put out.

use super::users::told;
use crate::{
    alibaba::{
        error::RpcError,
        operation::{Call, Fields, done, fields, unexpected},
    },
    domain::{
        AppId, GroupId, UserId,
        request::{Answer, GroupRequest, MemberFound, MemberPage},
    },
};
use serde_json::{Value, json};

/// The user may join again.
pub fn kick(call: &Call) -> Fields {
    let (id, group) = (call.app_id()?, call.params.group()?);
    let user = call.params.user("KickoffUser")?;
    done(call.ask_group(&id, &group, GroupRequest::Kick { user })?)
}

/// By the time of joining; the token is the place of the last one listed. A super-large group has
/// members and an empty list.
pub fn list(call: &Call) -> Fields {
    let (id, group) = (call.app_id()?, call.params.group()?);
    let page = MemberPage { ascending: call.params.ascending()?, after: call.params.token("NextPageToken")?.map(i64::unsigned_abs), limit: call.page_size()? };
    let found = match call.ask_group(&id, &group, GroupRequest::Members(page))? {
        Answer::Members(found) => found,
        other => return Err(unexpected(&other)),
    };
    let item = |member: &MemberFound| json!({"UserId": member.user.as_str(), "UserInfo": member.info});
    let list: Vec<Value> = found.members.iter().map(item).collect();
    let (more, next) = (found.next.is_some(), found.next.unwrap_or(0));
    Ok(fields(json!({"GroupId": group.as_str(), "Hasmore": more, "NextPageToken": next, "UserList": list})))
}

/// In the order asked, each user with whether it is in the group.
pub fn check(call: &Call) -> Fields {
    let (id, group) = (call.app_id()?, call.params.group()?);
    let users = call.params.some_users("UserIds", call.quotas().users_per_check)?;
    let users = users.meant(|whole| is_member(call, &id, &group, whole))?;
    Ok(fields(json!({"Users": told(call.ask_group(&id, &group, GroupRequest::Contains { users })?)?})))
}

pub(super) fn is_member(call: &Call, app: &AppId, group: &GroupId, user: &UserId) -> Result<bool, RpcError> {
    match call.ask_group(app, group, GroupRequest::Contains { users: vec![user.clone()] })? {
        Answer::Users(told) => Ok(told.iter().any(|(_, is)| *is)),
        other => Err(unexpected(&other)),
    }
}
