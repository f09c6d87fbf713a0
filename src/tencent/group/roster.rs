//! What is told of a group's members (`tencent.md` §5.2): in the order in which they joined, a page at a time, and of each
//! what a filter names.

use super::{describe, info, info::Told, named, within_a_megabyte};
use crate::{
    domain::{
        Millis,
        kind::{GroupKind, MemberInfo, Rank},
        request::{Answer, GroupRequest, RosterFound, RosterPage},
    },
    tencent::{
        body::Body,
        command::{Call, told},
        error::RestError,
        group::data,
        names::{RANKS, flag_name, rank_name, until_seconds},
        rest::Outcome,
    },
};
use serde::Serialize;
use serde_json::{Value, json};

/// Members in one call.
const PAGE: i64 = 6_000;
/// Bytes of a cursor, which is a number.
const MAX_CURSOR: usize = 20;

/// A community's pages are named by a cursor, those of others by how many come before.
pub fn get(call: &Call) -> Outcome {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Found {
        member_num: u64,
        member_list: Vec<Value>,
        #[serde(skip_serializing_if = "Option::is_none")]
        next: Option<String>,
    }
    let id = call.body.group()?;
    let limit = call.body.int("Limit", 0, PAGE)?.filter(|n| *n > 0).unwrap_or(PAGE) as u32; // in range by the check
    let skip = call.body.number("Offset")?.unwrap_or(0);
    let after = match call.body.text("Next", MAX_CURSOR)? {
        None | Some("") => None,
        Some(text) => Some(text.parse().map_err(|_| call.body.bad("Next", "must be as the page before returned it, or empty for the first page"))?),
    };
    let fields = MemberFields::read(&call.body)?;
    let ranks = ranks(call)?;
    let group = describe(call, &id)?;
    if !group.kind.keeps_members() {
        return told(&Found { member_num: group.online, member_list: Vec::new(), next: None });
    }
    let page = RosterPage { ranks, after, skip: skip.into(), limit };
    match call.ask_group(&id, GroupRequest::Roster(page))? {
        Answer::Roster(RosterFound { members, total, next }) => {
            let next = (group.kind == GroupKind::Community).then(|| next.map(|next| next.to_string()).unwrap_or_default());
            within_a_megabyte(told(&Found { member_num: total, member_list: members.iter().map(|member| fields.told(member)).collect(), next }))
        }
        other => Err(call.unexpected(&other)),
    }
}

/// None named: all.
fn ranks(call: &Call) -> Result<Vec<Rank>, RestError> {
    const LIST: &str = "MemberRoleFilter";
    info::names(&call.body, LIST)?.into_iter().map(|name| named(call, LIST, name, RANKS)).collect()
}

/// Which fields of a member are asked for.
pub(super) struct MemberFields<'a> {
    /// `None`: all.
    base: Option<Vec<&'a str>>,
    /// `None`: all; no names: not even the field.
    data: Option<Vec<&'a str>>,
}

impl<'a> MemberFields<'a> {
    pub fn all() -> Self {
        MemberFields { base: None, data: None }
    }

    /// Without a filter everything is told.
    pub fn read(filter: &Body<'a>) -> Result<Self, RestError> {
        let (base, data) = (info::names(filter, "MemberInfoFilter")?, info::names(filter, "AppDefinedDataFilter_GroupMember")?);
        if base.is_empty() && data.is_empty() {
            return Ok(Self::all());
        }
        // Data alone is asked for of all fields.
        Ok(MemberFields { base: (!base.is_empty()).then_some(base), data: Some(data) })
    }

    pub fn told(&self, member: &MemberInfo) -> Value {
        let muted = member.muted.map_or(0, until_seconds);
        let all = [
            ("Role", json!(rank_name(member.rank))),
            ("JoinTime", member.joined.seconds().into()),
            ("MsgSeq", member.seen.into()),
            ("MsgFlag", flag_name(member.flag).into()),
            ("LastSendMsgTime", member.last_said.map_or(0, Millis::seconds).into()),
            // 0: not muted.
            ("MuteUntil", muted.into()),
            ("ShutUpUntil", muted.into()),
            ("NameCard", member.name_card.as_str().into()),
        ];
        let wanted = all.into_iter().filter(|(field, _)| self.base.as_ref().is_none_or(|names| info::has(names, field)));
        let mut told = Told(vec![("Member_Account", member.user.as_str().into())]);
        told.0.extend(wanted);
        if self.data.as_ref().is_none_or(|keys| !keys.is_empty()) {
            told.0.push(("AppMemberDefinedData", data::told(&member.data, self.data.as_deref())));
        }
        json!(told)
    }
}
