//! Rooms themselves (`tencent.md` §4): made, changed, shown, listed, dissolved.

use crate::{
    domain::{
        Gid, GroupId,
        request::{Answer, GroupChange, GroupInfo, GroupRequest, NewGroup, Request},
        room::{Room, RoomPage, TakeSeatMode},
    },
    tencent::{
        body::Body,
        command::{Call, told},
        error::{Code, RestError},
        names::{kind_name, mode_name, room_name},
        rest::Outcome,
    },
};
use serde::Serialize;

/// The only type of room; conferences are others.
const TYPE: &str = "Live";
/// Bytes of a new room's id, of a name, of a cover's URL and of a notice.
const MAX_ID: usize = 48;
const MAX_NAME: usize = 100;
const MAX_COVER: usize = 200;
const MAX_NOTICE: usize = 100;
const MOST_CATEGORIES: usize = 3;
/// Rooms on a page.
const ROOMS_PAGE: i64 = 20;
/// Bytes of a cursor: two numbers and a hyphen.
const MAX_CURSOR: usize = 40;

/// Nobody may have a room of this id; one that was dissolved leaves its id free.
pub fn create(call: &Call) -> Outcome {
    let room = room_info(call)?;
    let id = room.some_text("RoomId", MAX_ID)?;
    if !id.bytes().all(|b| (b' '..=b'~').contains(&b)) {
        return Err(room.bad("RoomId", "must be printable ASCII"));
    }
    if room.some_text("RoomType", MAX_NAME)? != TYPE {
        return Err(room.bad("RoomType", format!("must be {TYPE}")));
    }
    let name = room.text("RoomName", MAX_NAME)?.filter(|name| !name.is_empty()).unwrap_or(id);
    let named = room.new_user("Owner_Account")?;
    let owner = named.as_ref().map_or_else(|| call.caller.to_owned(), ToString::to_string);
    let usual = Room::default();
    let new = NewGroup {
        name: name.into(),
        owner,
        room: Room {
            notice: String::new(),
            cover_url: room.text("CoverURL", MAX_COVER)?.unwrap_or_default().into(),
            categories: categories(&room)?.unwrap_or_default(),
            activity_status: any_number(&room, "ActivityStatus")?.unwrap_or(usual.activity_status),
            public: room.flag("IsPublicVisible")?.unwrap_or(usual.public),
            max_members: room.number("MaxMemberCount")?.unwrap_or(usual.max_members),
            seats: room.flag("IsSeatEnabled")?.unwrap_or(usual.seats),
            take_seat_mode: take_seat_mode(&room)?.unwrap_or(usual.take_seat_mode),
            max_seats: room.number("MaxSeatCount")?.unwrap_or(usual.max_seats),
            unlimited: room.flag("IsUnlimitedRoomEnabled")?.unwrap_or(usual.unlimited),
            seat_layout: any_number(&room, "SeatLayoutTemplateId")?.unwrap_or(usual.seat_layout),
        },
        muted_all: room.flag("IsMessageDisabled")?.unwrap_or(false),
        must_be: named,
        anew: true,
        ..NewGroup::default()
    };
    let id = GroupId::new(id).map_err(|why| room.bad("RoomId", format!("will not do: {why}")))?;
    let request = Request::Group { app: call.app.id.clone(), group: id.clone(), by: call.actor(), what: GroupRequest::Create(Box::new(new)) };
    match call.ask_with_others(request)? {
        Answer::Created { already_exists: false, .. } => shown(call, &id),
        Answer::Created { .. } => Err(RestError::new(Code::RoomExists, format!("room {id} exists already; choose another RoomId, or destroy that one"))),
        other => Err(call.unexpected(&other)),
    }
}

pub fn destroy(call: &Call) -> Outcome {
    let id = call.body.room()?;
    // Deleting succeeds also where there is nothing.
    describe(call, &id)?;
    call.done(call.ask_group(&id, GroupRequest::Delete)?)
}

/// What is not given stays as it is.
pub fn update(call: &Call) -> Outcome {
    let room = room_info(call)?;
    let id = room.room()?;
    let text = |name: &str, most: usize| Ok::<_, RestError>(room.text(name, most)?.map(String::from));
    let change = GroupChange {
        name: text("RoomName", MAX_NAME)?,
        notice: text("Notice", MAX_NOTICE)?,
        cover_url: text("CoverURL", MAX_COVER)?,
        categories: categories(&room)?,
        activity_status: any_number(&room, "ActivityStatus")?,
        public: room.flag("IsPublicVisible")?,
        max_members: room.number("MaxMemberCount")?,
        take_seat_mode: take_seat_mode(&room)?,
        muted_all: room.flag("IsMessageDisabled")?,
        ..GroupChange::default()
    };
    call.done(ask(call, &id, GroupRequest::Modify(Box::new(change)))?)
}

pub fn get(call: &Call) -> Outcome {
    shown(call, &call.body.room()?)
}

/// Public rooms, most views first. The cursor names the last room of the page before: its views and its number.
pub fn list(call: &Call) -> Outcome {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Page {
        next: String,
        room_list: Vec<Listed>,
    }
    let next = call.body.text("Next", MAX_CURSOR)?.unwrap_or_default();
    let after = match next {
        "" => None,
        text => Some(cursor(text).ok_or_else(|| call.body.bad("Next", "must be as the page before returned it, or empty for the first page"))?),
    };
    let limit = call.body.int("Count", 1, ROOMS_PAGE)?.unwrap_or(ROOMS_PAGE) as u32; // in range by the check
    match call.ask(Request::Rooms(RoomPage { app: call.app.id.clone(), after, limit }))? {
        Answer::Rooms(found) => {
            let next = found.next.map(|(views, gid)| format!("{views}-{}", gid.0)).unwrap_or_default();
            told(&Page { next, room_list: found.rooms.into_iter().map(Listed::from).collect() })
        }
        other => Err(call.unexpected(&other)),
    }
}

