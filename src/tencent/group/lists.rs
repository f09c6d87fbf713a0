//! Lists of groups (`tencent.md` §5.2): all of an application, and all that a user is in.

use super::{info, info::BaseFields, info::Told, kind, within_a_megabyte};
use crate::{
    domain::{
        kind::MemberInfo,
        request::{Answer, GroupInfo, GroupPage, JoinedPage, PageStart, Request},
    },
    tencent::{
        command::{Call, told},
        names::{flag_name, rank_name},
        rest::Outcome,
    },
};
use serde::Serialize;
use serde_json::{Value, json};

/// Groups in one call: of an application, and of a user.
const PAGE: i64 = 10_000;
const JOINED_PAGE: i64 = 5_000;

/// The oldest first. The cursor is the number of the last group on the page before.
pub fn all(call: &Call) -> Outcome {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Found {
        total_count: u64,
        group_id_list: Vec<Named>,
        next: i64,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Named {
        group_id: String,
    }
    let limit = call.body.int("Limit", 0, PAGE)?.filter(|n| *n > 0).unwrap_or(PAGE) as u32; // in range by the check
    let after = call.body.int("Next", 0, i64::MAX)?.filter(|next| *next > 0);
    let kind = kind(call, "GroupType")?;
    let page = GroupPage { app: call.app.id.clone(), ascending: true, deleted: Some(false), kind, from: PageStart::After(after), limit };
    let found = call.read(call.gateway.ask.groups(&page))?;
    let names = found.groups.iter().map(|group| Named { group_id: group.id.to_string() }).collect();
    told(&Found { total_count: found.total, group_id_list: names, next: found.next.unwrap_or(0) })
}

/// Live rooms only where they are asked for. Without a filter the ids alone are told.
pub fn joined(call: &Call) -> Outcome {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Found {
        total_count: u64,
        group_id_list: Vec<Told>,
    }
    let user = call.body.some_user("Member_Account")?;
    let live = call.body.bit("WithHugeGroups")?.unwrap_or(false);
    // Every group is active as soon as it is made, and none has topics.
    call.body.bit("WithNoActiveGroups")?;
    call.body.bit("SupportTopic")?;
    let limit = call.body.int("Limit", 0, JOINED_PAGE)?.filter(|n| *n > 0).unwrap_or(JOINED_PAGE) as u32; // in range by the check
    let skip = call.body.number("Offset")?.unwrap_or(0).into();
    let kind = kind(call, "GroupType")?;
    let filter = call.body.part("ResponseFilter")?;
    let names = |block| filter.as_ref().map_or(Ok(Vec::new()), |filter| info::names(filter, block));
    let (base, own) = (BaseFields(Some(names("GroupBaseInfoFilter")?)), names("SelfInfoFilter")?);
    let page = JoinedPage { app: call.app.id.clone(), user, kind, live, skip, limit };
    match call.ask(Request::Joined(page))? {
        Answer::Joined(found) => {
            let one = |(info, member): &(GroupInfo, MemberInfo)| {
                let mut told = Told(vec![("GroupId", info.group.as_str().into())]);
                told.0.extend(base.of(call, info));
                if !own.is_empty() {
                    told.0.push(("SelfInfo", itself(member, &own)));
                }
                told
            };
            within_a_megabyte(told(&Found { total_count: found.total, group_id_list: found.groups.iter().map(one).collect() }))
        }
        other => Err(call.unexpected(&other)),
    }
}

/// What the user is in the group.
fn itself(member: &MemberInfo, fields: &[&str]) -> Value {
    let all = [
        ("Role", json!(rank_name(member.rank))),
        ("JoinTime", member.joined.seconds().into()),
        ("MsgFlag", flag_name(member.flag).into()),
        ("MsgSeq", member.seen.into()),
    ];
    json!(Told(all.into_iter().filter(|(field, _)| fields.contains(field)).collect()))
}
