//! The log of callbacks: each try, of all subscriptions that there are or were.

use super::{LARGEST_PAGE, app_id, check_app, subscription_id};
use crate::{
    alibaba::{
        error::RpcError,
        operation::{Call, Fields, fields},
        stamp,
    },
    domain::{
        AppId, Millis,
        request::{AttemptFound, AttemptPage},
    },
};
use serde_json::{Value, json};

/// The log reaches back so far, and one list spans no more, in seconds (`alibaba.md` §3.1).
const KEPT: i64 = 7 * DAY;
const DAY: i64 = 86_400;
const MINUTE: i64 = 60;

/// Oldest first. `Count` is the number on this page.
pub fn list(call: &Call) -> Fields {
    let app = app_id(call)?;
    let (from, to) = window(call)?;
    let number = positive(call, "PageNo", i32::MAX.into())?;
    let size = positive(call, "PageSize", LARGEST_PAGE)?;
    let subscription = call.params.filled("SubscribeId").map(|_| subscription_id(call)).transpose()?;
    check_app(call, &app)?;
    let page = AttemptPage { app, subscription, from, to, skip: (number - 1) * size, limit: size as u32 };
    let found = call.gateway.ask.attempts(&page).map_err(|why| {
        tracing::error!(why, "the log of callbacks could not be read");
        RpcError::server()
    })?;
    let logs: Vec<Value> = found.attempts.iter().map(|attempt| listed(&page.app, attempt)).collect();
    Ok(fields(json!({"Count": logs.len(), "HasMore": found.more, "Logs": logs})))
}

/// The log is kept by the minute: a window that begins or ends within one has all of it.
fn window(call: &Call) -> Result<(Millis, Millis), RpcError> {
    let seconds = |name: &str| call.params.int(name, 0, i64::MAX)?.ok_or_else(|| RpcError::missing(name));
    let (start, end) = (seconds("StartTime")?, seconds("EndTime")?);
    if end < start {
        return Err(RpcError::invalid("EndTime", "is before StartTime"));
    }
    if end - start > KEPT {
        return Err(RpcError::invalid("EndTime", "is more than 7 days after StartTime"));
    }
    if start > call.now().seconds() + DAY {
        return Err(RpcError::invalid("StartTime", "is in the future; it is in seconds since 1970"));
    }
    if start < call.now().seconds() - KEPT - MINUTE {
        return Err(RpcError::invalid("StartTime", "is more than 7 days ago"));
    }
    let (from, to) = (start - start % MINUTE, end.saturating_add((MINUTE - end % MINUTE) % MINUTE));
    Ok((Millis(from.saturating_mul(1_000)), Millis(to.saturating_mul(1_000))))
}

fn positive(call: &Call, name: &str, most: i64) -> Result<u64, RpcError> {
    call.params.int(name, 1, most)?.map(i64::unsigned_abs).ok_or_else(|| RpcError::missing(name))
}

/// `Code` is 0 where there was no answer.
fn listed(app: &AppId, attempt: &AttemptFound) -> Value {
    json!({
        "AppId": app.as_str(),
        "Code": attempt.status.unwrap_or(0),
        "Cost": attempt.took_ms,
        "Data": attempt.body,
        "MessageId": *attempt.delivery.0,
        "SubId": attempt.subscription.as_str(),
        "Time": stamp::beijing_millis(attempt.at),
        "Url": attempt.url,
    })
}
