//! Applications (`alibaba.md` §2.1): the six operations, and how an application is made, changed and
//! shown, which the operator's API and the command line share: with what the other cloud knows of it, too.

use crate::{
    alibaba::{
        error::RpcError,
        operation::{Call, DATA_CENTERS, Fields, fields, unexpected},
        params::{check_new_id, check_url},
    },
    domain::{
        AppId, UserId,
        address::AllowList,
        app::{ADMINISTRATOR, App, AppChange, Audit, Directory, LifeCycle, NewApp},
        quota::{self, APP_NAME_CHARS},
        request::{Answer, Request},
        retry::MOST_REPEATS,
    },
    ids::{ALNUM, Ids, LOWER},
};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// What a new application may be told; what is left out gets the cloud's default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppDraft {
    /// `None`: one is made.
    pub id: Option<String>,
    /// 2 to 16 characters.
    pub name: Option<String>,
    /// One of [`DATA_CENTERS`].
    pub data_center: Option<String>,
    pub event_callback_url: Option<String>,
    /// 0 none, 1 built-in, 2 custom.
    pub audit_type: Option<i64>,
    pub audit_url: Option<String>,
    /// 0, 1, 2: 30, 90, 180 days.
    pub msg_life_cycle: Option<i64>,
    /// From 1 to [`u32::MAX`]. `None`: the next free number.
    pub sdkappid: Option<i64>,
    /// 1 to 128 printable ASCII characters without a space. `None`: one is made.
    pub app_key: Option<String>,
    /// 1 to 20 UserIDs of the other cloud. `None`: `administrator` alone.
    pub administrators: Option<Vec<String>>,
    /// How often a failed webhook of the other cloud is repeated, 0 to 3 times.
    pub after_retry: Option<i64>,
}

/// Bytes of a key that another maker gave; undocumented, the cloud's have 64.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 1..=128;
/// Administrators an application; undocumented, and each call of the other cloud's API looks through them.
const ADMINISTRATORS: std::ops::RangeInclusive<usize> = 1..=20;
/// Bytes of a UserID of the other cloud (`tencent.md` §2.1).
const USER_ID_BYTES: usize = 32;

/// Checks the draft, and gives it ids and secrets. Does not see whether its id is taken. The error names the
/// part of the draft as the cloud's API does.
pub fn new_app(ids: &Ids, allow: &AllowList, draft: AppDraft) -> Result<NewApp, RpcError> {
    if let Some(id) = &draft.id {
        check_new_id("AppId", id)?;
    }
    if let Some(name) = &draft.name {
        if !APP_NAME_CHARS.contains(&name.chars().count()) {
            return Err(RpcError::app_name(&format!("must have {} to {} characters", APP_NAME_CHARS.start(), APP_NAME_CHARS.end())));
        }
        if name.chars().any(char::is_control) {
            return Err(RpcError::app_name("must not have control characters"));
        }
    }
    let data_center = draft.data_center.unwrap_or_else(|| DATA_CENTERS[0].into());
    if !DATA_CENTERS.contains(&data_center.as_str()) {
        return Err(RpcError::invalid("DataCenter", format_args!("is none of {}", DATA_CENTERS.join(", "))));
    }
    let event_callback_url = draft.event_callback_url.unwrap_or_default();
    check_url(allow, "EventCallbackUrl", &event_callback_url)?;
    let life_cycle = match draft.msg_life_cycle.unwrap_or(0) {
        0 => LifeCycle::Days30,
        1 => LifeCycle::Days90,
        2 => LifeCycle::Days180,
        _ => return Err(RpcError::invalid("MsgLifeCycle", "must be 0, 1 or 2")),
    };
    let sdkappid = draft.sdkappid.map(|n| {
        u32::try_from(n).ok().filter(|n| *n > 0).ok_or_else(|| {
            let range = format!("must be a number from 1 to {}", u32::MAX);
            RpcError::invalid("SDKAppID", range)
        })
    });
    if draft.app_key.as_ref().is_some_and(|key| !KEY_BYTES.contains(&key.len()) || !key.bytes().all(|b| b.is_ascii_graphic())) {
        return Err(RpcError::invalid(
            "AppKey",
            format_args!("must have {} to {} printable ASCII characters without spaces", KEY_BYTES.start(), KEY_BYTES.end()),
        ));
    }
    Ok(NewApp {
        id: draft.id.map_or_else(|| fresh_id(ids), |id| AppId::trusted(&id)),
        key: draft.app_key.unwrap_or_else(|| ids.text(32, ALNUM)),
        sign: ids.hex32() + &ids.hex32(),
        name: draft.name.unwrap_or_default(),
        sdkappid: sdkappid.transpose()?,
        administrators: administrators(draft.administrators.unwrap_or_else(|| vec![ADMINISTRATOR.into()]))?,
        after_retry: after_retry(draft.after_retry.unwrap_or(0))?,
        data_center,
        event_callback_url,
        audit: audit(allow, draft.audit_type.unwrap_or(0), draft.audit_url.unwrap_or_default())?,
        life_cycle,
    })
}

