//! RTC channels, as a business's server sees them: who is in one, and its end.

use super::{LARGEST_PAGE, app_id, check_app};
use crate::{
    alibaba::{
        error::RpcError,
        operation::{Call, Fields, done, fields, unexpected},
    },
    domain::{
        ChannelId,
        participant::Role,
        request::{Answer, ChannelInfo, Request},
    },
};
use serde_json::json;

/// By role, in the order in which they joined. A channel that is not there has nobody in it.
pub fn users(call: &Call) -> Fields {
    let info = described(call)?;
    let of = |role: Role| -> Vec<&str> { info.participants.iter().filter(|p| p.role == role).map(|p| p.user.as_str()).collect() };
    let (streamers, viewers) = (of(Role::Streamer), of(Role::Viewer));
    Ok(fields(json!({
        "InteractiveUserList": streamers,
        "InteractiveUserNumber": streamers.len(),
        "LiveUserList": viewers,
        "LiveUserNumber": viewers.len(),
        "IsChannelExists": info.exists,
        "Timestamp": call.now().seconds(),
    })))
}

/// By the time of joining.
pub fn participants(call: &Call) -> Fields {
    let number = call.params.int("PageNum", 1, i32::MAX.into())?.unwrap_or(1) as usize;
    let size = call.params.int("PageSize", 1, LARGEST_PAGE)?.unwrap_or(10) as usize;
    let ascending = match call.params.filled("Order") {
        None => false,
        Some(order) if order.eq_ignore_ascii_case("desc") => false,
        Some(order) if order.eq_ignore_ascii_case("asc") => true,
        Some(_) => return Err(RpcError::invalid("Order", "must be asc or desc")),
    };
    let info = described(call)?;
    let mut users: Vec<&str> = info.participants.iter().map(|p| p.user.as_str()).collect();
    if !ascending {
        users.reverse();
    }
    let page: Vec<&str> = users.iter().skip((number - 1).saturating_mul(size)).take(size).copied().collect();
    Ok(fields(json!({
        "UserList": page,
        "TotalNum": users.len(),
        "TotalPage": users.len().div_ceil(size),
        "Times": call.now().seconds(),
    })))
}

fn described(call: &Call) -> Result<ChannelInfo, RpcError> {
    let (app, channel) = (app_id(call)?, call.params.id("ChannelId", ChannelId::new)?);
    check_app(call, &app)?;
    match call.ask(Request::DescribeChannel { app, channel })? {
        Answer::Channel(info) => Ok(info),
        other => Err(unexpected(&other)),
    }
}

/// Everybody in it is put out. What is absent is here, and only here, an error of the operation's own.
pub fn delete(call: &Call) -> Fields {
    for name in ["AppId", "ChannelId"] {
        if call.params.filled(name).is_none() {
            return Err(RpcError::invalid_input(name, "is needed"));
        }
    }
    let (app, channel) = (app_id(call)?, call.params.id("ChannelId", ChannelId::new)?);
    check_app(call, &app)?;
    done(call.ask(Request::CloseChannel { app, channel })?)
}
