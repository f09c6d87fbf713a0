//! What is told of groups (`tencent.md` §5.2): all of it, or what a filter names. Fields of both generations of names are
//! told together, and found by either (§5.9).

use super::{MAX_ANSWER, MAX_NAME, MOST_NAMES, data, describe, roster::MemberFields, too_long, within_a_megabyte};
use crate::{
    domain::{
        GroupId, Millis,
        request::{Answer, GroupInfo, GroupRequest, RosterPage},
    },
    tencent::{
        body::Body,
        command::{Call, told},
        error::{Code, RestError},
        names::{join_option_name, kind_name, room_name},
        rest::Outcome,
    },
};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

/// Groups in one call.
const MOST_GROUPS: usize = 50;
/// Members that are told of a group: of more, one asks page by page.
const MOST_MEMBERS: u32 = 10_000;

/// Each group has its own code, and the whole is no error.
pub fn get(call: &Call) -> Outcome {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Found {
        group_info: Vec<Told>,
    }
    const LIST: &str = "GroupIdList";
    let list = call.body.some_list(LIST, MOST_GROUPS)?;
    let ids = list.iter().map(Value::as_str).collect::<Option<Vec<_>>>().ok_or_else(|| call.body.bad(LIST, "must be an array of JSON strings"))?;
    let wants = Wants::read(call)?;
    let mut group_info = Vec::with_capacity(ids.len());
    let mut bytes = 0;
    for id in ids {
        let one = match found(call, id)? {
            Ok(info) => wants.told(call, info)?,
            Err(error) => common(id, error.number, error.info),
        };
        // What is too long is not put together to the end.
        bytes += one.bytes();
        if bytes > MAX_ANSWER {
            return Err(too_long());
        }
        group_info.push(one);
    }
    within_a_megabyte(told(&Found { group_info }))
}

/// The inner error is the group's own.
fn found(call: &Call, id: &str) -> Result<Result<GroupInfo, RestError>, RestError> {
    // What another cloud's spelling named may be longer, and have other letters.
    let Ok(name) = GroupId::new(id) else {
        return Ok(Err(RestError::new(Code::NoSuchGroup, format!("group {id:.64} has no legal id"))));
    };
    match describe(call, &name) {
        Err(error) if [Code::NoSuchGroup, Code::GroupGone].contains(&error.code) => Ok(Err(error)),
        other => other.map(Ok),
    }
}

/// Which blocks and fields of a group are asked for.
struct Wants<'a> {
    base: BaseFields<'a>,
    /// `None`: all that there is.
    data: Option<Vec<&'a str>>,
    /// `None`: no members at all.
    members: Option<MemberFields<'a>>,
}

impl<'a> Wants<'a> {
    /// Without a filter everything is told, with one what it names. Names that there are not are passed over.
    fn read(call: &Call<'a>) -> Result<Wants<'a>, RestError> {
        let Some(filter) = call.body.part("ResponseFilter")? else {
            return Ok(Wants { base: BaseFields(None), data: None, members: Some(MemberFields::all()) });
        };
        let of_members = MemberFields::read(&filter)?;
        Ok(Wants {
            base: BaseFields(Some(names(&filter, "GroupBaseInfoFilter")?)),
            data: Some(names(&filter, "AppDefinedDataFilter_Group")?),
            members: if filter.lists_any(&["MemberInfoFilter", "AppDefinedDataFilter_GroupMember"]) { Some(of_members) } else { None },
        })
    }

    fn told(&self, call: &Call, info: GroupInfo) -> Result<Told, RestError> {
        let mut told = common(info.group.as_str(), 0, String::new());
        told.0.extend(self.base.of(call, &info));
        if self.data.as_ref().is_none_or(|keys| !keys.is_empty()) {
            told.0.push(("AppDefinedData", data::told(&info.data, self.data.as_deref())));
        }
        if let Some(fields) = &self.members {
            told.0.push(("MemberList", members(call, &info, fields)?));
        }
        Ok(told)
    }
}

/// Of a live room nothing is kept of its members.
fn members(call: &Call, info: &GroupInfo, fields: &MemberFields) -> Result<Value, RestError> {
    if !info.kind.keeps_members() {
        return Ok(json!([]));
    }
    if info.member_count > MOST_MEMBERS.into() {
        return Err(too_long());
    }
    let page = RosterPage { ranks: Vec::new(), after: None, skip: 0, limit: MOST_MEMBERS };
    match call.ask_group(&info.group, GroupRequest::Roster(page))? {
        Answer::Roster(found) => Ok(found.members.iter().map(|member| fields.told(member)).collect()),
        other => Err(call.unexpected(&other)),
    }
}

/// The names in a filter; absent: none.
pub(super) fn names<'a>(filter: &Body<'a>, block: &str) -> Result<Vec<&'a str>, RestError> {
    filter.texts(block, filter.list(block, MOST_NAMES)?.unwrap_or_default(), MAX_NAME)
}

/// Is the field among them, by this or by its other name?
pub(super) fn has(names: &[&str], field: &str) -> bool {
    const SAME: [[&str; 2]; 3] = [["MuteAllMember", "ShutUpAllMember"], ["MuteUntil", "ShutUpUntil"], ["MaxMemberNum", "MaxMemberCount"]];
    let other = SAME.iter().find(|same| same.contains(&field));
    names.iter().any(|name| *name == field || other.is_some_and(|same| same.contains(name)))
}

/// Which fields of a group itself; `None`: all.
pub(super) struct BaseFields<'a>(pub Option<Vec<&'a str>>);

impl BaseFields<'_> {
    pub fn of(&self, call: &Call, info: &GroupInfo) -> impl Iterator<Item = (&'static str, Value)> {
        let muted = if info.mutes.all { "On" } else { "Off" };
        let members = if info.kind.keeps_members() { info.member_count } else { info.online };
        let all = [
            ("Type", json!(kind_name(info.kind))),
            ("Name", room_name(&info.group, &info.name).into()),
            ("Appid", call.app.sdkappid.into()),
            ("Introduction", info.info.as_str().into()),
            ("Notification", info.room.notice.as_str().into()),
            ("FaceUrl", info.room.cover_url.as_str().into()),
            ("Owner_Account", info.owner.as_str().into()),
            ("CreateTime", info.created.seconds().into()),
            ("LastInfoTime", info.modified.seconds().into()),
            // 0: nobody has said anything.
            ("LastMsgTime", info.last_said.map_or(0, Millis::seconds).into()),
            ("NextMsgSeq", (info.top + 1).into()),
            ("MemberNum", members.into()),
            ("MaxMemberNum", info.room.max_members.into()),
            ("ApplyJoinOption", join_option_name(info.join_option).into()),
            ("MuteAllMember", muted.into()),
            ("ShutUpAllMember", muted.into()),
        ];
        all.into_iter().filter(|(field, _)| self.0.as_ref().is_none_or(|names| has(names, field)))
    }
}

/// What is told of something, in the order of the documents' samples.
pub(super) struct Told(pub Vec<(&'static str, Value)>);

impl Told {
    fn bytes(&self) -> usize {
        self.0.iter().map(|(field, value)| field.len() + value.to_string().len() + 4).sum()
    }
}

impl Serialize for Told {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.0.iter().map(|(field, value)| (field, value)))
    }
}

/// What is told of each group.
fn common(group: &str, code: u32, info: String) -> Told {
    Told(vec![("GroupId", group.into()), ("ErrorCode", code.into()), ("ErrorInfo", info.into())])
}
