//! Where the key and app commands do their work: in the running server, through its operator API, or,
//! when none runs, in the store itself. Both answer with the same JSON (`design.md` §5).

use super::{Failure, clock, environment};
use crate::{
    control::operator::{AppDraft, AppPatch, Webhooks, app_json, apps_json, key_json, keys_json, new_app, new_key, webhooks_json},
    domain::{
        AppId, Refusal,
        app::App,
        request::{Answer, Request},
    },
    engine::Handle,
    form::encode,
    ids::Ids,
    server::{self, LOCK, OPERATOR_TOKEN},
    settings::{Given, Settings},
    store,
};
use rustix::fs::{FlockOperation, flock};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    fs::{self, File},
    io::{self, Read},
    path::Path,
    sync::Arc,
    time::Duration,
};

/// Longest wait for the running server's answer.
const PATIENCE: Duration = Duration::from_secs(10);

pub enum Place {
    Live { agent: ureq::Agent, root: String, token: String },
    Offline { handle: Handle, settings: Box<Settings> },
}

#[derive(Deserialize)]
struct Lock {
    control: String,
}

impl Place {
    /// For commands that only look: a folder without a store is a slip, not a place for a new one.
    pub fn existing(given: Given) -> Result<Place, Failure> {
        let settings = Place::settings(&given)?;
        if !settings.data.is_dir() {
            return Err(Failure::Use(format!("there is no folder {}; name the store's with --data", settings.data.display())));
        }
        match settings.data.join(store::FILE).is_file() {
            true => Place::of(settings),
            false => Err(Failure::Use(format!("there is no store in {}; name its folder with --data", settings.data.display()))),
        }
    }

    /// `given`: what the flags say; else the settings file, the environment and the defaults decide.
    pub fn open(given: Given) -> Result<Place, Failure> {
        Place::of(Place::settings(&given)?)
    }

    fn of(settings: Settings) -> Result<Place, Failure> {
        match live(&settings.data)? {
            Some(lock) => Place::live(&settings.data, &lock),
            None => {
                let handle = server::offline(&settings).map_err(Failure::Run)?;
                Ok(Place::Offline { handle, settings: Box::new(settings) })
            }
        }
    }

    fn settings(given: &Given) -> Result<Settings, Failure> {
        Settings::resolve(given, &environment(), 0).map_err(|problems| Failure::Use(problems.to_string()))
    }

