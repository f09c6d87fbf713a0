//! Groups (`alibaba.md` §2.2). The spelling of the fields is the cloud's: `Createtime`,
//! `Deletatime`, `Deletor`.

use super::{
    Call, Fields,
    apps::fields,
    params::{check_new_id, no_id},
    unexpected,
};
use crate::domain::{
    GroupId, UserId,
    id::MAX_ID,
    request::{Answer, GroupInfo, GroupRequest, NewGroup, Request},
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
    let mut admins = call.params.list("Administrators", call.quotas().admins_per_group)?.map(|list| list.items).unwrap_or_default();
    let mut seen = std::collections::BTreeSet::new();
    admins.retain(|admin| seen.insert(admin.clone()));
    for admin in &admins {
        check_new_id("Administrators", admin)?;
    }
    let new = NewGroup {
        name: call.params.bounded("GroupName", call.quotas().group_name_bytes)?,
        info: call.params.bounded("GroupInfo", call.quotas().group_info_bytes)?,
        creator: creator.to_string(),
        admins: admins.iter().map(|admin| UserId::trusted(admin)).collect(),
    };
    call.enabled_app(&id)?;
    match call.ask(Request::Group { app: id, group: GroupId::trusted(name), what: GroupRequest::Create(new) })? {
        Answer::Created { already_exists, already_deleted } => {
            Ok(fields(json!({"GroupId": name, "AlreadyExists": already_exists, "AlreadyDelete": already_deleted})))
        }
        other => Err(unexpected(&other)),
    }
}

/// Times in unix seconds. A deleted group is still described, without its counts.
pub fn describe(call: &Call) -> Fields {
    let (id, group) = (call.app_id()?, call.params.group()?);
    call.enabled_app(&id)?;
    match call.ask(Request::Group { app: id, group, what: GroupRequest::Describe })? {
        Answer::Group(info) => Ok(described(&info)),
        other => Err(unexpected(&other)),
    }
}

fn described(info: &GroupInfo) -> Map<String, Value> {
    let admins: Vec<&str> = info.admins.iter().map(UserId::as_str).collect();
    let mut out = fields(json!({
        "AdminList": admins,
        "Createtime": info.created.seconds(),
        "CreatorId": info.creator,
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

/// Succeeds for what is not there, too.
pub fn delete(call: &Call) -> Fields {
    let (id, group) = (call.app_id()?, call.params.group()?);
    let by = call.params.bounded("OperatorId", MAX_ID as u32)?;
    if !by.is_empty() {
        UserId::new(&by).map_err(no_id("OperatorId"))?;
    }
    call.enabled_app(&id)?;
    match call.ask(Request::Group { app: id, group: group.clone(), what: GroupRequest::Delete { by } })? {
        Answer::Done => Ok(fields(json!({"GroupId": group.as_str()}))),
        other => Err(unexpected(&other)),
    }
}
