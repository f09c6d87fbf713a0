//! Users of an application (`alibaba.md` §2.3).

use super::{Call, Fields, apps::fields, params::no_id, unexpected};
use crate::{
    alibaba::error::RpcError,
    domain::{
        UserId,
        request::{Answer, Request},
    },
};
use serde_json::{Value, json};

/// In the order asked, each user with whether it has a session.
pub fn check_online(call: &Call) -> Fields {
    let id = call.app_id()?;
    let list = call.params.list("UserIds", call.quotas().users_per_check)?.filter(|list| !list.items.is_empty()).ok_or_else(|| RpcError::missing("UserIds"))?;
    // An id made elsewhere may have a comma: if the whole text is somebody who is online, it is meant.
    let whole = list.whole.as_deref().filter(|_| list.items.len() > 1).and_then(|text| UserId::new(text).ok());
    let users: Result<Vec<UserId>, _> = list.items.iter().map(|item| UserId::new(item)).collect();
    let users = match (users, &whole) {
        (Ok(users), _) => users,
        (Err(_), Some(_)) => Vec::new(),
        (Err(why), None) => return Err(no_id("UserIds")(why)),
    };
    call.enabled_app(&id)?;
    let asked = whole.iter().cloned().chain(users.iter().cloned()).collect();
    let mut told = match call.ask(Request::Online { app: id, users: asked })? {
        Answer::Users(told) => told,
        other => return Err(unexpected(&other)),
    };
    if whole.is_some() && !told.is_empty() {
        let (user, online) = told.remove(0);
        if online {
            told = vec![(user, true)];
        } else if users.is_empty() {
            return Err(RpcError::invalid("UserIds", "has an empty id"));
        }
    }
    let list: Vec<Value> = told.into_iter().map(|(user, online)| json!({"UserId": user.as_str(), "Online": online})).collect();
    Ok(fields(json!({"UserList": list})))
}