/// Asks it of a live room.
pub(super) fn ask(call: &Call, id: &GroupId, what: GroupRequest) -> Result<Answer, RestError> {
    describe(call, id)?;
    call.ask_group(id, what)
}

/// A room that was not dissolved. Groups of other types are none, though the chat has their names in the same list.
pub(super) fn describe(call: &Call, id: &GroupId) -> Result<GroupInfo, RestError> {
    match call.ask_group(id, GroupRequest::Describe)? {
        Answer::Group(info) if info.deleted.is_none() && info.kind.keeps_members() => {
            Err(RestError::new(Code::NoSuchRoom, format!("{id} is a group of the chat, of the type {}, and no room", kind_name(info.kind))))
        }
        Answer::Group(info) if info.deleted.is_none() => Ok(*info),
        Answer::Group(_) => Err(RestError::new(Code::NoSuchRoom, format!("room {id} was dissolved"))),
        other => Err(call.unexpected(&other)),
    }
}

fn shown(call: &Call, id: &GroupId) -> Outcome {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Found {
        room_info: Shown,
    }
    told(&Found { room_info: describe(call, id)?.into() })
}

/// A room as it is described: what the documents list. Of the rest only the webhooks tell.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Shown {
    room_id: String,
    room_name: String,
    room_type: &'static str,
    #[serde(rename = "Owner_Account")]
    owner: String,
    create_time: i64,
    is_seat_enabled: bool,
    take_seat_mode: &'static str,
    max_seat_count: u32,
    max_member_count: u32,
    is_message_disabled: bool,
    #[serde(rename = "CoverURL")]
    cover_url: String,
    category: Vec<i64>,
    activity_status: i64,
    view_count: u64,
    is_public_visible: bool,
    notice: String,
}

impl From<GroupInfo> for Shown {
    fn from(info: GroupInfo) -> Shown {
        let room = info.room;
        Shown {
            room_id: info.group.to_string(),
            room_name: room_name(&info.group, &info.name).into(),
            room_type: TYPE,
            owner: info.owner,
            create_time: info.created.seconds(),
            is_seat_enabled: room.seats,
            take_seat_mode: mode_name(room.take_seat_mode),
            max_seat_count: room.max_seats,
            max_member_count: room.max_members,
            is_message_disabled: info.mutes.all,
            cover_url: room.cover_url,
            category: room.categories,
            activity_status: room.activity_status,
            view_count: info.total,
            is_public_visible: room.public,
            notice: room.notice,
        }
    }
}

/// A room in a list.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    room_name: String,
    room_id: String,
    #[serde(rename = "Owner_Account")]
    owner: String,
    #[serde(rename = "CoverURL")]
    cover_url: String,
    category: Vec<i64>,
    create_time: i64,
    activity_status: i64,
    view_count: u64,
}

impl From<GroupInfo> for Listed {
    fn from(info: GroupInfo) -> Listed {
        Listed {
            room_name: room_name(&info.group, &info.name).into(),
            room_id: info.group.to_string(),
            owner: info.owner,
            cover_url: info.room.cover_url,
            category: info.room.categories,
            create_time: info.created.seconds(),
            activity_status: info.room.activity_status,
            view_count: info.total,
        }
    }
}

fn room_info<'a>(call: &Call<'a>) -> Result<Body<'a>, RestError> {
    call.body.part("RoomInfo")?.ok_or_else(|| call.body.missing("RoomInfo"))
}

fn categories(room: &Body) -> Result<Option<Vec<i64>>, RestError> {
    let Some(list) = room.list("Category", MOST_CATEGORIES)? else { return Ok(None) };
    let numbers = list.iter().map(|value| value.as_i64()).collect::<Option<_>>();
    numbers.map(Some).ok_or_else(|| room.bad("Category", "must be an array of whole numbers"))
}

/// What it means is the business's own.
fn any_number(room: &Body, name: &str) -> Result<Option<i64>, RestError> {
    room.int(name, i64::MIN, i64::MAX)
}

fn take_seat_mode(room: &Body) -> Result<Option<TakeSeatMode>, RestError> {
    const NAME: &str = "TakeSeatMode";
    let Some(text) = room.text(NAME, MAX_NAME)? else { return Ok(None) };
    let known = [TakeSeatMode::Free, TakeSeatMode::Apply].into_iter().find(|mode| mode_name(*mode) == text);
    known.map(Some).ok_or_else(|| room.bad(NAME, format!("must be {} or {}", mode_name(TakeSeatMode::Free), mode_name(TakeSeatMode::Apply))))
}

/// `1693271355-123`: views and number. Only what is printed so is read.
fn cursor(text: &str) -> Option<(u64, Gid)> {
    let (views, number) = text.split_once('-')?;
    let (views, number): (u64, i64) = (views.parse().ok()?, number.parse().ok()?);
    (number > 0 && format!("{views}-{number}") == text).then_some((views, Gid(number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors() {
        for (text, expected) in [
            ("1693271355-123", Some((1_693_271_355, Gid(123)))),
            ("0-1", Some((0, Gid(1)))),
            ("0-0", None),
            ("1--1", None),
            ("+1-1", None),
            ("01-1", None),
            ("1-1 ", None),
            ("1", None),
            ("18446744073709551616-1", None),
        ] {
            assert_eq!(cursor(text), expected, "{text}");
        }
    }
}
