//! The methods that a client calls by name (`session.md` §5), and what it confirms (§6): the data is
//! read and checked here, what it then means is the engine's. Whether a user may is looked at there.

use super::{
    draft,
    fields::{Fields, bad, must},
    wire::{self, Error},
};
use crate::{
    alibaba::messaging::is_new_id,
    domain::{
        ChannelId, GroupId, Millis, Refusal, SessionId, UserId,
        direct::DirectDraft,
        id::MAX_ID,
        message::MessagePage,
        mute::MuteChange,
        participant::{Doing, Medias, Role},
        quota::{self, Quotas},
        request::{Deleter, GroupChange, GroupRequest, MemberPage, NewGroup},
    },
    engine::SocketOp,
};
use serde::Deserialize;

/// One method.
pub struct Method {
    pub name: &'static str,
    /// Its fields; those with a question mark may be left out.
    pub takes: &'static str,
    /// From the JSON text of its data.
    pub read: fn(&str, &Quotas) -> Result<Meaning, Refusal>,
}

const fn method(name: &'static str, takes: &'static str, read: fn(&str, &Quotas) -> Result<Meaning, Refusal>) -> Method {
    Method { name, takes, read }
}

/// All that are served; the README's table is made of it.
pub const METHODS: &[Method] = &[
    method("group.create", "group_id, name?, info?, admins?", create),
    method("group.query", "group_id", |data, _| of_group(data, |_| Ok(GroupRequest::Describe))),
    // Who does it is known to the engine.
    method("group.close", "group_id", |data, _| of_group(data, |_| Ok(GroupRequest::Delete))),
    method("group.modify", "group_id, info?, admins?", modify),
    method("group.users", "group_id, page_token?, page_size?, sort?", users),
    method("group.mute", "group_id, users", |data, quotas| mute(data, quotas, MuteChange::Mute)),
    method("group.unmute", "group_id, users", |data, quotas| mute(data, quotas, MuteChange::Unmute)),
    method("group.mute_all", "group_id, except?", mute_all),
    method("group.unmute_all", "group_id", |data, _| of_group(data, |_| Ok(GroupRequest::ChangeMutes(MuteChange::UnmuteAll)))),
    method("group.mutes", "group_id", |data, _| of_group(data, |_| Ok(GroupRequest::Mutes))),
    method("group.quit", "group_id", |data, _| of_group(data, |_| Ok(GroupRequest::Quit))),
    method("group.kick", "group_id, user", |data, _| of_group(data, |f| Ok(GroupRequest::Kick { user: f.user()? }))),
    method("group.messages", "group_id, type?, begin?, end?, page_token?, page_size?, sort?", messages),
    method("message.delete", "group_id, tid", delete_message),
    method("user.send", "user, body, type?, level?, tid?", send),
    method("rtc.publish", "channel, medias", |data, _| of_channel(data, |f| Ok(Doing::Publish(medias(f)?)))),
    method("rtc.unpublish", "channel, medias", |data, _| of_channel(data, |f| Ok(Doing::Unpublish(medias(f)?)))),
    method("rtc.role", "channel, role", |data, _| of_channel(data, |f| Ok(Doing::Role(must("role", role(f)?)?)))),
    // Whatever the client gives along: it wants to go.
    method("session.logoff", "", |_, _| Ok(Meaning::Logoff)),
];

/// What a call asks for.
#[derive(Debug, PartialEq)]
pub enum Meaning {
    Group(GroupId, Box<GroupRequest>),
    Direct(Box<DirectDraft>),
    Channel(ChannelId, Doing),
    Logoff,
}

impl Meaning {
    pub fn asked_by(self, sid: SessionId) -> SocketOp {
        match self {
            Meaning::Group(group, what) => SocketOp::Group { sid, group, what },
            Meaning::Direct(draft) => SocketOp::SendDirect { sid, draft },
            Meaning::Channel(channel, doing) => SocketOp::Do { sid, channel, doing },
            Meaning::Logoff => SocketOp::Logoff { sid },
        }
    }
}

