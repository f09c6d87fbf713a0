//! The commands that are served (`tencent.md` §3–§5): the table of all of them, and what they share. What one
//! means is in the file of its service. Each reads its parameters first, then looks at what exists, so that an
//! illegal value is told before a missing thing.

use super::{
    account,
    body::Body,
    c2c,
    error::{Code, Family, RestError},
    group, live_config,
    live_room::{members, messages, metadata, rooms},
    misc,
    rest::{Gateway, Outcome},
    words,
};
use crate::domain::{
    GroupId, Millis, Refusal,
    app::{App, Audit},
    request::{Actor, Answer, GroupRequest, Origin, Request},
};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

/// One command.
pub struct Command {
    pub service: &'static str,
    pub name: &'static str,
    pub family: Family,
    /// Calls a second and application; 0: any number (§1.9).
    pub qps: u32,
    pub run: fn(&Call) -> Outcome,
}

/// Calls a second where the documents name no other number (§1.9).
const QPS: u32 = 200;

const LIVE_CONFIG: &str = "live_config";
const LIVE_ROOM: &str = "live_engine_http_srv";
/// Of conferences; the cloud's own manager program calls it for live rooms as well.
const CONFERENCE: &str = "room_engine_http_srv";
const LOGIN: &str = "im_open_login_svc";
const GROUP: &str = "group_open_http_svc";
const AV_ROOM: &str = "group_open_avchatroom_http_svc";
const C2C: &str = "openim";

/// Services that say an unknown command in their own way (§8, A6).
const GROUP_SERVICES: [&str; 3] = [GROUP, AV_ROOM, "group_open_attr_http_svc"];

const fn live(service: &'static str, name: &'static str, run: fn(&Call) -> Outcome) -> Command {
    Command { service, name, family: Family::Live, qps: QPS, run }
}

const fn login(name: &'static str, qps: u32, run: fn(&Call) -> Outcome) -> Command {
    Command { service: LOGIN, name, family: Family::Account, qps, run }
}

const fn group(name: &'static str, run: fn(&Call) -> Outcome) -> Command {
    Command { service: GROUP, name, family: Family::Group, qps: QPS, run }
}

const fn c2c(name: &'static str, run: fn(&Call) -> Outcome) -> Command {
    Command { service: C2C, name, family: Family::C2c, qps: QPS, run }
}

/// All that are served, sorted by service; the README's table of them is made of it.
#[rustfmt::skip]
pub const COMMANDS: &[Command] = &[
    live(LIVE_CONFIG, "set_callback", live_config::set),
    live(LIVE_CONFIG, "get_callback", live_config::get),
    live(LIVE_CONFIG, "update_callback", live_config::update),
    live(LIVE_CONFIG, "delete_callback", live_config::delete),
    live(LIVE_CONFIG, "set_callback_token", live_config::set_token),
    live(LIVE_CONFIG, "get_callback_token", live_config::get_token),
    live(LIVE_ROOM, "create_room", rooms::create),
    live(LIVE_ROOM, "destroy_room", rooms::destroy),
    live(LIVE_ROOM, "update_room_info", rooms::update),
    live(LIVE_ROOM, "get_room_info", rooms::get),
    Command { qps: 10, ..live(LIVE_ROOM, "get_room_list", rooms::list) },
    live(LIVE_ROOM, "set_room_metadata", metadata::set),
    live(LIVE_ROOM, "get_room_metadata", metadata::get),
    live(LIVE_ROOM, "del_room_metadata", metadata::delete),
    live(LIVE_ROOM, "modify_admin", members::modify_admin),
    live(LIVE_ROOM, "get_admin_list", members::admins),
    live(LIVE_ROOM, "change_room_owner", members::change_owner),
    live(LIVE_ROOM, "ban_member", members::ban),
    live(LIVE_ROOM, "unban_member", members::unban),
    live(LIVE_ROOM, "get_banned_member_list", members::banned),
    live(LIVE_ROOM, "mute_member", members::mute),
    live(LIVE_ROOM, "get_muted_member_list", members::muted),
    live(LIVE_ROOM, "send_text_msg", messages::send_text),
    live(LIVE_ROOM, "send_custom_msg", messages::send_custom),
    live(CONFERENCE, "kick_user_out", members::kick),
    login("account_import", QPS, account::import),
    login("multiaccount_import", 100, account::import_many),
    login("account_delete", 100, account::delete),
    login("account_check", 100, account::check),
    login("kick", QPS, account::kick),
    c2c("sendmsg", c2c::send),
    c2c("batchsendmsg", c2c::send_many),
    c2c("admin_getroammsg", c2c::history),
    c2c("admin_msgwithdraw", c2c::withdraw),
    c2c("query_online_status", c2c::states),
    group("create_group", group::life::create),
    group("destroy_group", group::life::destroy),
    group("get_group_info", group::info::get),
    group("modify_group_base_info", group::base::modify),
    Command { qps: 1, ..group("get_appid_group_list", group::lists::all) },
    group("get_joined_group_list", group::lists::joined),
    group("get_group_member_info", group::roster::get),
    group("add_group_member", group::members::add),
    group("delete_group_member", group::members::delete),
    group("modify_group_member_info", group::members::modify),
    group("get_role_in_group", group::members::roles),
    group("change_group_owner", group::members::change_owner),
    group("forbid_send_msg", group::mutes::forbid),
    group("get_group_muted_account", group::mutes::list),
    group("get_group_shutted_uin", group::mutes::list_as_before),
    group("ban_group_member", group::bans::ban),
    group("unban_group_member", group::bans::unban),
    group("get_group_ban_member", group::bans::list),
    group("get_online_member_num", group::online::count),
    group("send_group_msg", group::messages::send),
    group("send_group_system_notification", group::messages::notify),
    Command { qps: 1, ..group("send_broadcast_msg", group::broadcast::send) },
    group("group_msg_get_simple", group::history::get),
    group("group_msg_recall", group::history::recall),
    Command { service: AV_ROOM, ..group("get_members", group::online::list) },
    Command { service: "ConfigSvc", name: "GetIPList", family: Family::Account, qps: QPS, run: misc::addresses },
];