    fn live(data: &Path, lock: &Lock) -> Result<Place, Failure> {
        let path = data.join(OPERATOR_TOKEN);
        let token = fs::read_to_string(&path).map_err(|e| Failure::Run(format!("{} cannot be read ({e}); run this as the server's user", path.display())))?;
        let config = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).http_status_as_error(false).proxy(None).max_redirects(0);
        Ok(Place::Live { agent: config.build().into(), root: format!("{}/operator/v1/", lock.control), token: token.trim().into() })
    }

    pub fn apps(&self) -> Result<Value, Failure> {
        let Place::Offline { handle, .. } = self else {
            return self.ask("GET", "apps", None);
        };
        Ok(apps_json(&handle.directory()))
    }

    /// The AppId of the application that is named by it or by its SDKAppID; where there is none, the name.
    pub fn app_id(&self, name: &str) -> Result<String, Failure> {
        let apps = self.apps()?;
        let find = |fits: &dyn Fn(&Value) -> bool| apps.as_array().into_iter().flatten().find(|app| fits(app));
        let number = name.parse::<u64>().ok();
        let found = find(&|app| app["app_id"] == *name).or_else(|| find(&|app| number.is_some() && app["sdkappid"].as_u64() == number));
        Ok(found.and_then(|app| app["app_id"].as_str()).unwrap_or(name).to_owned())
    }

    pub fn app(&self, id: &str) -> Result<Value, Failure> {
        let Place::Offline { handle, .. } = self else {
            return self.ask("GET", &format!("apps/{}", encode(id)), None);
        };
        Ok(app_json(&*app(handle, id)?))
    }

    /// How its chat goes.
    pub fn chat(&self, id: &str) -> Result<Value, Failure> {
        let Place::Offline { handle, .. } = self else {
            return self.ask("GET", &format!("apps/{}/chat", encode(id)), None);
        };
        Ok(json!(app(handle, id)?.chat))
    }

    /// Where it is told of its chat.
    pub fn webhooks(&self, id: &str) -> Result<Value, Failure> {
        let Place::Offline { handle, .. } = self else {
            return self.ask("GET", &format!("apps/{}/webhooks", encode(id)), None);
        };
        Ok(webhooks_json(&*app(handle, id)?))
    }

    /// Replaces all of it.
    pub fn put_webhooks(&self, id: &str, webhooks: Webhooks) -> Result<Value, Failure> {
        let Place::Offline { handle, settings } = self else {
            let asked = self.ask("PUT", &format!("apps/{}/webhooks", encode(id)), Some(json!(webhooks)));
            return asked.map_err(|failure| Failure::Run(in_flags(&failure.to_string())));
        };
        let change = webhooks.change(&settings.allow_callback).map_err(|why| Failure::Use(in_flags(&why)))?;
        ask_engine(handle, Request::ChangeApp { app: AppId::trusted(id), change })?;
        self.webhooks(id)
    }

    pub fn create_app(&self, draft: AppDraft) -> Result<Value, Failure> {
        let Place::Offline { handle, settings } = self else {
            let AppDraft { id, name, data_center, event_callback_url, audit_type, audit_url, msg_life_cycle, .. } = draft;
            let AppDraft { sdkappid, app_key, administrators, after_retry, .. } = draft;
            let body = json!({
                "app_id": id, "name": name, "data_center": data_center, "event_callback_url": event_callback_url,
                "audit_type": audit_type, "audit_url": audit_url, "msg_life_cycle": msg_life_cycle,
                "sdkappid": sdkappid, "app_key": app_key, "administrators": administrators, "after_retry": after_retry,
            });
            return self.ask("POST", "apps", Some(body)).map_err(|failure| {
                let why = in_flags(&failure.to_string());
                // Ours was not asked for: the server's list counts.
                Failure::Run(if why.contains("--allow-callback") { format!("{why} when starting roomd serve; a server is running") } else { why })
            });
        };
        if let Some(id) = draft.id.as_ref().filter(|id| handle.directory().apps.contains_key(id.as_str())) {
            return Err(Failure::Run(format!("application {id} exists already; type roomd app show --app {id}")));
        }
        let new = new_app(&Ids::random(), &settings.allow_callback, draft).map_err(|e| Failure::Use(in_flags(&e.message)))?;
        match ask_engine(handle, Request::CreateApp(Box::new(new))).map_err(|failure| Failure::Run(in_flags(&failure.to_string())))? {
            Answer::App(app) => Ok(app_json(&app)),
            _ => Err(Failure::Run("the engine answered something else".into())),
        }
    }

    pub fn change_app(&self, id: &str, patch: AppPatch) -> Result<Value, Failure> {
        let Place::Offline { handle, .. } = self else {
            let asked = self.ask("PATCH", &format!("apps/{}", encode(id)), Some(json!(patch)));
            return asked.map_err(|failure| Failure::Run(in_flags(&failure.to_string())));
        };
        let old = app(handle, id)?;
        for change in patch.changes(&old).map_err(|e| Failure::Use(in_flags(&e.message)))? {
            ask_engine(handle, Request::ChangeApp { app: AppId::trusted(id), change })?;
        }
        self.app(id)
    }

    /// Ids and times, no secrets.
    pub fn keys(&self) -> Result<Value, Failure> {
        let Place::Offline { handle, .. } = self else {
            return self.ask("GET", "keys", None);
        };
        Ok(keys_json(&handle.directory()))
    }

    pub fn create_key(&self) -> Result<Value, Failure> {
        let Place::Offline { handle, .. } = self else {
            return self.ask("POST", "keys", None);
        };
        let key = new_key(&Ids::random(), clock()?.now());
        ask_engine(handle, Request::CreateKey(key.clone()))?;
        Ok(key_json(&key))
    }

    pub fn delete_key(&self, id: &str) -> Result<(), Failure> {
        match self {
            Place::Live { .. } => self.ask("DELETE", &format!("keys/{}", encode(id)), None).map(drop),
            Place::Offline { handle, .. } => ask_engine(handle, Request::DeleteKey { id: id.into() }).map(drop),
        }
    }

    /// One question to the running server.
    fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Result<Value, Failure> {
        let Place::Live { agent, root, token } = self else { unreachable!("only called on live places") };
        let url = format!("{root}{path}");
        let body = body.map(|b| b.to_string()).unwrap_or_default();
        let request = ureq::http::Request::builder().method(method).uri(&url).header("Authorization", format!("Bearer {token}"));
        let request = request.header("Content-Type", "application/json").body(body).map_err(|e| Failure::Use(format!("{path} cannot be asked for: {e}")))?;
        let gone = |e: ureq::Error| Failure::Run(format!("the running server does not answer at {root} ({e})"));
        let mut response = agent.run(request).map_err(gone)?;
        let text = response.body_mut().read_to_string().map_err(gone)?;
        let value: Value = serde_json::from_str(&text).unwrap_or_default();
        match value.pointer("/error/message").and_then(Value::as_str) {
            Some(message) => Err(Failure::Run(message.into())),
            None if !response.status().is_success() => Err(Failure::Run(format!("the running server answered {} at {url}", response.status()))),
            None => Ok(value),
        }
    }
}

