//! The operations of interactive messaging (`alibaba.md` §2): the table of all that are served, and
//! what they share. Each operation reads its parameters first, then looks at what exists, so that
//! an illegal value is told before a missing thing.

pub mod apps;
mod groups;
mod messages;
mod params;
mod users;

pub use params::{List, Params};

use super::{error::RpcError, rpc::Gateway};
use crate::domain::{
    AppId, Refusal,
    app::App,
    quota::Quotas,
    request::{Answer, Request},
};
use serde_json::{Map, Value};
use std::sync::Arc;

/// The answer's fields without `RequestId`.
pub type Fields = Result<Map<String, Value>, RpcError>;

/// One operation.
pub struct Operation {
    /// The `Action` of a call.
    pub name: &'static str,
    /// Calls a second and AccessKey.
    pub qps: u32,
    /// Parameters without which the gateway answers `Missing…`.
    pub required: &'static [&'static str],
    pub run: fn(&Call) -> Fields,
}

const fn operation(name: &'static str, qps: u32, required: &'static [&'static str], run: fn(&Call) -> Fields) -> Operation {
    Operation { name, qps, required, run }
}

/// All that are served; the coverage table of the README is checked against it.
pub const OPERATIONS: &[Operation] = &[
    operation("CreateLiveMessageApp", 50, &[], apps::create),
    operation("DescribeLiveMessageApp", 50, &["AppId"], apps::describe),
    operation("ListLiveMessageApps", 50, &["SortType"], apps::list),
    operation("ModifyLiveMessageAppAudit", 50, &["AppId"], apps::modify_audit),
    operation("ModifyLiveMessageAppCallback", 50, &["AppId"], apps::modify_callback),
    operation("ModifyLiveMessageAppDisable", 50, &["AppId"], apps::modify_disable),
    operation("CreateLiveMessageGroup", 50, &["AppId", "GroupId"], groups::create),
    operation("DescribeLiveMessageGroup", 50, &["AppId", "GroupId"], groups::describe),
    operation("DeleteLiveMessageGroup", 50, &["AppId", "GroupId"], groups::delete),
    operation("SendLiveMessageGroup", 50, &["AppId", "GroupId", "SenderId"], messages::send),
    operation("ListLiveMessageGroupMessages", 50, &["AppId", "GroupId", "SortType", "PageSize"], messages::list),
    operation("CheckLiveMessageUsersOnline", 50, &["AppId", "UserIds"], users::check_online),
];

/// Data centers that an application may be said to be in; the first is what an absent parameter means.
pub const DATA_CENTERS: [&str; 2] = ["cn-shanghai", "ap-southeast-1"];

/// One authenticated call of an operation.
pub struct Call<'a> {
    pub gateway: &'a Gateway,
    /// All that came, `Action` and the signature's own included.
    pub params: &'a Params,
}

impl Call<'_> {
    fn ask(&self, request: Request) -> Result<Answer, RpcError> {
        Ok(self.gateway.ask.call(request)?)
    }

    fn quotas(&self) -> &Quotas {
        &self.gateway.quotas
    }

    fn data_center(&self) -> Result<&str, RpcError> {
        let name = self.params.filled("DataCenter").unwrap_or(DATA_CENTERS[0]);
        if DATA_CENTERS.contains(&name) { Ok(name) } else { Err(RpcError::invalid("DataCenter", format_args!("is none of {}", DATA_CENTERS.join(", ")))) }
    }

    /// `AppId` and `DataCenter` are legal; whether there is such an application is asked with [`Call::app`].
    fn app_id(&self) -> Result<AppId, RpcError> {
        self.data_center()?;
        AppId::new(self.params.filled("AppId").unwrap_or_default()).map_err(|e| RpcError::invalid("AppId", format_args!("is no id: {e}")))
    }

    /// The application, in the data center that the caller named.
    fn app(&self, id: &AppId) -> Result<Arc<App>, RpcError> {
        let center = self.data_center()?;
        let app = self.gateway.ask.directory().apps.get(id).cloned();
        app.filter(|app| app.data_center == center).ok_or_else(|| RpcError::not_found(format_args!("Application {id} in {center}")))
    }

    /// Groups, messages and users of a disabled application are out of reach.
    fn enabled_app(&self, id: &AppId) -> Result<Arc<App>, RpcError> {
        let app = self.app(id)?;
        if app.disabled { Err(Refusal::AppDisabled(id.to_string()).into()) } else { Ok(app) }
    }
}

/// The engine answered something else than was asked: a fault of ours.
fn unexpected(answer: &Answer) -> RpcError {
    tracing::error!(?answer, "the answer does not fit its request");
    RpcError::server()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_names_what_is_served() {
        let readme = include_str!("../../../README.md");
        let named: Vec<&str> = readme.split(|c: char| !c.is_ascii_alphanumeric()).collect();
        for operation in OPERATIONS {
            assert!(named.contains(&operation.name), "{} is not in the coverage table", operation.name);
        }
    }
}
