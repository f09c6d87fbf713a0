//! `roomd key`: the pairs with which a business's servers sign their calls.

use super::{Failure, place::Place, print};
use crate::settings::Given;
use argh::FromArgs;
use serde_json::Value;
use std::path::PathBuf;

/// Manage the AccessKey pairs with which servers sign their calls.
#[derive(FromArgs)]
#[argh(subcommand, name = "key")]
pub struct KeyCommand {
    #[argh(subcommand)]
    action: Action,
}

#[derive(FromArgs)]
#[argh(subcommand)]
enum Action {
    Create(Create),
    List(List),
    Delete(Delete),
}

/// Make a pair. Its secret is shown this once.
#[derive(FromArgs)]
#[argh(subcommand, name = "create")]
struct Create {
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

/// List the pairs, without their secrets.
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

/// Delete a pair. Calls that are signed with it are refused from then on.
#[derive(FromArgs)]
#[argh(subcommand, name = "delete")]
struct Delete {
    /// id of the pair, as `roomd key list` shows it
    #[argh(positional, arg_name = "id")]
    id: String,
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

impl KeyCommand {
    pub fn run(self) -> Result<(), Failure> {
        let text = match self.action {
            Action::Create(Create { data, config, json }) => {
                let key = Place::open(Given { data, config, ..Given::default() })?.create_key()?;
                let text = |name: &str| key[name].as_str().unwrap_or_default();
                if json { key.to_string() } else { format!("AccessKey ID      {}\nAccessKey secret  {}", text("access_key_id"), text("access_key_secret")) }
            }
            Action::List(List { data, config, json }) => {
                let keys = Place::existing(Given { data, config, ..Given::default() })?.keys()?;
                let ids = keys.as_array().into_iter().flatten().filter_map(|k| k["access_key_id"].as_str());
                if json { keys.to_string() } else { ids.collect::<Vec<_>>().join("\n") }
            }
            Action::Delete(Delete { id, data, config, json }) => {
                Place::existing(Given { data, config, ..Given::default() })?.delete_key(&id)?;
                if json { Value::Object(Default::default()).to_string() } else { format!("deleted {id}") }
            }
        };
        if !text.is_empty() {
            print(&text);
        }
        Ok(())
    }
}
