//! `roomd app`: applications, and what their servers and clients need to know of them.

use super::{Failure, input, place::Place, print, webhooks::WebhooksCommand};
use crate::{
    control::operator::{AppDraft, AppPatch, ChatDraft},
    settings::Given,
};
use argh::FromArgs;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::path::PathBuf;

/// Manage applications.
#[derive(FromArgs)]
#[argh(subcommand, name = "app")]
pub struct AppCommand {
    #[argh(subcommand)]
    action: Action,
}

#[derive(FromArgs)]
#[argh(subcommand)]
enum Action {
    Create(Create),
    Change(Change),
    List(List),
    Show(Show),
    Webhooks(WebhooksCommand),
}

/// Make an application and print it, with its key.
#[derive(FromArgs)]
#[argh(subcommand, name = "create")]
struct Create {
    /// its id; made up when left out
    #[argh(option, arg_name = "id")]
    app: Option<String>,
    /// its name, 2 to 16 characters
    #[argh(option, arg_name = "text")]
    name: Option<String>,
    /// where its event callbacks go
    #[argh(option, arg_name = "url")]
    callback_url: Option<String>,
    /// how its messages are moderated: 0 not at all (the default), 1 by words.txt in the data folder, 2 by --audit-url
    #[argh(option, arg_name = "n")]
    audit_type: Option<i64>,
    /// where its moderation server is asked
    #[argh(option, arg_name = "url")]
    audit_url: Option<String>,
    /// how long messages are kept, which cannot be changed later: 0, 1 or 2 for 30 (the default), 90 or 180 days
    #[argh(option, arg_name = "n")]
    msg_life_cycle: Option<i64>,
    /// its SDKAppID at Tencent; the next free number when left out
    #[argh(option, arg_name = "number")]
    sdkappid: Option<i64>,
    /// file with its key as one line, when it has one already; - is standard input
    #[argh(option, arg_name = "file")]
    app_key_file: Option<String>,
    /// who may call Tencent's API with a UserSig, once for each (administrator)
    #[argh(option, arg_name = "id")]
    administrator: Vec<String>,
    /// how often a failed webhook is repeated: 0 (the default) to 3 times
    #[argh(option, arg_name = "n")]
    after_retry: Option<i64>,
    /// folder of the store (./roomd-data)
    #[argh(option, arg_name = "dir")]
    data: Option<String>,
    /// settings file of the server, which may name the folder
    #[argh(option, arg_name = "file")]
    config: Option<PathBuf>,
    /// callback addresses allowed beyond the clouds' rule, as for roomd serve, which needs them too; a running server goes by its own list
    #[argh(option, arg_name = "entry")]
    allow_callback: Vec<String>,
    /// print JSON
    #[argh(switch)]
    json: bool,
}

/// Change an application and print it, with its key. What is left out stays.
#[derive(FromArgs)]
#[argh(subcommand, name = "change")]
struct Change {
    /// its AppId, or its SDKAppID
    #[argh(option, arg_name = "id")]
    app: String,
    /// who may call Tencent's API with a UserSig, once for each; those there were are no longer
    #[argh(option, arg_name = "id")]
    administrator: Vec<String>,
    /// how often a failed webhook is repeated: 0 to 3 times
    #[argh(option, arg_name = "n")]
    after_retry: Option<i64>,
    /// drop or reject: what becomes of a group's messages beyond the limit of each second; a sender is told of it only by reject
    #[argh(option, arg_name = "mode")]
    rate_mode: Option<String>,
    /// true or false: whether a user who does not exist is made when Tencent's API names them
    #[argh(option, arg_name = "flag")]
    auto_import: Option<bool>,
    /// true or false: whether webhooks of the chat tell the time of an event as text
    #[argh(option, arg_name = "flag")]
    event_time_as_string: Option<bool>,
    /// deliver or refuse: what becomes of a message when a webhook before it is not answered in time
    #[argh(option, arg_name = "what")]
    on_silence: Option<String>,
    /// true or false: whether what your server refused is told as Group.CallbackSendMsgException, too
    #[argh(option, arg_name = "flag")]
    tell_refused: Option<bool>,
    /// folder of the store (./roomd-data)
    #[argh(option, arg_name = "dir")]
    data: Option<String>,
    /// settings file of the server, which may name the folder
    #[argh(option, arg_name = "file")]
    config: Option<PathBuf>,
    /// print JSON
    #[argh(switch)]
    json: bool,
}

/// List the applications, each with its SDKAppID and its name.
#[derive(FromArgs)]
#[argh(subcommand, name = "list")]
struct List {
    /// folder of the store (./roomd-data)
    #[argh(option, arg_name = "dir")]
    data: Option<String>,
    /// settings file of the server, which may name the folder
    #[argh(option, arg_name = "file")]
    config: Option<PathBuf>,
    /// print JSON
    #[argh(switch)]
    json: bool,
}

