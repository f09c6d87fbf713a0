//! The operations that are served (`alibaba.md` §2, §3): the table of all of them, and what they share. What
//! one means is in the folder of its family. Each reads its parameters first, then looks at what exists,
//! so that an illegal value is told before a missing thing.

use super::{
    error::RpcError,
    event_sub::{channels, log, subscriptions},
    messaging::{apps, direct, groups, members, messages, mutes, users},
    params::Params,
    rpc::Gateway,
};
use crate::domain::{
    AppId, GroupId, Millis, Refusal, UserId,
    app::{App, Audit},
    quota::{self, Quotas},
    request::{Actor, Answer, GroupRequest, Request},
};
use serde_json::{Map, Value};
use std::{net::IpAddr, sync::Arc};
use {Qps::*, Theme::*};

/// The answer's fields without `RequestId`.
pub type Fields = Result<Map<String, Value>, RpcError>;

/// One operation.
pub struct Operation {
    /// The `Action` of a call.
    pub name: &'static str,
    pub theme: Theme,
    pub qps: Qps,
    /// Parameters without which the gateway answers `Missing…`.
    pub required: &'static [&'static str],
    pub run: fn(&Call) -> Fields,
}

/// What an operation is about, as the README sorts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    Applications,
    Groups,
    Mutes,
    Members,
    Users,
    Messages,
    Subscriptions,
    Channels,
}

/// Which limit counts its calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Qps {
    Standard,
    Mute,
    Channel,
}

impl Qps {
    /// Calls a second and AccessKey; 0: any number.
    pub fn limit(self, quotas: &Quotas) -> u32 {
        match self {
            Qps::Standard => quotas.operation_qps,
            Qps::Mute => quotas.mute_qps,
            Qps::Channel => quotas.channel_operation_qps,
        }
    }
}

