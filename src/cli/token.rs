//! `roomd token`: the login that a business's own server would hand to its client, for trying things
//! out; and the join token of an RTC channel.

use super::{Failure, clock, place::Place, print};
use crate::{
    alibaba::token::{make_login, make_rtc},
    domain::{AppId, ChannelId, UserId},
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
        let channel = match &self.rtc_channel {
            Some(channel) => Some(ChannelId::new(channel).map_err(|e| Failure::Use(format!("--rtc-channel {channel:?}: {e}")))?),
            None => None,
        };
        let shown = Place::existing(Given { data: self.data, config: self.config, ..Given::default() })?.app(&self.app)?;
        let field = |name: &str| shown[name].as_str().ok_or_else(|| Failure::Run(format!("the application has no {name}")));
        let (app, key, sign) = (AppId::trusted(field("app_id")?), field("app_key")?, field("app_sign")?);
        let (nonce, expires) = (format!("AK-{}", Ids::random().hex32()), clock()?.now().seconds() + i64::from(self.ttl));
        let text = match &channel {
            Some(channel) => serde_json::to_string(&make_rtc(&app, key, channel.as_str(), &user, &nonce, expires)),
            None => serde_json::to_string(&make_login(&app, key, sign, &user, &nonce, expires, &self.role)),
        };
        let text = text.map_err(|e| Failure::Run(e.to_string()))?;
        print(&if self.base64 { STANDARD.encode(text) } else { text });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_id_is_told_by_its_flag() {
        let long = "c".repeat(65);
        for (user, channel, flag) in [("", None, "--user"), ("u", Some(""), "--rtc-channel"), ("u", Some(&*long), "--rtc-channel")] {
            let args = ["--app", "a", "--user", user].into_iter().chain(channel.into_iter().flat_map(|channel| ["--rtc-channel", channel]));
            let command = TokenCommand::from_args(&["token"], &args.collect::<Vec<_>>()).unwrap();
            match command.run() {
                Err(Failure::Use(why)) => assert!(why.starts_with(&format!("{flag} \"")), "{why}"),
                _ => panic!("{flag} {channel:?} was taken"),
            }
        }
    }
}