/// The changes to these values, checked; `None` is none. The error names the value as [`new_app`] does.
pub fn app_changes(new_administrators: Option<Vec<String>>, new_after_retry: Option<i64>) -> Result<Vec<AppChange>, RpcError> {
    let mut changes = Vec::new();
    if let Some(list) = new_administrators {
        changes.push(AppChange::Administrators(administrators(list)?));
    }
    if let Some(n) = new_after_retry {
        changes.push(AppChange::AfterRetry(after_retry(n)?));
    }
    Ok(changes)
}

fn administrators(list: Vec<String>) -> Result<Vec<String>, RpcError> {
    let wrong = |why: String| Err(RpcError::invalid("Administrators", why));
    if !ADMINISTRATORS.contains(&list.len()) {
        return wrong(format!("must be {} to {} UserIDs", ADMINISTRATORS.start(), ADMINISTRATORS.end()));
    }
    for (n, user) in list.iter().enumerate() {
        if user.len() > USER_ID_BYTES || UserId::new(user).is_err() {
            return wrong(format!("must be UserIDs of 1 to {USER_ID_BYTES} bytes without control characters, and {user:?} is none"));
        }
        if list[..n].contains(user) {
            return wrong(format!("must not name {user:?} twice"));
        }
    }
    Ok(list)
}

fn after_retry(n: i64) -> Result<u8, RpcError> {
    let n = u8::try_from(n).ok().filter(|n| *n <= MOST_REPEATS);
    n.ok_or_else(|| RpcError::invalid("AfterRetry", format_args!("must be 0 to {MOST_REPEATS}")))
}

/// Short, so that people can read it aloud; begins with a letter.
fn fresh_id(ids: &Ids) -> AppId {
    let (letters, _) = LOWER.split_at(26);
    AppId::trusted(&(ids.text(1, letters) + &ids.text(7, LOWER)))
}

fn audit(allow: &AllowList, kind: i64, url: String) -> Result<Audit, RpcError> {
    check_url(allow, "AuditUrl", &url)?;
    match kind {
        0 => Ok(Audit::None),
        1 => Ok(Audit::BuiltIn),
        2 if url.is_empty() => Err(RpcError::url("AuditUrl", "is required when AuditType is 2")),
        2 => Ok(Audit::Custom(url)),
        _ => Err(RpcError::invalid("AuditType", "must be 0, 1 or 2")),
    }
}

fn audit_parts(audit: &Audit) -> (u8, Option<&str>) {
    match audit {
        Audit::None => (0, None),
        Audit::BuiltIn => (1, None),
        Audit::Custom(url) => (2, Some(url)),
    }
}

fn life_cycle(app: &App) -> u8 {
    match app.life_cycle {
        LifeCycle::Days30 => 0,
        LifeCycle::Days90 => 1,
        LifeCycle::Days180 => 2,
    }
}

/// The object of `design.md` §5, which `roomd app show --json` prints. It holds the AppKey.
pub fn app_json(app: &App) -> Value {
    let (audit_type, audit_url) = audit_parts(&app.audit);
    json!({
        "app_id": app.id.as_str(),
        "app_key": app.key,
        "app_sign": app.sign,
        "name": app.name,
        "sdkappid": app.sdkappid,
        "administrators": app.administrators,
        "data_center": app.data_center,
        "event_callback_url": app.event_callback_url,
        "audit_type": audit_type,
        "audit_url": audit_url.unwrap_or_default(),
        "live_webhook_url": app.live_webhook.as_ref().map_or("", |webhook| &webhook.url),
        "live_webhook_words": app.live_webhook.as_ref().map_or(&[][..], |webhook| &webhook.words),
        "after_retry": app.after_retry,
    })
}

/// Oldest first: in the order in which they were made.
pub fn by_age(directory: &Directory) -> Vec<&Arc<App>> {
    let mut apps: Vec<_> = directory.apps.values().collect();
    apps.sort_by_key(|app| app.order);
    apps
}

pub fn create(call: &Call) -> Fields {
    let text = |name: &str| call.params.text(name).map(str::to_string);
    let draft = AppDraft {
        id: None,
        name: text("AppName"),
        data_center: Some(call.data_center()?.to_string()),
        event_callback_url: text("EventCallbackUrl"),
        audit_type: call.params.int("AuditType", 0, 2)?,
        audit_url: text("AuditUrl"),
        msg_life_cycle: call.params.int("MsgLifeCycle", 0, 2)?,
        ..AppDraft::default()
    };
    let mut new = new_app(&call.gateway.ids, &call.gateway.allow, draft)?;
    while call.gateway.ask.directory().apps.contains_key(&new.id) {
        new.id = fresh_id(&call.gateway.ids);
    }
    let app = told(call.ask(Request::CreateApp(Box::new(new)))?)?;
    Ok(fields(json!({"AppId": app.id.as_str(), "AppKey": app.key, "AppSign": app.sign, "DataCenter": app.data_center})))
}

