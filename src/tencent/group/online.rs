//! Who is in a live room at this moment (`tencent.md` §5.2); of other types it is not told.

use super::{is_live, of_kind};
use crate::{
    domain::request::{Answer, GroupRequest, MemberFound, MemberPage},
    tencent::{
        command::{Call, told},
        error::Code,
        rest::Outcome,
    },
};
use serde::Serialize;

/// Members on a page. There are two pages at most.
const PAGE: u32 = 500;

pub fn count(call: &Call) -> Outcome {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Found {
        online_member_num: u64,
    }
    let id = call.body.group()?;
    let group = of_kind(call, &id, is_live, Code::GroupNotAllowed)?;
    told(&Found { online_member_num: group.online })
}

/// Who joined first comes first. The cursor, called a time stamp, is a place in the order of joining.
pub fn list(call: &Call) -> Outcome {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Found {
        member_list: Vec<Member>,
        next_timestamp: u64,
    }
    /// Name and picture are the user's own, which rooms do not know.
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Member {
        #[serde(rename = "Member_Account")]
        user: String,
        join_time: i64,
        nick_name: &'static str,
        avatar: &'static str,
    }
    let id = call.body.group()?;
    let after = call.body.int("Timestamp", 0, i64::MAX)?.filter(|cursor| *cursor > 0).map(|cursor| cursor as u64); // not negative
    of_kind(call, &id, is_live, Code::GroupNotAllowed)?;
    match call.ask_group(&id, GroupRequest::Members(MemberPage { ascending: true, after, limit: PAGE }))? {
        Answer::Members(found) => {
            let member = |found: MemberFound| Member { user: found.user.to_string(), join_time: found.joined.seconds(), nick_name: "", avatar: "" };
            let next_timestamp = found.next.filter(|_| after.is_none()).unwrap_or(0);
            told(&Found { member_list: found.members.into_iter().map(member).collect(), next_timestamp })
        }
        other => Err(call.unexpected(&other)),
    }
}
