//! `roomd usersig`: a UserSig, as the business's own server would make it with the cloud's library; for
//! trying things out.

use super::{Failure, clock, place::Place, print};
use crate::{
    domain::UserId,
    settings::Given,
    tencent::usersig::{self, UserSigJson},
};
use argh::FromArgs;
use base64::{Engine, engine::general_purpose::STANDARD};
use std::path::PathBuf;

/// Print a UserSig, as the application's own server would make it.
#[derive(FromArgs)]
#[argh(subcommand, name = "usersig")]
pub struct UsersigCommand {
    /// the application: its AppId, or its SDKAppID
    #[argh(option, arg_name = "id")]
    app: String,
    /// id of the user
    #[argh(option, arg_name = "id")]
    user: String,
    /// how many seconds it is good for (15552000, half a year)
    #[argh(option, arg_name = "seconds", default = "15_552_000")]
    ttl: u32,
    /// print the login JSON with it: what a client sends
    #[argh(switch)]
    login: bool,
    /// print the login JSON as one line of base64: what a centrifuge client takes as its token
    #[argh(switch)]
    base64: bool,
    /// folder of the store (./roomd-data)
    #[argh(option, arg_name = "dir")]
    data: Option<String>,
    /// settings file of the server, which may name the folder
    #[argh(option, arg_name = "file")]
    config: Option<PathBuf>,
}

impl UsersigCommand {
    pub fn run(self) -> Result<(), Failure> {
        let user = UserId::new(&self.user).map_err(|e| Failure::Use(format!("--user {:?}: {e}", self.user)))?;
        let place = Place::existing(Given { data: self.data, config: self.config, ..Given::default() })?;
        let app = place.app(&place.app_id(&self.app)?)?;
        let number = app["sdkappid"].as_u64().and_then(|n| u32::try_from(n).ok());
        let (Some(sdkappid), Some(key)) = (number, app["app_key"].as_str()) else {
            return Err(Failure::Run("the application has no sdkappid or app_key".into()));
        };
        let usersig = usersig::make(sdkappid, key, &user, clock()?.now().seconds(), self.ttl.into(), None);
        let login = UserSigJson { sdkappid, identifier: user.to_string(), usersig };
        let json = serde_json::to_string(&login).map_err(|e| Failure::Run(e.to_string()))?;
        print(&match (self.base64, self.login) {
            (true, _) => STANDARD.encode(json),
            (false, true) => json,
            (false, false) => login.usersig,
        });
        Ok(())
    }
}
