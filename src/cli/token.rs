//! `roomd token`: the login that a business's own server would hand to its client, for trying things
//! out; and the join token of an RTC channel.

use super::{Failure, place::Place, print};
use crate::{
    alibaba::token::{make_login, make_rtc},
    clock::Clock,
    domain::{
        AppId, Millis, UserId,
        app::{App, Audit, LifeCycle},
    },
    ids::Ids,
};
use argh::FromArgs;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

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
}

impl TokenCommand {
    pub fn run(self) -> Result<(), Failure> {
        let user = UserId::new(&self.user).map_err(|e| Failure::Use(format!("--user {:?}: {e}", self.user)))?;
        let app = read(&Place::existing(self.data)?.app(&self.app)?).ok_or(Failure::Run("the server's answer is not an application".into()))?;
        let now = Clock::real().map_err(|e| Failure::Run(format!("the clock cannot be read: {e}")))?.now();
        let (nonce, expires) = (Ids::random().hex32(), now.seconds() + i64::from(self.ttl));
        let text = match &self.rtc_channel {
            Some(channel) => serde_json::to_string(&make_rtc(&app, channel, &user, &nonce, expires)),
            None => serde_json::to_string(&make_login(&app, &user, &nonce, expires, &self.role)),
        };
        let text = text.map_err(|e| Failure::Run(e.to_string()))?;
        print(&if self.base64 { STANDARD.encode(text) } else { text });
        Ok(())
    }
}

/// The application in the object of `roomd app show`; only what tokens are made of matters.
fn read(value: &Value) -> Option<App> {
    let text = |name: &str| value[name].as_str().map(String::from);
    Some(App {
        id: AppId::new(&text("app_id")?).ok()?,
        key: text("app_key")?,
        sign: text("app_sign")?,
        name: String::new(),
        sdkappid: 0,
        administrators: Vec::new(),
        data_center: String::new(),
        event_callback_url: String::new(),
        audit: Audit::None,
        life_cycle: LifeCycle::Days30,
        disabled: false,
        created: Millis(0),
        modified: Millis(0),
    })
}
