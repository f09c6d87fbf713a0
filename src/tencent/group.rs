//! Groups as the chat sees them (`tencent.md` §5.2). Every group is of the type AVChatRoom: free to join, and
//! the cloud keeps no data of its members.

use super::{
    command::{Call, told},
    error::{Code, RestError},
    rest::Outcome,
    words::room_name,
};
use crate::domain::{
    GroupId, Millis,
    request::{Answer, GroupInfo, GroupRequest},
};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

const TYPE: &str = "AVChatRoom";
/// Groups in one call.
const MOST_GROUPS: usize = 50;
/// Names in one filter; undocumented, and there are not so many fields.
const MOST_NAMES: usize = 100;
/// Bytes of an answer, which is at most 1 MB (§1.6).
const MAX_ANSWER: usize = 1_000_000;

/// Each group has its own code, and the whole is no error (§5.2).
pub fn get_info(call: &Call) -> Outcome {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Found {
        group_info: Vec<Told>,
    }
    const LIST: &str = "GroupIdList";
    let list = call.body.some_list(LIST, MOST_GROUPS)?;
    let names = list.iter().map(Value::as_str).collect::<Option<Vec<_>>>().ok_or_else(|| call.body.bad(LIST, "must be an array of JSON strings"))?;
    let wants = Wants::read(call)?;
    let mut group_info = Vec::with_capacity(names.len());
    for name in names {
        group_info.push(match describe(call, name)? {
            Ok(info) => wants.told(call, info),
            Err(error) => common(name, error.code as u32, error.info),
        });
    }
    let outcome = told(&Found { group_info })?;
    if outcome.as_ref().is_some_and(|text| text.get().len() > MAX_ANSWER) {
        return Err(RestError::new(Code::AnswerTooLong, format!("the answer would have more than {MAX_ANSWER} bytes; ask for fewer groups or fields")));
    }
    Ok(outcome)
}

/// The inner error is the group's own.
fn describe(call: &Call, name: &str) -> Result<Result<GroupInfo, RestError>, RestError> {
    let nobodys = |why: &str| Ok(Err(RestError::new(Code::NoSuchGroup, format!("group {name:.64} {why}"))));
    // What another cloud's spelling named may be longer, and have other letters.
    let Ok(id) = GroupId::new(name) else { return nobodys("has no legal id") };
    match call.ask_group(&id, GroupRequest::Describe) {
        Ok(Answer::Group(info)) if info.deleted.is_none() => Ok(Ok(*info)),
        Ok(Answer::Group(_)) => Ok(Err(RestError::new(Code::GroupGone, format!("group {name} was disbanded")))),
        Ok(other) => Err(call.unexpected(&other)),
        Err(error) if error.code == Code::NoSuchGroup => Ok(Err(error)),
        Err(error) => Err(error),
    }
}

/// Which blocks and fields of a group are asked for.
struct Wants<'a> {
    /// `None`: all.
    base: Option<Vec<&'a str>>,
    data: bool,
    members: bool,
}

impl<'a> Wants<'a> {
    /// Without a filter everything is told, with one what it names. Names that there are not are passed over.
    fn read(call: &Call<'a>) -> Result<Wants<'a>, RestError> {
        let Some(filter) = call.body.part("ResponseFilter")? else { return Ok(Wants { base: None, data: true, members: true }) };
        let names = |block: &str| filter.texts(block, filter.list(block, MOST_NAMES)?.unwrap_or_default(), MOST_NAMES);
        names("AppDefinedDataFilter_GroupMember")?;
        Ok(Wants {
            base: Some(names("GroupBaseInfoFilter")?),
            data: !names("AppDefinedDataFilter_Group")?.is_empty(),
            members: !names("MemberInfoFilter")?.is_empty(),
        })
    }

    /// Fields of both generations of names are told together (§5.9).
    fn wants(&self, field: &str) -> bool {
        let mute_all = ["MuteAllMember", "ShutUpAllMember"];
        self.base.as_ref().is_none_or(|names| names.iter().any(|name| *name == field || mute_all.contains(name) && mute_all.contains(&field)))
    }

    fn told(&self, call: &Call, info: GroupInfo) -> Told {
        let muted = if info.mutes.all { "On" } else { "Off" };
        let base = [
            ("Type", json!(TYPE)),
            ("Name", room_name(&info.group, &info.name).into()),
            ("Appid", call.app.sdkappid.into()),
            ("Introduction", info.info.into()),
            ("Notification", info.room.notice.into()),
            ("FaceUrl", info.room.cover_url.into()),
            ("Owner_Account", info.owner.into()),
            ("CreateTime", info.created.seconds().into()),
            ("LastInfoTime", info.modified.seconds().into()),
            // 0: nobody has said anything.
            ("LastMsgTime", info.last_said.map_or(0, Millis::seconds).into()),
            ("NextMsgSeq", (info.top + 1).into()),
            ("MemberNum", info.online.into()),
            ("MaxMemberNum", info.room.max_members.into()),
            ("ApplyJoinOption", "FreeAccess".into()),
            ("MuteAllMember", muted.into()),
            ("ShutUpAllMember", muted.into()),
        ];
        let lists = [("AppDefinedData", self.data), ("MemberList", self.members)];
        let mut told = common(info.group.as_str(), 0, String::new());
        told.0.extend(base.into_iter().filter(|(field, _)| self.wants(field)));
        told.0.extend(lists.into_iter().filter(|(_, wanted)| *wanted).map(|(field, _)| (field, json!([]))));
        told
    }
}

/// What is told of a group, in the order of the documents' samples.
struct Told(Vec<(&'static str, Value)>);

impl Serialize for Told {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.0.iter().map(|(field, value)| (field, value)))
    }
}

/// What is told of each.
fn common(group: &str, code: u32, info: String) -> Told {
    Told(vec![("GroupId", group.into()), ("ErrorCode", code.into()), ("ErrorInfo", info.into())])
}