const fn operation(name: &'static str, theme: Theme, qps: Qps, required: &'static [&'static str], run: fn(&Call) -> Fields) -> Operation {
    Operation { name, theme, qps, required, run }
}

/// All that are served, sorted by theme; the README's table of them is made of it.
#[rustfmt::skip]
pub const OPERATIONS: &[Operation] = &[
    operation("CreateLiveMessageApp", Applications, Standard, &[], apps::create),
    operation("DescribeLiveMessageApp", Applications, Standard, &["AppId"], apps::describe),
    operation("ListLiveMessageApps", Applications, Standard, &["SortType"], apps::list),
    operation("ModifyLiveMessageAppAudit", Applications, Standard, &["AppId"], apps::modify_audit),
    operation("ModifyLiveMessageAppCallback", Applications, Standard, &["AppId"], apps::modify_callback),
    operation("ModifyLiveMessageAppDisable", Applications, Standard, &["AppId"], apps::modify_disable),
    operation("CreateLiveMessageGroup", Groups, Standard, &["AppId", "GroupId"], groups::create),
    operation("ModifyLiveMessageGroup", Groups, Standard, &["AppId", "GroupId"], groups::modify),
    operation("DescribeLiveMessageGroup", Groups, Standard, &["AppId", "GroupId"], groups::describe),
    operation("ListLiveMessageGroups", Groups, Standard, &["AppId", "SortType"], groups::list),
    operation("ListLiveMessageGroupByPage", Groups, Standard, &["AppId", "SortType"], groups::list_by_page),
    operation("DeleteLiveMessageGroup", Groups, Standard, &["AppId", "GroupId"], groups::delete),
    operation("RecoverLiveMessageDeletedGroup", Groups, Standard, &["AppId", "GroupId"], groups::recover),
    operation("BanLiveMessageGroup", Mutes, Mute, &["AppId", "GroupId"], mutes::mute_all),
    operation("UnbanLiveMessageGroup", Mutes, Mute, &["AppId", "GroupId"], mutes::unmute_all),
    operation("AddLiveMessageGroupBand", Mutes, Mute, &["AppId", "GroupId", "BannedUsers"], mutes::add),
    operation("RemoveLiveMessageGroupBand", Mutes, Mute, &["AppId", "GroupId", "UnbannedUsers"], mutes::remove),
    operation("ModifyLiveMessageGroupBand", Mutes, Mute, &["AppId", "GroupId"], mutes::modify),
    operation("DescribeLiveMessageGroupBand", Mutes, Standard, &["AppId", "GroupId"], mutes::describe),
    operation("KickLiveMessageGroupUser", Members, Standard, &["AppId", "GroupId", "KickoffUser"], members::kick),
    operation("ListLiveMessageGroupUsers", Members, Standard, &["AppId", "GroupId", "SortType", "PageSize"], members::list),
    operation("CheckLiveMessageUsersInGroup", Members, Standard, &["AppId", "GroupId", "UserIds"], members::check),
    operation("CheckLiveMessageUsersOnline", Users, Standard, &["AppId", "UserIds"], users::check_online),
    operation("ModifyLiveMessageUserInfo", Users, Standard, &["AppId", "UserId"], users::modify_info),
    operation("SendLiveMessageGroup", Messages, Standard, &["AppId", "GroupId", "SenderId"], messages::send),
    operation("ListLiveMessageGroupMessages", Messages, Standard, &["AppId", "GroupId", "SortType", "PageSize"], messages::list),
    operation("DeleteLiveMessageGroupMessage", Messages, Standard, &["AppId", "GroupId", "MessageId"], messages::delete),
    operation("SendLiveMessageUser", Messages, Standard, &["AppId", "SenderId", "ReceiverId"], direct::send),
    // `DeleterId` is declared optional, and yet its lack is another code than the gateway's.
    operation("DeleteLiveMessageUserMessage", Messages, Standard, &["AppId", "MessageId", "ReceiverId"], direct::delete),
    operation("CreateEventSub", Subscriptions, Channel, &["AppId", "CallbackUrl", "Events"], subscriptions::create),
    operation("UpdateEventSub", Subscriptions, Standard, &["AppId", "SubscribeId", "CallbackUrl", "Events"], subscriptions::update),
    operation("DeleteEventSub", Subscriptions, Channel, &["AppId", "SubscribeId"], subscriptions::delete),
    operation("ListEventSub", Subscriptions, Standard, &["AppId"], subscriptions::list),
    operation("ListEventSubEvent", Subscriptions, Standard, &["AppId", "StartTime", "EndTime", "PageNo", "PageSize"], log::list),
    operation("DescribeChannelUsers", Channels, Channel, &["AppId", "ChannelId"], channels::users),
    operation("DescribeChannelParticipants", Channels, Channel, &["AppId", "ChannelId"], channels::participants),
    // Says itself what it lacks.
    operation("DeleteChannel", Channels, Channel, &[], channels::delete),
];

/// The README's table of [`OPERATIONS`], a theme a row, in Markdown.
pub fn coverage() -> String {
    let mut table = format!("| The {} operations of interactive messaging and of RTC channels | |\n| --- | --- |\n", OPERATIONS.len());
    for same in OPERATIONS.chunk_by(|a, b| a.theme == b.theme) {
        let names: Vec<&str> = same.iter().map(|operation| operation.name).collect();
        table += &format!("| {:?} | {} |\n", same[0].theme, names.join(", "));
    }
    table
}

/// Data centers that an application may be said to be in; the first is what an absent parameter means.
pub const DATA_CENTERS: [&str; 2] = ["cn-shanghai", "ap-southeast-1"];

/// One authenticated call of an operation.
pub struct Call<'a> {
    pub gateway: &'a Gateway,
    /// All that came, `Action` and the signature's own included.
    pub params: &'a Params,
    /// The caller's address.
    pub peer: IpAddr,
}