pub fn describe(call: &Call) -> Fields {
    let app = call.app(&call.app_id()?)?;
    let (audit_type, audit_url) = audit_parts(&app.audit);
    let mut out = listed(&app);
    out.insert("AuditType".into(), audit_type.into());
    out.insert("EventCallbackUrl".into(), app.event_callback_url.clone().into());
    if let Some(url) = audit_url {
        out.insert("AuditUrl".into(), url.into());
    }
    Ok(out)
}

/// What description and list have in common.
fn listed(app: &App) -> Map<String, Value> {
    fields(json!({
        "AppId": app.id.as_str(),
        "AppKey": app.key,
        "AppName": app.name,
        "AppSign": app.sign,
        "CreateTime": app.created.seconds(),
        "DataCenter": app.data_center,
        "Disable": app.disabled,
        "ModifyTime": app.modified.seconds(),
        "MsgLifeCycle": life_cycle(app),
    }))
}

/// Applications are never deleted, so a place counted from the oldest stays what it is: that is the
/// token, and newly made applications move no page.
pub fn list(call: &Call) -> Fields {
    let center = call.data_center()?;
    let ascending = call.params.ascending()?;
    let token = call.params.token("NextPageToken")?;
    let most = quota::PAGE.min(call.largest_page()) as usize;
    let directory = call.gateway.ask.directory();
    let apps: Vec<&Arc<App>> = by_age(&directory).into_iter().filter(|app| app.data_center == center).collect();
    let at = |default: usize| token.map_or(default, |n| usize::try_from(n).unwrap_or(usize::MAX)).min(apps.len());
    let (page, next): (Vec<&Arc<App>>, Option<usize>) = if ascending {
        let rest = &apps[at(0)..];
        let end = at(0) + rest.len().min(most);
        (rest.iter().take(most).copied().collect(), (end < apps.len()).then_some(end))
    } else {
        let rest = &apps[..at(apps.len())];
        let end = rest.len().saturating_sub(most);
        (rest.iter().rev().take(most).copied().collect(), (end > 0).then_some(end))
    };
    let page: Vec<Value> = page.into_iter().map(|app| Value::Object(listed(app))).collect();
    let mut out = fields(json!({"AppList": page, "HasMore": next.is_some()}));
    if let Some(next) = next {
        out.insert("NextPageToken".into(), next.into());
    }
    Ok(out)
}

/// What is not given stays: the type, and with type 2 its URL.
pub fn modify_audit(call: &Call) -> Fields {
    let id = call.app_id()?;
    let kind = call.params.int("AuditType", 0, 2)?;
    let url = call.params.filled("AuditUrl");
    check_url(&call.gateway.allow, "AuditUrl", url.unwrap_or_default())?;
    let app = call.app(&id)?;
    let (old_kind, old_url) = audit_parts(&app.audit);
    let change = audit(&call.gateway.allow, kind.unwrap_or(old_kind.into()), url.or(old_url).unwrap_or_default().to_string())?;
    let app = told(call.ask(Request::ChangeApp { app: id, change: AppChange::Audit(change) })?)?;
    let (kind, url) = audit_parts(&app.audit);
    let mut out = fields(json!({"AppId": app.id.as_str(), "AppSign": app.sign, "AuditType": kind, "AuditNeedAuthentication": url.is_some()}));
    if let Some(url) = url {
        out.insert("AuditUrl".into(), url.into());
    }
    Ok(out)
}

/// Absent or empty switches callbacks off.
pub fn modify_callback(call: &Call) -> Fields {
    let id = call.app_id()?;
    let url = call.params.text("EventCallbackUrl").unwrap_or_default().to_string();
    check_url(&call.gateway.allow, "EventCallbackUrl", &url)?;
    call.app(&id)?;
    let app = told(call.ask(Request::ChangeApp { app: id, change: AppChange::EventCallbackUrl(url) })?)?;
    let mut out = fields(json!({"AppId": app.id.as_str(), "AppSign": app.sign, "EventCallbackNeedAuthentication": true}));
    if !app.event_callback_url.is_empty() {
        out.insert("EventCallbackUrl".into(), app.event_callback_url.clone().into());
    }
    Ok(out)
}

/// Absent changes nothing and tells how it is.
pub fn modify_disable(call: &Call) -> Fields {
    let id = call.app_id()?;
    let disable = call.params.flag("Disable")?;
    let mut app = call.app(&id)?;
    if let Some(disable) = disable {
        app = told(call.ask(Request::ChangeApp { app: id, change: AppChange::Disabled(disable) })?)?;
    }
    Ok(fields(json!({"AppId": app.id.as_str(), "AppSign": app.sign, "Disable": app.disabled})))
}

fn told(answer: Answer) -> Result<Arc<App>, RpcError> {
    match answer {
        Answer::App(app) => Ok(app),
        other => Err(unexpected(&other)),
    }
}
