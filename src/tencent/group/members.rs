//! Members of a group that keeps them (`tencent.md` §5.2): they come by invitation, go, and are changed; and what they are
//! in it.

use super::{MOST_USERS, chosen, data, of_kind};
use crate::{
    domain::{
        GroupId, UserId,
        kind::{GroupKind, MemberChange, NewMember},
        request::{Added, Answer, GroupRequest, Request},
    },
    tencent::{
        command::{Call, told},
        error::{Code, RestError},
        names,
        rest::Outcome,
    },
};
use serde::Serialize;

/// Users that one call brings in.
const MOST_ADDED: usize = 300;
/// Bytes of a name in a group, and of the reason why somebody is put out.
const MAX_CARD: usize = 50;
const MAX_REASON: usize = 1_000;
/// What a member can be made.
const RANKS: &[(&str, bool)] = &[("Admin", true), ("Member", false)];

pub fn add(call: &Call) -> Outcome {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Joined {
        member_list: Vec<Member>,
    }
    #[derive(Serialize)]
    struct Member {
        #[serde(rename = "Member_Account")]
        user: String,
        #[serde(rename = "Result")]
        result: u8,
    }
    const LIST: &str = "MemberList";
    let id = call.body.group()?;
    call.body.at_most(LIST, MOST_ADDED, Code::TooManyAccounts)?;
    let mut members: Vec<NewMember> = Vec::new();
    for part in call.body.some_parts(LIST, MOST_ADDED)? {
        let (user, data) = (part.some_new_user("Member_Account")?, data::read_new(&part, data::OF_MEMBER)?);
        if !members.iter().any(|earlier| earlier.user == user) {
            members.push(NewMember { user, admin: false, data });
        }
    }
    // Nobody is told of it in the group in either case.
    call.body.bit("Silence")?;
    of_kind(call, &id, GroupKind::keeps_members, Code::GroupNotAllowed)?;
    let request = Request::Group { app: call.app.id.clone(), group: id, by: call.actor(), what: GroupRequest::AddMembers { members } };
    match call.ask_with_others(request)? {
        Answer::Added(done) => {
            let result = |added| match added {
                Added::Refused => 0,
                Added::Now => 1,
                Added::Already => 2,
            };
            told(&Joined { member_list: done.into_iter().map(|(user, added)| Member { user: user.to_string(), result: result(added) }).collect() })
        }
        other => Err(call.unexpected(&other)),
    }
}

/// Who is no member is no error.
pub fn delete(call: &Call) -> Outcome {
    const LIST: &str = "MemberToDel_Account";
    let id = call.body.group()?;
    call.body.at_most(LIST, MOST_USERS, Code::TooManyAccounts)?;
    let users = call.body.some_users(LIST, MOST_USERS)?;
    call.body.bit("Silence")?;
    call.body.text("Reason", MAX_REASON)?;
    of_kind(call, &id, GroupKind::keeps_members, Code::BadGroupParameter)?;
    call.done(call.ask_group(&id, GroupRequest::PutOut { users })?)
}

/// What is not given stays as it is. Who owns the group is changed by another command.
pub fn modify(call: &Call) -> Outcome {
    let id = call.body.group()?;
    let user = call.body.some_user("Member_Account")?;
    let seconds = call.body.number(call.body.either("MuteTime", "ShutUpTime"))?;
    let change = MemberChange {
        admin: chosen(call, "Role", RANKS)?,
        flag: chosen(call, "MsgFlag", names::FLAGS)?,
        name_card: call.body.text("NameCard", MAX_CARD)?.map(String::from),
        data: data::read(&call.body, data::OF_MEMBER)?,
        mute: seconds.map(|seconds| (seconds > 0).then(|| names::until(call.now(), seconds))),
    };
    if matches!(change.mute, Some(Some(_))) {
        mutable(call, &id)?;
    }
    call.done(call.ask_group(&id, GroupRequest::ChangeMember { user, change: Box::new(change) })?)
}

/// In groups of the type Work nobody is muted.
pub(super) fn mutable(call: &Call, id: &GroupId) -> Result<(), RestError> {
    of_kind(call, id, |kind| kind != GroupKind::Work, Code::GroupNotAllowed).map(drop)
}

/// Who is no member is told as such.
pub fn roles(call: &Call) -> Outcome {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Found {
        user_id_list: Vec<Member>,
    }
    #[derive(Serialize)]
    struct Member {
        #[serde(rename = "Member_Account")]
        user: String,
        #[serde(rename = "Role")]
        role: &'static str,
    }
    const LIST: &str = "User_Account";
    let id = call.body.group()?;
    call.body.at_most(LIST, MOST_USERS, Code::TooManyAccounts)?;
    let users = call.body.some_users(LIST, MOST_USERS)?;
    match call.ask_group(&id, GroupRequest::Ranks { users })? {
        Answer::Ranks(ranks) => {
            let member = |(user, rank): (UserId, Option<_>)| Member { user: user.to_string(), role: rank.map_or("NotMember", names::rank_name) };
            told(&Found { user_id_list: ranks.into_iter().map(member).collect() })
        }
        other => Err(call.unexpected(&other)),
    }
}

/// To a member only.
pub fn change_owner(call: &Call) -> Outcome {
    let id = call.body.group()?;
    let user = call.body.some_user("NewOwner_Account")?;
    call.done(call.ask_group(&id, GroupRequest::ChangeOwner { user })?)
}