impl Call<'_> {
    pub(super) fn ask(&self, request: Request) -> Result<Answer, RpcError> {
        Ok(self.gateway.ask.call(request)?)
    }

    /// For what may wait seconds, for somebody's client or server: those are few, so nothing else is asked so.
    pub(super) fn ask_patiently(&self, request: Request) -> Result<Answer, RpcError> {
        Ok(self.gateway.ask.call_patiently(request)?)
    }

    /// A message of the business's server, which may be moderated first.
    pub(super) fn say(&self, app: &App, request: Request) -> Result<Answer, RpcError> {
        let waits = self.gateway.rules.moderate_servers && app.audit != Audit::None;
        if waits { self.ask_patiently(request) } else { self.ask(request) }
    }

    /// Of a group of an application that is there and enabled.
    pub(super) fn ask_group(&self, app: &AppId, group: &GroupId, what: GroupRequest) -> Result<Answer, RpcError> {
        self.ask_group_as(String::new(), app, group, what)
    }

    /// The same, where the call says for whom; that may be nobody.
    pub(super) fn ask_group_as(&self, user: String, app: &AppId, group: &GroupId, what: GroupRequest) -> Result<Answer, RpcError> {
        self.enabled_app(app)?;
        self.ask(Request::Group { app: app.clone(), group: group.clone(), by: self.actor(user), what })
    }

    /// Who does it, as other clouds' webhooks tell; empty: nobody in particular.
    pub(super) fn actor(&self, user: String) -> Actor {
        Actor { user, ..Actor::server(Some(self.peer)) }
    }

    /// Has the user a session?
    pub(super) fn is_online(&self, app: &AppId, user: &UserId) -> Result<bool, RpcError> {
        match self.ask(Request::Online { app: app.clone(), users: vec![user.clone()] })? {
            Answer::Users(told) => Ok(told.iter().any(|(_, is)| *is)),
            other => Err(unexpected(&other)),
        }
    }

    pub(super) fn now(&self) -> Millis {
        self.gateway.clock.now()
    }

    pub(super) fn quotas(&self) -> &Quotas {
        &self.gateway.rules.quotas
    }

    /// `PageSize`, where there must be one.
    pub(super) fn page_size(&self) -> Result<u32, RpcError> {
        self.page_size_from(quota::LEAST_PAGE)?.ok_or_else(|| RpcError::missing("PageSize"))
    }

    /// `PageSize`, from `least` to the largest page that is allowed; a limit below `least` leaves that one size.
    pub(super) fn page_size_from(&self, least: u32) -> Result<Option<u32>, RpcError> {
        let most = self.largest_page();
        let size = self.params.int("PageSize", least.min(most).into(), most.into())?;
        Ok(size.map(|n| n as u32)) // in range by the check
    }

    /// As many as the parameter can say, where there is no limit.
    pub(super) fn largest_page(&self) -> u32 {
        if self.quotas().page_size == 0 { i32::MAX as u32 } else { self.quotas().page_size }
    }

    pub(super) fn data_center(&self) -> Result<&str, RpcError> {
        let name = self.params.filled("DataCenter").unwrap_or(DATA_CENTERS[0]);
        if DATA_CENTERS.contains(&name) { Ok(name) } else { Err(RpcError::invalid("DataCenter", format_args!("is none of {}", DATA_CENTERS.join(", ")))) }
    }

    /// `AppId` and `DataCenter` are legal; whether there is such an application is asked with [`Call::app`].
    pub(super) fn app_id(&self) -> Result<AppId, RpcError> {
        self.data_center()?;
        self.params.id("AppId", AppId::new)
    }

    /// The application, in the data center that the caller named.
    pub(super) fn app(&self, id: &AppId) -> Result<Arc<App>, RpcError> {
        let center = self.data_center()?;
        let app = self.gateway.ask.directory().apps.get(id).cloned();
        app.filter(|app| app.data_center == center).ok_or_else(|| RpcError::not_found(format_args!("Application {id} in {center}")))
    }

    /// Groups, messages and users of a disabled application are out of reach.
    pub(super) fn enabled_app(&self, id: &AppId) -> Result<Arc<App>, RpcError> {
        let app = self.app(id)?;
        if app.disabled { Err(Refusal::AppDisabled(id.to_string()).into()) } else { Ok(app) }
    }
}

/// The fields of a `json!({…})`.
pub(super) fn fields(object: Value) -> Map<String, Value> {
    match object {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// The empty answer of what has nothing to tell.
pub(super) fn done(answer: Answer) -> Fields {
    match answer {
        Answer::Done => Ok(Map::new()),
        other => Err(unexpected(&other)),
    }
}

/// The engine answered something else than was asked: a fault of ours.
pub(super) fn unexpected(answer: &Answer) -> RpcError {
    tracing::error!(?answer, "the answer does not fit its request");
    RpcError::server()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_s_table_tells_what_is_served() {
        crate::readme::has_table("alibaba operations", &coverage());
    }

    #[test]
    fn each_operation_is_listed_once_among_its_theme() {
        let mut names: Vec<_> = OPERATIONS.iter().map(|operation| operation.name).collect();
        names.sort();
        names.dedup();
        assert_eq!((names.len(), coverage().lines().count()), (37, 2 + 8));
    }
}
