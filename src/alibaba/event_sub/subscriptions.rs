//! Subscriptions of channel events: made, changed, deleted, listed.

use super::{app_id, check_app, subscription_id};
use crate::{
    alibaba::{
        error::RpcError,
        operation::{Call, Fields, done, fields, unexpected},
        params::check_url,
        stamp,
    },
    domain::{
        AppId, ChannelId, UserId,
        request::{Answer, Request},
        subscription::{Subscription, Wants},
    },
};
use serde_json::{Value, json};
use std::collections::HashSet;

/// How the cloud says "all channels"; an empty text says it as well.
const ALL: &str = "*";

pub fn create(call: &Call) -> Fields {
    let app = app_id(call)?;
    let (url, wants) = subscribed(call, &app)?;
    match call.ask(Request::CreateSubscription { app, url, wants })? {
        Answer::Subscription { id } => Ok(fields(json!({"SubscribeId": id.as_str()}))),
        other => Err(unexpected(&other)),
    }
}

/// A full replacement: what is not given is as with a new one.
pub fn update(call: &Call) -> Fields {
    let (app, id) = (app_id(call)?, subscription_id(call)?);
    let (url, wants) = subscribed(call, &app)?;
    done(call.ask(Request::UpdateSubscription { app, id, url, wants })?)
}

pub fn delete(call: &Call) -> Fields {
    let (app, id) = (app_id(call)?, subscription_id(call)?);
    check_app(call, &app)?;
    done(call.ask(Request::DeleteSubscription { app, id })?)
}

/// All of the application, the oldest first.
pub fn list(call: &Call) -> Fields {
    let app = app_id(call)?;
    check_app(call, &app)?;
    let directory = call.gateway.ask.directory();
    let list: Vec<Value> = directory.subscriptions.get(&app).into_iter().flatten().map(|subscription| listed(subscription)).collect();
    Ok(fields(json!({"Subscribers": list})))
}

fn listed(subscription: &Subscription) -> Value {
    let Subscription { id, url, wants, created, modified, .. } = subscription;
    let events = [("ChannelEvent", wants.channel_events), ("UserEvent", wants.user_events)];
    json!({
        "SubId": id.as_str(),
        "ChannelId": wants.channel.as_ref().map_or(ALL, ChannelId::as_str),
        "Events": events.iter().filter(|(_, wanted)| *wanted).map(|(name, _)| *name).collect::<Vec<_>>(),
        "Users": wants.users.iter().map(UserId::as_str).collect::<Vec<_>>(),
        "CallbackUrl": url,
        "CreateTime": stamp::beijing(*created),
        "ModifyTime": stamp::beijing(*modified),
    })
}

/// What creating and updating have in common: where to, and what of. The application is there and enabled.
fn subscribed(call: &Call, app: &AppId) -> Result<(String, Wants), RpcError> {
    let url = call.params.filled("CallbackUrl").ok_or_else(|| RpcError::missing("CallbackUrl"))?;
    check_url(&call.gateway.allow, "CallbackUrl", url)?;
    let mut wants = Wants::default();
    for event in call.params.some_texts("Events")? {
        match event.as_str() {
            "ChannelEvent" => wants.channel_events = true,
            "UserEvent" => wants.user_events = true,
            other => return Err(RpcError::invalid("Events", format_args!("has {other:?}; there are ChannelEvent and UserEvent"))),
        }
    }
    wants.channel = match call.params.filled("ChannelId") {
        None | Some(ALL) => None,
        Some(_) => Some(call.params.id("ChannelId", ChannelId::new)?),
    };
    let users = call.params.users("Users", call.quotas().users_per_subscription)?;
    if wants.channel.is_none() && !users.is_empty() {
        return Err(RpcError::invalid("Users", "needs a ChannelId: the events of all channels are those of all users"));
    }
    check_app(call, app)?;
    wants.users = users.meant(|whole| call.is_online(app, whole))?;
    let mut named = HashSet::new();
    wants.users.retain(|user| named.insert(user.clone()));
    Ok((url.to_string(), wants))
}
