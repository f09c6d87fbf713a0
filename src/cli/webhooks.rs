//! `roomd app webhooks`: where an application is told of its chat, as Tencent's console sets it.

use super::{Failure, app::one, place::Place};
use crate::{control::operator::Webhooks, settings::Given, tencent::words::CHAT_WORDS};
use argh::FromArgs;
use std::path::PathBuf;

/// Show or set where an application is told of its chat: one URL, the words it wants, and the token that signs.
///
/// What is left out stays. Without --url, --command, --token, --token-enabled and --remove it is shown.
#[derive(FromArgs)]
#[argh(subcommand, name = "webhooks")]
pub struct WebhooksCommand {
    /// the application: its AppId, or its SDKAppID
    #[argh(option, arg_name = "id")]
    app: String,
    /// where it is told
    #[argh(option)]
    url: Option<String>,
    /// what it is told of, like Group.CallbackAfterSendMsg, once for each; those there were are no longer
    #[argh(option, arg_name = "word")]
    command: Vec<String>,
    /// what the webhooks are signed with
    #[argh(option)]
    token: Option<String>,
    /// true or false: whether they are signed; true where a new token is given
    #[argh(option, arg_name = "flag")]
    token_enabled: Option<bool>,
    /// take all of it away
    #[argh(switch)]
    remove: bool,
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

impl WebhooksCommand {
    pub fn run(self) -> Result<String, Failure> {
        let WebhooksCommand { app, url, command, token, token_enabled, remove, data, config, allow_callback, json } = self;
        let sets = url.is_some() || !command.is_empty() || token.is_some() || token_enabled.is_some();
        if remove && sets {
            return Err(Failure::Use("--remove takes all away; give it alone".into()));
        }
        let place = Place::existing(Given { data, config, allow_callback, ..Given::default() })?;
        let app = place.app_id(&app)?;
        let now = place.webhooks(&app)?;
        let now = match (remove, sets) {
            (false, false) => now,
            (true, _) => place.put_webhooks(&app, Webhooks::default())?,
            (false, true) => {
                let now = serde_json::from_value(now).map_err(|e| Failure::Run(format!("the running server's answer does not fit: {e}")))?;
                place.put_webhooks(&app, changed(now, url, command, token, token_enabled)?)?
            }
        };
        Ok(match (json, now["url"].as_str()) {
            (false, Some("")) => format!("application {app} is told nothing of its chat; give --url URL and --command WORD"),
            _ => one(now, json),
        })
    }
}

/// `now`, with what was given in its place.
fn changed(now: Webhooks, url: Option<String>, command: Vec<String>, token: Option<String>, enabled: Option<bool>) -> Result<Webhooks, Failure> {
    let token_enabled = enabled.or(if token.is_some() { None } else { now.token_enabled });
    let commands = if command.is_empty() { now.commands } else { command };
    let new = Webhooks { url: url.unwrap_or(now.url), commands, token: token.unwrap_or(now.token), token_enabled };
    if new.url.is_empty() {
        return Err(Failure::Use("there is no webhook yet; give --url URL, or --remove to take away what there is".into()));
    }
    if new.commands.is_empty() {
        return Err(Failure::Use(format!("it would be told nothing; give --command WORD once for each of what it is to be told: {}", CHAT_WORDS.join(", "))));
    }
    Ok(new)
}
