//! `roomd app`: applications, and what their servers and clients need to know of them.

use super::{Failure, place::Place, print};
use crate::{control::operator::AppDraft, settings::Given};
use argh::FromArgs;
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
    List(List),
    Show(Show),
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

/// List the applications.
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
    /// its id
    #[argh(option, arg_name = "id")]
    app: String,
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
            Action::Create(Create { app, name, callback_url, audit_type, audit_url, msg_life_cycle, data, config, allow_callback, json }) => {
                let place = Place::open(Given { data, config, allow_callback, ..Given::default() })?;
                let draft = AppDraft { id: app, name, event_callback_url: callback_url, audit_type, audit_url, msg_life_cycle, data_center: None };
                one(place.create_app(draft)?, json)
            }
            Action::Show(Show { app, data, config, json }) => one(Place::existing(Given { data, config, ..Given::default() })?.app(&app)?, json),
            Action::List(List { data, config, json }) => {
                let apps = Place::existing(Given { data, config, ..Given::default() })?.apps()?;
                let line = |app: &Value| format!("{}  {}", plain(&app["app_id"]), plain(&app["name"])).trim_end().to_string();
                if json { apps.to_string() } else { apps.as_array().into_iter().flatten().map(line).collect::<Vec<_>>().join("\n") }
            }
        };
        if !text.is_empty() {
            print(&text);
        }
        Ok(())
    }
}

/// An application as JSON, or as a line for each field that is set.
fn one(app: Value, json: bool) -> String {
    if json {
        return app.to_string();
    }
    let fields = app.as_object().into_iter().flatten().map(|(name, value)| (name, plain(value)));
    fields.filter(|(_, value)| !value.is_empty()).map(|(name, value)| format!("{name:<20}{value}")).collect::<Vec<_>>().join("\n")
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(plain).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}