fn app(handle: &Handle, id: &str) -> Result<Arc<App>, Failure> {
    let unknown = || Failure::Run(format!("{}; type roomd app list to see all", Refusal::NoSuchApp(id.into())));
    handle.directory().apps.get(id).cloned().ok_or_else(unknown)
}

fn ask_engine(handle: &Handle, request: Request) -> Result<Answer, Failure> {
    handle.call(request).map_err(|refusal| Failure::Run(refusal.to_string()))
}

/// What the running server wrote into its lock; `None` when none runs.
fn live(data: &Path) -> Result<Option<Lock>, Failure> {
    let path = data.join(LOCK);
    let failed = |e: io::Error| Failure::Run(format!("{} cannot be read ({e}); run this as the server's user", path.display()));
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(failed(e)),
    };
    // Shared, so that two commands that look at the same time do not take each other for a server.
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => return Ok(None),
        Err(rustix::io::Errno::WOULDBLOCK) => {}
        Err(e) => return Err(failed(e.into())),
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(failed)?;
    let busy = || Failure::Run(format!("{} is in use by a server that is starting or by another command; try again", data.display()));
    serde_json::from_str(&text).map(Some).map_err(|_| busy())
}

/// What is wrong with an application, in the words of the command line: the error names parameters of
/// the cloud's API, and ends like a sentence, which what is to be copied must not.
fn in_flags(message: &str) -> String {
    let message = message.strip_suffix('.').unwrap_or(message);
    let message = message.strip_prefix("the body does not fit: ").unwrap_or(message);
    let flags = [
        ("AppId ", "--app "),
        ("AppName ", "--name "),
        ("EventCallbackUrl ", "--callback-url "),
        ("AuditType ", "--audit-type "),
        ("AuditUrl ", "--audit-url "),
        ("MsgLifeCycle ", "--msg-life-cycle "),
        ("SDKAppID ", "--sdkappid "),
        ("AppKey ", "--app-key-file "),
        ("Administrators ", "--administrator "),
        ("AfterRetry ", "--after-retry "),
        ("url ", "--url "),
        ("commands ", "--command "),
        ("token ", "--token "),
    ];
    match flags.iter().find_map(|(name, flag)| Some((flag, message.strip_prefix(name)?))) {
        Some((flag, why)) => format!("{flag}{why}"),
        None => message.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locked_folder_names_its_server() {
        let dir = std::env::temp_dir().join(format!("roomd-place-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        assert!(live(&dir).unwrap().is_none());
        let path = dir.join(LOCK);
        fs::write(&path, r#"{"pid":1,"control":"http://127.0.0.1:1"}"#).unwrap();
        assert!(live(&dir).unwrap().is_none(), "left behind by a server that has ended");
        let held = File::open(&path).unwrap();
        flock(&held, FlockOperation::LockExclusive).unwrap();
        assert_eq!(live(&dir).unwrap().unwrap().control, "http://127.0.0.1:1");
        fs::write(&path, "").unwrap();
        assert!(live(&dir).err().unwrap().to_string().contains("try again"));
        fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn errors_name_flags() {
        for (message, expected) in [
            ("AppName must have 2 to 16 characters.", "--name must have 2 to 16 characters"),
            ("EventCallbackUrl is not allowed: port 1 is not", "--callback-url is not allowed: port 1 is not"),
            ("AppId must have letters.", "--app must have letters"),
            ("AppKey must have letters.", "--app-key-file must have letters"),
            ("SDKAppID 7 is taken; choose another", "--sdkappid 7 is taken; choose another"),
            ("the body does not fit: url has ' ', which", "--url has ' ', which"),
            ("application a exists already", "application a exists already"),
        ] {
            assert_eq!(in_flags(message), expected);
        }
    }
}
