//! Groups are made and disbanded (`tencent.md` §5.1, §5.2).

use super::{base, data, describe, named};
use crate::{
    domain::{
        GroupId,
        kind::{GroupKind, NewMember},
        request::{Answer, GroupRequest, NewGroup, Request},
    },
    ids::{self, Ids},
    tencent::{
        command::{Call, told},
        error::{Code, RestError},
        names,
        rest::Outcome,
    },
};
use serde::Serialize;

/// What ids that we make begin with …
const MADE: &str = "@TGS#";
/// … and all of communities.
const COMMUNITY: &str = "@TGS#_";
/// A chosen id has fewer bytes than this.
const MAX_ID: usize = 48;
/// Members in one call.
const MOST_MEMBERS: usize = 100;
/// How often an id is made that somebody has already.
const TRIES: usize = 5;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Created {
    group_id: String,
}

pub fn create(call: &Call) -> Outcome {
    let kind = named(call, "Type", call.body.some_text("Type", 0)?, names::KINDS)?;
    let new = new_group(call, kind)?;
    match chosen_id(call, kind)? {
        Some(id) if make(call, &id, new.clone())? => told(&Created { group_id: id.to_string() }),
        Some(id) => Err(taken(call, &id, &new.owner)),
        None => {
            for _ in 0..TRIES {
                let id = made_id(&call.gateway.ids, kind);
                if make(call, &id, new.clone())? {
                    return told(&Created { group_id: id.to_string() });
                }
            }
            Err(RestError::new(call.family.fault(), "no free id was found; try again"))
        }
    }
}

pub fn destroy(call: &Call) -> Outcome {
    let id = call.body.group()?;
    // Deleting succeeds also where there is nothing.
    describe(call, &id)?;
    call.done(call.ask_group(&id, GroupRequest::Delete)?)
}

fn new_group(call: &Call, kind: GroupKind) -> Result<NewGroup, RestError> {
    let described = base::read(call, "MaxMemberCount", "MaxMemberNum")?;
    if described.name.as_ref().is_none_or(String::is_empty) {
        return Err(call.body.missing("Name"));
    }
    if call.body.bit("SupportTopic")? == Some(true) {
        return Err(call.body.bad("SupportTopic", "is 1; topics of communities are not served"));
    }
    let owner = match call.body.text("Owner_Account", 0)? {
        None | Some("") => None,
        Some(_) => call.body.new_user("Owner_Account")?,
    };
    let mut new = NewGroup {
        name: described.name.unwrap_or_default(),
        info: described.info.unwrap_or_default(),
        owner: owner.as_ref().map(ToString::to_string).unwrap_or_default(),
        kind,
        join_option: base::join_option(kind, described.join_option),
        data: data::read_new(&call.body, data::OF_GROUP)?,
        members: members(call, kind)?,
        must_be: owner,
        anew: true,
        ..NewGroup::default()
    };
    new.room.notice = described.notice.unwrap_or_default();
    new.room.cover_url = described.cover_url.unwrap_or_default();
    base::check_size(call, kind, described.max_members)?;
    new.room.max_members = described.max_members.filter(|most| *most > 0).unwrap_or(base::usual_size(kind));
    Ok(new)
}

fn members(call: &Call, kind: GroupKind) -> Result<Vec<NewMember>, RestError> {
    const LIST: &str = "MemberList";
    call.body.at_most(LIST, MOST_MEMBERS, Code::TooManyAccounts)?;
    let mut members: Vec<NewMember> = Vec::new();
    for part in call.body.parts(LIST, MOST_MEMBERS)? {
        let admin = match part.text("Role", 0)? {
            None | Some("" | "Member") => false,
            Some("Admin") => true,
            Some(_) => return Err(part.bad("Role", "must be Admin, or absent")),
        };
        let user = part.some_new_user("Member_Account")?;
        let data = data::read_new(&part, data::OF_MEMBER)?;
        if !members.iter().any(|earlier| earlier.user == user) {
            members.push(NewMember { user, admin, data });
        }
    }
    if kind.keeps_members() || members.is_empty() {
        return Ok(members);
    }
    Err(RestError::new(Code::GroupNotAllowed, format!("{LIST} is not for groups of the type {}: their members join by themselves", names::kind_name(kind))))
}

/// `None`: one is to be made.
fn chosen_id(call: &Call, kind: GroupKind) -> Result<Option<GroupId>, RestError> {
    let Some(id) = call.body.text("GroupId", MAX_ID - 1)?.filter(|id| !id.is_empty()) else { return Ok(None) };
    let bad = |why: String| Err(call.body.bad("GroupId", why));
    if !id.bytes().all(|b| (b' '..=b'~').contains(&b)) {
        return bad("must be printable ASCII".into());
    }
    match kind {
        GroupKind::Community if !id.starts_with(COMMUNITY) || id == COMMUNITY => bad(format!("of a community must begin with {COMMUNITY}")),
        GroupKind::Community => Ok(Some(GroupId::trusted(id))),
        _ if id.starts_with(MADE) => bad(format!("must not begin with {MADE}: ids that are made here do")),
        _ => Ok(Some(GroupId::trusted(id))),
    }
}

/// As samples of the cloud's look (§5.1).
fn made_id(ids: &Ids, kind: GroupKind) -> GroupId {
    let (prefix, letters) = match kind {
        GroupKind::AvChatRoom => ("a", 8),
        GroupKind::Community => ("_", 9),
        _ => ("", 9),
    };
    GroupId::trusted(&format!("{MADE}{prefix}{}", ids.text(letters, ids::UPPER)))
}

/// False: somebody has the id.
fn make(call: &Call, id: &GroupId, new: NewGroup) -> Result<bool, RestError> {
    let live = !new.kind.keeps_members();
    let request = Request::Group { app: call.app.id.clone(), group: id.clone(), by: call.actor(), what: GroupRequest::Create(Box::new(new)) };
    match call.ask_with_others(request) {
        Ok(Answer::Created { already_exists, .. }) => Ok(!already_exists),
        Ok(other) => Err(call.unexpected(&other)),
        Err(error) if live && error.code == Code::TooManyGroups => Err(RestError::new(Code::TooManyRooms, error.info)),
        Err(error) => Err(error),
    }
}

fn taken(call: &Call, id: &GroupId, owner: &str) -> RestError {
    match describe(call, id) {
        Ok(group) if !owner.is_empty() && group.owner == owner => RestError::new(Code::GroupIdYours, format!("{owner} has a group {id} already")),
        _ => RestError::new(Code::GroupIdTaken, format!("there is a group {id} already; choose another GroupId, or name none")),
    }
}