/// Print an application, with its key.
#[derive(FromArgs)]
#[argh(subcommand, name = "show")]
struct Show {
    /// its AppId, or its SDKAppID
    #[argh(option, arg_name = "id")]
    app: String,
    /// print the settings of its chat instead
    #[argh(switch)]
    chat: bool,
    /// folder of the store (./roomd-data)
    #[argh(option, arg_name = "dir")]
    data: Option<String>,
    /// settings file of the server, which may name the folder
    #[argh(option, arg_name = "file")]
    config: Option<PathBuf>,
    /// print JSON
    #[argh(switch)]
    json: bool,
}

impl AppCommand {
    pub fn run(self) -> Result<(), Failure> {
        let text = match self.action {
            Action::Create(create) => {
                let Create { app: id, name, callback_url: event_callback_url, audit_type, audit_url, msg_life_cycle, .. } = create;
                let Create { sdkappid, app_key_file, administrator, after_retry, data, config, allow_callback, json, .. } = create;
                let app_key = app_key_file.map(|file| one_line(&file)).transpose()?;
                let administrators = some(administrator);
                let place = Place::open(Given { data, config, allow_callback, ..Given::default() })?;
                let draft = AppDraft {
                    id,
                    name,
                    event_callback_url,
                    audit_type,
                    audit_url,
                    msg_life_cycle,
                    sdkappid,
                    app_key,
                    administrators,
                    after_retry,
                    data_center: None,
                };
                one(place.create_app(draft)?, json)
            }
            Action::Change(change) => {
                let chat = change.chat()?;
                let Change { app, administrator, after_retry, data, config, json, .. } = change;
                if administrator.is_empty() && after_retry.is_none() && chat.is_none() {
                    return Err(Failure::Use("nothing is to be changed; give --administrator, --after-retry or a setting of the chat".into()));
                }
                let place = Place::existing(Given { data, config, ..Given::default() })?;
                let app = place.app_id(&app)?;
                let shows_chat = chat.is_some();
                let mut changed = place.change_app(&app, AppPatch { administrators: some(administrator), after_retry, chat })?;
                if shows_chat && let (Value::Object(all), Value::Object(chat)) = (&mut changed, place.chat(&app)?) {
                    all.extend(chat);
                }
                one(changed, json)
            }
            Action::Show(Show { app, chat, data, config, json }) => {
                let place = Place::existing(Given { data, config, ..Given::default() })?;
                let app = place.app_id(&app)?;
                one(if chat { place.chat(&app)? } else { place.app(&app)? }, json)
            }
            Action::Webhooks(webhooks) => webhooks.run()?,
            Action::List(List { data, config, json }) => {
                let apps = Place::existing(Given { data, config, ..Given::default() })?.apps()?;
                let line = |app: &Value| format!("{}  {}  {}", plain(&app["app_id"]), app["sdkappid"], plain(&app["name"])).trim_end().to_string();
                if json { apps.to_string() } else { apps.as_array().into_iter().flatten().map(line).collect::<Vec<_>>().join("\n") }
            }
        };
        if !text.is_empty() {
            print(&text);
        }
        Ok(())
    }
}

impl Change {
    /// `None`: nothing of it was given.
    fn chat(&self) -> Result<Option<ChatDraft>, Failure> {
        let draft = ChatDraft {
            rate_mode: named("--rate-mode", self.rate_mode.as_ref(), "drop or reject")?,
            auto_import: self.auto_import,
            event_time_as_string: self.event_time_as_string,
            on_silence: named("--on-silence", self.on_silence.as_ref(), "deliver or refuse")?,
            tell_refused: self.tell_refused,
        };
        Ok((draft != ChatDraft::default()).then_some(draft))
    }
}

/// One of the names that the settings have.
fn named<T: DeserializeOwned>(flag: &str, given: Option<&String>, names: &str) -> Result<Option<T>, Failure> {
    let read =
        |name: &String| serde_json::from_value(Value::from(name.as_str())).map_err(|_| Failure::Use(format!("{flag} {name} is not known; give {names}")));
    given.map(read).transpose()
}

/// An option that was not given is an empty list.
fn some(list: Vec<String>) -> Option<Vec<String>> {
    Some(list).filter(|list| !list.is_empty())
}

/// The one line of a file with a key. On the command line others on the machine would see it.
fn one_line(path: &str) -> Result<String, Failure> {
    let text = String::from_utf8(input(path)?).unwrap_or_default();
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    match line.is_empty() || line.contains('\n') {
        true => Err(Failure::Use(format!("--app-key-file {path} must have the key as its one line"))),
        false => Ok(line.into()),
    }
}

/// An object as JSON, or as a line for each field that is set.
pub fn one(object: Value, json: bool) -> String {
    if json {
        return object.to_string();
    }
    let fields = object.as_object().into_iter().flatten().map(|(name, value)| (name, plain(value)));
    fields.filter(|(_, value)| !value.is_empty()).map(|(name, value)| format!("{name:<22}{value}")).collect::<Vec<_>>().join("\n")
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
