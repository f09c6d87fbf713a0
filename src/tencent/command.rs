//! The commands that are served (`tencent.md` §3–§5): the table of all of them, and what they share. What one
//! means is in the file of its service. Each reads its parameters first, then looks at what exists, so that an
//! illegal value is told before a missing thing.

use super::{
    body::Body,
    error::{Code, Family, RestError},
    group, live_config,
    live_room::{members, messages, metadata, rooms},
    login,
    rest::{Gateway, Outcome},
};
use crate::domain::{
    GroupId, Millis,
    app::App,
    request::{Actor, Answer, GroupRequest, Origin, Request},
};
use serde::Serialize;
use serde_json::value::to_raw_value;
use std::{net::IpAddr, sync::Arc};

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

/// Services that say an unknown command in their own way (§8, A6).
const GROUP_SERVICES: [&str; 3] = [GROUP, "group_open_avchatroom_http_svc", "group_open_attr_http_svc"];

const fn live(service: &'static str, name: &'static str, run: fn(&Call) -> Outcome) -> Command {
    Command { service, name, family: Family::Live, qps: QPS, run }
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
    Command { service: LOGIN, name: "kick", family: Family::Account, qps: QPS, run: login::kick },
    Command { service: GROUP, name: "get_group_info", family: Family::Group, qps: QPS, run: group::get_info },
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
}

impl Call<'_> {
    pub(super) fn ask(&self, request: Request) -> Result<Answer, RestError> {
        self.gateway.ask.call(request).map_err(|refusal| self.family.refusal(&refusal))
    }

    /// For what may wait seconds, for somebody's server: that is seldom, so nothing else is asked so.
    pub(super) fn ask_patiently(&self, request: Request) -> Result<Answer, RestError> {
        self.gateway.ask.call_patiently(request).map_err(|refusal| self.family.refusal(&refusal))
    }

    pub(super) fn ask_group(&self, group: &GroupId, what: GroupRequest) -> Result<Answer, RestError> {
        self.ask(Request::Group { app: self.app.id.clone(), group: group.clone(), by: self.actor(), what })
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
        assert_eq!((names.len(), coverage().lines().count()), (27, 2 + 5));
    }
}
