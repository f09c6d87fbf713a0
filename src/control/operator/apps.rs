//! `apps`: applications, made, changed and shown, and their users' sessions, ended.

use super::{ChatDraft, Operator, Outcome, defect, fault, read};
use crate::{
    alibaba::error::RpcError,
    alibaba::messaging::apps::{AppDraft, app_changes, app_json, by_age, new_app},
    domain::{
        AppId, UserId,
        app::{App, AppChange, Directory},
        request::{Answer, Request},
    },
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What is to change of an application; `None` stays as it is.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppPatch {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub administrators: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_retry: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chat: Option<ChatDraft>,
}

impl AppPatch {
    /// The changes to an application as it is now, checked.
    pub fn changes(self, old: &App) -> Result<Vec<AppChange>, RpcError> {
        let mut changes = app_changes(self.administrators, self.after_retry)?;
        changes.extend(self.chat.map(|draft| AppChange::Chat(draft.onto(old.chat))));
        Ok(changes)
    }
}

impl Operator {
    pub(super) fn show_app(&self, id: &str) -> Outcome {
        Ok((200, app_json(&*self.app(id)?)))
    }

    pub(super) fn create_app(&self, body: &[u8]) -> Outcome {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Body {
            app_id: Option<String>,
            name: Option<String>,
            data_center: Option<String>,
            event_callback_url: Option<String>,
            audit_type: Option<i64>,
            audit_url: Option<String>,
            msg_life_cycle: Option<i64>,
            sdkappid: Option<i64>,
            app_key: Option<String>,
            administrators: Option<Vec<String>>,
            after_retry: Option<i64>,
        }
        let body: Body = read(body)?;
        let draft = AppDraft {
            id: body.app_id,
            name: body.name,
            data_center: body.data_center,
            event_callback_url: body.event_callback_url,
            audit_type: body.audit_type,
            audit_url: body.audit_url,
            msg_life_cycle: body.msg_life_cycle,
            sdkappid: body.sdkappid,
            app_key: body.app_key,
            administrators: body.administrators,
            after_retry: body.after_retry,
        };
        let new = new_app(&self.ids, &self.allow, draft)?;
        let directory = self.ask.directory();
        if directory.apps.contains_key(&new.id) {
            return Err(fault(409, "Conflict", format!("application {} exists already", new.id)));
        }
        if let Some(number) = new.sdkappid.filter(|n| directory.numbered(*n).is_some()) {
            return Err(fault(409, "Conflict", format!("SDKAppID {number} is taken; choose another")));
        }
        match self.ask.call(Request::CreateApp(Box::new(new)))? {
            Answer::App(app) => Ok((200, app_json(&app))),
            other => Err(defect(&other)),
        }
    }

    /// All is checked before the first change.
    pub(super) fn change_app(&self, id: &str, body: &[u8]) -> Outcome {
        let patch: AppPatch = read(body)?;
        let _turn = self.changing.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        for change in patch.changes(&*self.app(id)?)? {
            self.ask.call(Request::ChangeApp { app: AppId::trusted(id), change })?;
        }
        self.show_app(id)
    }

    /// Closes the user's socket with 4502 and logs the session off.
    pub(super) fn force_off(&self, app: &str, user: &str) -> Outcome {
        let user = UserId::new(user).map_err(|e| fault(400, "BadUser", format!("{user:?} is no user: {e}")))?;
        self.ask.call(Request::ForceOff { app: AppId::trusted(app), user })?;
        Ok((200, json!({})))
    }
}

/// An array of all applications, oldest first, each as [`app_json`].
pub fn apps_json(directory: &Directory) -> Value {
    by_age(directory).into_iter().map(|app| app_json(app)).collect()
}
