//! The operations of RTC channels and of the subscription of their events (`alibaba.md` §3.1), a theme a file.
//! What they share is here: unlike those of interactive messaging they know no data centers.

pub(super) mod channels;
pub(super) mod log;
pub(super) mod subscriptions;

use super::{error::RpcError, operation::Call};
use crate::domain::{AppId, Refusal, SubscriptionId};

/// Largest page of a list (`alibaba.md` §3.1).
const LARGEST_PAGE: i64 = 100;

fn app_id(call: &Call) -> Result<AppId, RpcError> {
    call.params.id("AppId", AppId::new)
}

fn subscription_id(call: &Call) -> Result<SubscriptionId, RpcError> {
    call.params.id("SubscribeId", SubscriptionId::new)
}

/// Is the application there, and enabled?
fn check_app(call: &Call, id: &AppId) -> Result<(), RpcError> {
    match call.gateway.ask.directory().apps.get(id) {
        None => Err(Refusal::NoSuchApp(id.to_string()).into()),
        Some(app) if app.disabled => Err(Refusal::AppDisabled(id.to_string()).into()),
        Some(_) => Ok(()),
    }
}