/// Reads a call; `data` is JSON text, null when there is none.
pub fn read(name: &str, data: &str, quotas: &Quotas) -> Result<Meaning, Error> {
    let unknown = || Error::new(104, format!("method {name:?} not found"));
    let method = METHODS.iter().find(|method| method.name == name).ok_or_else(unknown)?;
    (method.read)(data, quotas).map_err(|why| {
        let error = wire::error(&why);
        Error { message: format!("{}; {name} takes {}", error.message, method.takes), ..error }
    })
}

fn of_group(data: &str, what: impl FnOnce(&Fields) -> Result<GroupRequest, Refusal>) -> Result<Meaning, Refusal> {
    let fields = Fields::read(data)?;
    Ok(Meaning::Group(fields.group()?, Box::new(what(&fields)?)))
}

/// The channel may be called as it is subscribed to, or by its id alone.
fn of_channel(data: &str, doing: impl FnOnce(&Fields) -> Result<Doing, Refusal>) -> Result<Meaning, Refusal> {
    let fields = Fields::read(data)?;
    let text = must("channel", fields.text("channel")?)?;
    let id = text.strip_prefix(wire::RTC).unwrap_or(&text);
    let channel = ChannelId::new(id).map_err(|why| bad("channel", format!("{id:?} is not an id: {why}")))?;
    Ok(Meaning::Channel(channel, doing(&fields)?))
}

fn medias(fields: &Fields) -> Result<Medias, Refusal> {
    Medias::named(&must("medias", fields.texts("medias")?)?).map_err(|why| bad("medias", why))
}

fn role(fields: &Fields) -> Result<Option<Role>, Refusal> {
    Ok(fields.int("role", 1, 2)?.and_then(Role::numbered))
}

/// The role in which a client joins: `data.role` of its subscribe; by default a viewer.
pub fn joining_role(data: Option<&str>) -> Result<Role, Refusal> {
    let Some(data) = data else { return Ok(Role::Viewer) };
    Ok(role(&Fields::read(data)?)?.unwrap_or(Role::Viewer))
}

/// An id that is made here follows the cloud's alphabet.
fn create(data: &str, quotas: &Quotas) -> Result<Meaning, Refusal> {
    let fields = Fields::read(data)?;
    let id = must("group_id", fields.text("group_id")?)?;
    if !is_new_id(&id) {
        return Err(bad("group_id", "must have 1 to 64 letters, digits, _ or -"));
    }
    let new = NewGroup {
        name: fields.bounded("name", quotas.group_name_bytes)?.unwrap_or_default(),
        info: fields.bounded("info", quotas.group_info_bytes)?.unwrap_or_default(),
        // Its owner is the user itself, whom the engine knows.
        admins: admins(&fields, quotas)?.unwrap_or_default(),
        ..NewGroup::default()
    };
    Ok(Meaning::Group(GroupId::trusted(&id), Box::new(GroupRequest::Create(Box::new(new)))))
}

/// They follow the alphabet as well, as with the control API.
fn admins(fields: &Fields, quotas: &Quotas) -> Result<Option<Vec<UserId>>, Refusal> {
    let admins = fields.users("admins", quotas.admins_per_group)?;
    match admins.iter().flatten().find(|user| !is_new_id(user.as_str())) {
        Some(user) => Err(bad("admins", format!("has \"{user}\": an id has 1 to 64 letters, digits, _ or -"))),
        None => Ok(admins),
    }
}

fn modify(data: &str, quotas: &Quotas) -> Result<Meaning, Refusal> {
    of_group(data, |fields| {
        let info = fields.bounded("info", quotas.group_info_bytes)?;
        Ok(GroupRequest::Modify(Box::new(GroupChange { info, admins: admins(fields, quotas)?, ..GroupChange::default() })))
    })
}

fn mute(data: &str, quotas: &Quotas, change: fn(Vec<UserId>) -> MuteChange) -> Result<Meaning, Refusal> {
    of_group(data, |fields| {
        let users = must("users", fields.users("users", quotas.users_per_mute)?)?;
        Ok(GroupRequest::ChangeMutes(change(users)))
    })
}

