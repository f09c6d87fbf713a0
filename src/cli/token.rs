//! `roomd token`: the login that a business's own server would hand to its client, for trying things
//! out; and the join token of an RTC channel.

use super::{Failure, clock, place::Place, print};
use crate::{
    alibaba::token::{make_login, make_rtc},
    domain::{AppId, UserId},
    ids::Ids,
    settings::Given,
};
use argh::FromArgs;
use base64::{Engine, engine::general_purpose::STANDARD};
use std::path::PathBuf;

/// Print a login for a client, as the application's own server would make it.
#[derive(FromArgs)]
#[argh(subcommand, name = "token")]
pub struct TokenCommand {
    /// id of the application
    #[argh(option, arg_name = "id")]
    app: String,
    /// id of the user
    #[argh(option, arg_name = "id")]
    user: String,
    /// role of the login: admin may create groups; anything else is an ordinary user
    #[argh(option, arg_name = "role", default = "String::new()")]
    role: String,
    /// how many seconds it is good for (86400)
    #[argh(option, arg_name = "seconds", default = "86_400")]
    ttl: u32,
    /// print the join token of this RTC channel instead
    #[argh(option, arg_name = "channel")]
    rtc_channel: Option<String>,
    /// print it as one line of base64: what a centrifuge client takes as its token
    #[argh(switch)]
    base64: bool,
    /// folder of the store (./roomd-data)
    #[argh(option, arg_name = "dir")]
    data: Option<String>,
    /// settings file of the server, which may name the folder
    #[argh(option, arg_name = "file")]
    config: Option<PathBuf>,
}

impl TokenCommand {
    pub fn run(self) -> Result<(), Failure> {
        let user = UserId::new(&self.user).map_err(|e| Failure::Use(format!("--user {:?}: {e}", self.user)))?;
        let shown = Place::existing(Given { data: self.data, config: self.config, ..Given::default() })?.app(&self.app)?;
        let field = |name: &str| shown[name].as_str().ok_or_else(|| Failure::Run(format!("the application has no {name}")));
        let (app, key, sign) = (AppId::trusted(field("app_id")?), field("app_key")?, field("app_sign")?);
        let (nonce, expires) = (Ids::random().hex32(), clock()?.now().seconds() + i64::from(self.ttl));
        let text = match &self.rtc_channel {
            Some(channel) => serde_json::to_string(&make_rtc(&app, key, channel, &user, &nonce, expires)),
            None => serde_json::to_string(&make_login(&app, key, sign, &user, &nonce, expires, &self.role)),
        };
        let text = text.map_err(|e| Failure::Run(e.to_string()))?;
        print(&if self.base64 { STANDARD.encode(text) } else { text });
        Ok(())
    }
}
