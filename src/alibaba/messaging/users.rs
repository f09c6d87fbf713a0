//! Users of an application (`alibaba.md` §2.3): are they there, and how others see them.

use crate::{
    alibaba::{
        error::RpcError,
        operation::{Call, Fields, fields, unexpected},
    },
    domain::request::{Answer, Request},
};
use serde_json::{Value, json};

/// In the order asked, each user with whether it has a session.
pub fn check_online(call: &Call) -> Fields {
    let id = call.app_id()?;
    let users = call.params.some_users("UserIds", call.quotas().users_per_check)?;
    call.enabled_app(&id)?;
    let users = users.meant(|whole| call.is_online(&id, whole))?;
    Ok(fields(json!({"UserList": told(call.ask(Request::Online { app: id, users })?)?})))
}

/// The spelling of [`Answer::Users`], here and for the members of a group.
pub(super) fn told(answer: Answer) -> Result<Vec<Value>, RpcError> {
    match answer {
        Answer::Users(told) => Ok(told.iter().map(|(user, is)| json!({"UserId": user.as_str(), "Online": is})).collect()),
        other => Err(unexpected(&other)),
    }
}

/// Absent empties it. A user has one session, so all its groups see the change, or the user is not there
/// and none does: nothing is ever in `FailList`.
pub fn modify_info(call: &Call) -> Fields {
    let (id, user) = (call.app_id()?, call.params.user("UserId")?);
    let info = call.params.bounded("UserMetaInfo", call.quotas().user_info_bytes)?;
    call.enabled_app(&id)?;
    match call.ask(Request::ChangeUserInfo { app: id, user, info })? {
        Answer::Groups(groups) => {
            let list: Vec<Value> = groups.iter().map(|group| json!({"GroupId": group.as_str(), "Success": true})).collect();
            Ok(fields(json!({"SuccessList": list, "FailList": []})))
        }
        other => Err(unexpected(&other)),
    }
}