fn mute_all(data: &str, quotas: &Quotas) -> Result<Meaning, Refusal> {
    of_group(data, |fields| {
        let except = fields.users("except", quotas.users_per_mute)?.unwrap_or_default();
        Ok(GroupRequest::ChangeMutes(MuteChange::MuteAll { except }))
    })
}

fn users(data: &str, quotas: &Quotas) -> Result<Meaning, Refusal> {
    of_group(data, |fields| {
        let Page { ascending, after, limit } = page(fields, quotas)?;
        Ok(GroupRequest::Members(MemberPage { ascending, after, limit }))
    })
}

fn messages(data: &str, quotas: &Quotas) -> Result<Meaning, Refusal> {
    of_group(data, |fields| {
        let Page { ascending, after, limit } = page(fields, quotas)?;
        let (begin, end) = (moment(fields, "begin", 0)?, moment(fields, "end", 999)?);
        if begin.zip(end).is_some_and(|(begin, end)| begin > end) {
            return Err(bad("begin", "is after end"));
        }
        Ok(GroupRequest::Messages(MessagePage { ascending, kind: fields.int32("type")?, begin, end, after, limit }))
    })
}

fn delete_message(data: &str, _: &Quotas) -> Result<Meaning, Refusal> {
    // Who does it is known to the engine.
    of_group(data, |fields| Ok(GroupRequest::DeleteMessage { tid: must("tid", fields.tid()?)?, by: Deleter::default() }))
}

fn send(data: &str, quotas: &Quotas) -> Result<Meaning, Refusal> {
    let draft = draft::to_user(&Fields::read(data)?)?;
    draft.draft.check(quotas)?;
    Ok(Meaning::Direct(Box::new(draft)))
}

struct Page {
    ascending: bool,
    after: Option<u64>,
    limit: u32,
}

/// Which page of a list. Without a setting's limit a page still has one: it is read on the engine's thread.
fn page(fields: &Fields, quotas: &Quotas) -> Result<Page, Refusal> {
    let most = match quotas.page_size {
        0 => quota::MAX_HISTORY,
        most => most.min(quota::MAX_HISTORY),
    };
    let limit = fields.int("page_size", 1, most.into())?.map_or(most, |n| n as u32); // at most 100
    let after = fields.int("page_token", 0, i64::MAX)?.filter(|token| *token > 0).map(i64::unsigned_abs);
    Ok(Page { ascending: ascending(fields)?, after, limit })
}

/// 1 or `"asc"` is oldest first, 2 or `"desc"` newest first.
fn ascending(fields: &Fields) -> Result<bool, Refusal> {
    match fields.json("sort") {
        None | Some("1" | "\"asc\"") => Ok(true),
        Some("2" | "\"desc\"") => Ok(false),
        Some(_) => Err(bad("sort", "must be 1 or \"asc\" (oldest first), or 2 or \"desc\" (newest first)")),
    }
}

/// No time in milliseconds since 1973 is below this, and none in seconds for the next 3,000 years above.
const SECONDS_BELOW: i64 = 100_000_000_000;

/// In milliseconds, or in seconds as the cloud counts; then `rest` completes the second. 0 is none.
fn moment(fields: &Fields, name: &'static str, rest: i64) -> Result<Option<Millis>, Refusal> {
    Ok(fields.int(name, 0, i64::MAX)?.filter(|at| *at > 0).map(|at| Millis(if at < SECONDS_BELOW { at * 1000 + rest } else { at })))
}

/// Ids that one message may confirm.
const MOST_ACKS: usize = 100;

#[derive(Deserialize)]
struct Confirms {
    ack: Vec<String>,
}

/// The ids that the data of a `send` confirms. Anything else, and what is over the bounds, is ignored:
/// nobody could be told.
pub fn confirmed(data: &str) -> Vec<String> {
    let Ok(Confirms { mut ack }) = serde_json::from_str(data) else { return Vec::new() };
    ack.retain(|id| (1..=MAX_ID).contains(&id.len()));
    ack.truncate(MOST_ACKS);
    ack
}

#[cfg(test)]
#[path = "rpc_tests.rs"]
mod tests;