/// The README's table of [`COMMANDS`], a service a row, in Markdown.
pub fn coverage() -> String {
    let mut table = format!("| The {} commands of live rooms and of the chat | |\n| --- | --- |\n", COMMANDS.len());
    for same in COMMANDS.chunk_by(|a, b| a.service == b.service) {
        let names: Vec<&str> = same.iter().map(|command| command.name).collect();
        table += &format!("| {} | {} |\n", same[0].service, names.join(", "));
    }
    table
}

impl Command {
    pub fn find(service: &str, name: &str) -> Result<&'static Command, RestError> {
        COMMANDS.iter().find(|command| command.service == service && command.name == name).ok_or_else(|| {
            let code = if GROUP_SERVICES.contains(&service) { Code::NoSuchGroupCommand } else { Code::NoSuchCommand };
            RestError::new(code, format!("there is no command {service:.64}/{name:.64}"))
        })
    }
}

/// One call of a command by an administrator.
pub struct Call<'a> {
    pub gateway: &'a Gateway,
    /// Enabled.
    pub app: Arc<App>,
    /// The administrator.
    pub caller: &'a str,
    /// The caller's address.
    pub peer: IpAddr,
    pub family: Family,
    pub body: Body<'a>,
    /// The body as it came.
    pub text: &'a [u8],
}

impl<'a> Call<'a> {
    /// A field of the body as it came: the order of its keys and the digits of its numbers are the caller's.
    pub(super) fn raw(&self, name: &str) -> Option<&'a str> {
        let fields: BTreeMap<String, &RawValue> = serde_json::from_slice(self.text).ok()?;
        fields.get(name).map(|value| value.get())
    }

    pub(super) fn ask(&self, request: Request) -> Result<Answer, RestError> {
        self.gateway.ask.call(request).map_err(|refusal| self.family.refusal(&refusal))
    }

    /// For what the business's server, or its moderation, may be asked about first, which may take seconds: that is
    /// seldom, so nothing else is asked so.
    pub(super) fn ask_with_others(&self, request: Request) -> Result<Answer, RestError> {
        self.try_with_others(request).map_err(|refusal| self.family.refusal(&refusal))
    }

    /// The same, for those who look at a refusal themselves.
    pub(super) fn try_with_others(&self, request: Request) -> Result<Answer, Refusal> {
        let said = matches!(request, Request::Send { .. } | Request::SendDirect { .. });
        let moderated = said && matches!(self.app.audit, Audit::Custom(_));
        if moderated || self.is_asked_before() { self.gateway.ask.call_patiently(request) } else { self.gateway.ask.call(request) }
    }

    /// Does the business want to be asked before anything?
    fn is_asked_before(&self) -> bool {
        let mut words = [&self.app.chat_webhook, &self.app.live_webhook].into_iter().flatten().flat_map(|webhook| &webhook.words);
        words.any(|word| words::BEFORE.contains(&word.as_str()))
    }

    pub(super) fn ask_group(&self, group: &GroupId, what: GroupRequest) -> Result<Answer, RestError> {
        self.ask(Request::Group { app: self.app.id.clone(), group: group.clone(), by: self.actor(), what })
    }

    /// What the store was asked, whose error says more than a caller should know.
    pub(super) fn read<T>(&self, found: Result<T, String>) -> Result<T, RestError> {
        found.map_err(|why| {
            tracing::error!(why, "reading for a call");
            RestError::new(self.family.fault(), "the store could not be read; try again")
        })
    }

    /// Who does it, as webhooks tell.
    pub(super) fn actor(&self) -> Actor {
        Actor { user: self.caller.into(), from: Origin::Server { address: Some(self.peer) } }
    }

    pub(super) fn now(&self) -> Millis {
        self.gateway.clock.now()
    }

    /// The empty answer of what has nothing to tell.
    pub(super) fn done(&self, answer: Answer) -> Outcome {
        match answer {
            Answer::Done => Ok(None),
            other => Err(self.unexpected(&other)),
        }
    }

    /// The engine answered something else than was asked: a fault of ours.
    pub(super) fn unexpected(&self, answer: &Answer) -> RestError {
        tracing::error!(?answer, "the answer does not fit its request");
        RestError::new(self.family.fault(), "internal error, try again")
    }
}

/// The answer of what has something to tell; `T` is an object with a field at least.
pub(super) fn told<T: Serialize>(result: &T) -> Outcome {
    Ok(Some(to_raw_value(result).expect("texts, numbers and lists of them")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_s_table_tells_what_is_served() {
        crate::readme::has_table("tencent commands", &coverage());
    }

    #[test]
    fn each_command_is_listed_once_among_its_service() {
        let mut names: Vec<_> = COMMANDS.iter().map(|command| (command.service, command.name)).collect();
        names.sort();
        names.dedup();
        assert_eq!((names.len(), coverage().lines().count()), (61, 2 + 8));
    }
}
