//! Groups (`alibaba.md` §2.2). The spelling of the fields is the cloud's: `Createtime`,
//! `Deletatime`, `Deletor`.

use crate::{
    alibaba::{
        error::RpcError,
        operation::{Call, Fields, done, fields, unexpected},
        params::check_new_id,
    },
    domain::{
        GroupId, UserId,
        group::Group,
        quota,
        request::{Answer, GroupChange, GroupInfo, GroupPage, GroupRequest, GroupsFound, NewGroup, PageStart},
    },
};
use serde_json::{Map, Value, json};

/// An id that lives is answered with `AlreadyExists`, one that was deleted also with `AlreadyDelete`.
pub fn create(call: &Call) -> Fields {
    let id = call.app_id()?;
    let name = call.params.filled("GroupId").unwrap_or_default();
    check_new_id("GroupId", name)?;
    let creator = call.params.text("CreatorId").unwrap_or_default();
    if !creator.is_empty() {
        check_new_id("CreatorId", creator)?;
    }
    let admins = call.params.new_users("Administrators", call.quotas().admins_per_group)?;
    let new = NewGroup {
        name: call.params.bounded("GroupName", call.quotas().group_name_bytes)?,
        info: call.params.bounded("GroupInfo", call.quotas().group_info_bytes)?,
        owner: creator.to_string(),
        admins,
        ..NewGroup::default()
    };
    match call.ask_group_as(creator.to_string(), &id, &GroupId::trusted(name), GroupRequest::Create(Box::new(new)))? {
        Answer::Created { already_exists, already_deleted, .. } => {
            Ok(fields(json!({"GroupId": name, "AlreadyExists": already_exists, "AlreadyDelete": already_deleted})))
        }
        other => Err(unexpected(&other)),
    }
}

/// Times in unix seconds. A deleted group is still described, without its counts.
pub fn describe(call: &Call) -> Fields {
    let (id, group) = (call.app_id()?, call.params.group()?);
    match call.ask_group(&id, &group, GroupRequest::Describe)? {
        Answer::Group(info) => Ok(described(&info)),
        other => Err(unexpected(&other)),
    }
}

/// Only what is flagged changes. Administrators that are not given stay: an SDK of the old kind leaves an empty list out.
/// An empty list, or no info, empties.
pub fn modify(call: &Call) -> Fields {
    let (id, group) = (call.app_id()?, call.params.group()?);
    let flagged = |name: &str| Ok::<bool, RpcError>(call.params.flag(name)?.unwrap_or(false));
    let info = call.params.bounded("GroupInfo", call.quotas().group_info_bytes)?;
    let admins = call.params.new_users("AdminList", call.quotas().admins_per_group)?;
    let admins = (flagged("ModifyAdmin")? && call.params.is_given("AdminList")).then_some(admins);
    let what = GroupRequest::Modify(Box::new(GroupChange { info: flagged("ModifyInfo")?.then_some(info), admins, ..GroupChange::default() }));
    done(call.ask_group(&id, &group, what)?)
}

fn described(info: &GroupInfo) -> Map<String, Value> {
    let admins: Vec<&str> = info.admins.iter().map(UserId::as_str).collect();
    let mut out = fields(json!({
        "AdminList": admins,
        "Createtime": info.created.seconds(),
        "CreatorId": info.owner,
        "Delete": info.deleted.is_some(),
        "GroupId": info.group.as_str(),
        "GroupInfo": info.info,
        "GroupName": info.name,
        "SuperLargeGroup": info.super_large,
    }));
    match &info.deleted {
        Some((at, by)) => {
            out.insert("Deletatime".into(), at.seconds().into());
            out.insert("Deletor".into(), by.clone().into());
        }
        None => {
            let amounts: Map<String, Value> = info.amounts.iter().map(|(kind, n)| (kind.to_string(), (*n).into())).collect();
            out.insert("MsgAmount".into(), amounts.into());
            out.insert("OnlineUserCounts".into(), info.online.into());
            out.insert("TotalTimes".into(), info.total.into());
        }
    }
    out
}

/// The page has a fixed size. The token is the number of the last group listed, and a text, as the SDK's model has it.
pub fn list(call: &Call) -> Fields {
    let token = call.params.spelling("NextPageToken", "NextpageToken")?;
    let from = PageStart::After(call.params.token(token)?);
    let found = page(call, from, quota::PAGE.min(call.largest_page()))?;
    let mut out = fields(json!({"GroupList": listed(&found.groups), "Hasmore": found.next.is_some()}));
    if let Some(next) = found.next {
        out.insert("NextpageToken".into(), next.to_string().into());
    }
    Ok(out)
}

pub fn list_by_page(call: &Call) -> Fields {
    let number = call.params.int("PageNumber", 1, quota::LAST_PAGE.into())?.unwrap_or(1).unsigned_abs();
    let size = call.page_size_from(1)?.unwrap_or(quota::PAGE.min(call.largest_page()));
    let found = page(call, PageStart::Skip((number - 1) * u64::from(size)), size)?;
    Ok(fields(json!({"GroupList": listed(&found.groups), "PageNumber": number, "PageSize": size, "TotalCount": found.total})))
}

/// What both lists have in common: reads what they are asked for, then the groups.
fn page(call: &Call, from: PageStart, limit: u32) -> Result<GroupsFound, RpcError> {
    let app = call.app_id()?;
    let ascending = call.params.ascending()?;
    let deleted = call.params.int("GroupStatus", 0, 2)?.filter(|status| *status > 0).map(|status| status == 2);
    call.enabled_app(&app)?;
    call.gateway.ask.groups(&GroupPage { app, ascending, deleted, kind: None, from, limit }).map_err(|why| {
        tracing::error!(why, "groups could not be read");
        RpcError::server()
    })
}

fn listed(groups: &[Group]) -> Vec<Value> {
    let item = |group: &Group| {
        let admins: Vec<&str> = group.admins.iter().map(UserId::as_str).collect();
        json!({
            "AdminList": admins,
            "Createtime": group.created.seconds(),
            "CreatorId": group.owner,
            "Delete": group.deleted.is_some(),
            "GroupId": group.id.as_str(),
            "GroupInfo": group.info,
            "GroupName": group.name,
        })
    };
    groups.iter().map(item).collect()
}

/// Succeeds for what is not there, too.
pub fn delete(call: &Call) -> Fields {
    let (id, group) = (call.app_id()?, call.params.group()?);
    let by = call.params.author("OperatorId")?;
    done(call.ask_group_as(by, &id, &group, GroupRequest::Delete)?)?;
    Ok(fields(json!({"GroupId": group.as_str()})))
}

/// Succeeds for one that lives, too.
pub fn recover(call: &Call) -> Fields {
    let (id, group) = (call.app_id()?, call.params.group()?);
    done(call.ask_group(&id, &group, GroupRequest::Recover)?)?;
    Ok(fields(json!({"GroupId": group.as_str()})))
}
