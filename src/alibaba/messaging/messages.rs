//! Messages of groups (`alibaba.md` §2.4): sending one as the business's server, listing what was
//! said, taking it back. What is said to one user is in `direct.rs`.

use crate::{
    alibaba::{
        error::RpcError,
        operation::{Call, Fields, done, fields, unexpected},
    },
    domain::{
        Millis,
        message::{Draft, Message, MessagePage, Sender},
        request::{Answer, Deleter, GroupRequest, Request},
        sending::Voice,
    },
};
use serde_json::{Value, json};

/// Answers with the message's `MsgTid`, which the caller may have chosen.
pub fn send(call: &Call) -> Fields {
    let (id, group) = (call.app_id()?, call.params.group()?);
    let info = call.params.bounded("SenderMetaInfo", call.quotas().user_info_bytes)?;
    let sender = Sender { user: call.params.user("SenderId")?, info, client: None };
    let mut draft = Draft {
        // No default is documented; the API's example sends 1.
        kind: call.params.int32("MsgType", 1)?,
        tid: call.params.tid()?,
        weight: call.params.int32("Weight", 1)?,
        increase: call.params.int32("StaticsIncrease", 1)?.into(),
        no_storage: call.params.flag("NoStorage")?.unwrap_or(false),
        no_cache: call.params.flag("NoCache")?.unwrap_or(false),
        ..Draft::text(call.params.bounded("Body", call.quotas().body_bytes)?)
    };
    let app = call.enabled_app(&id)?;
    call.gateway.words.look_up(&app, &mut draft);
    match call.say(&app, Request::Send { app: id, group, sender, voice: Voice::Server, by: call.actor(String::new()), draft: Box::new(draft) })? {
        Answer::Sent(said) => Ok(fields(json!({"MsgTid": said.tid.as_str()}))),
        Answer::Dropped { .. } => Ok(fields(json!({"MsgTid": ""}))),
        other => Err(unexpected(&other)),
    }
}

/// Messages of a deleted group are listed, too. The token is the number of the last one listed.
pub fn list(call: &Call) -> Fields {
    let (id, group) = (call.app_id()?, call.params.group()?);
    let ascending = call.params.ascending()?;
    let limit = call.page_size()?;
    let after = call.params.token("NextPageToken")?.map(i64::unsigned_abs);
    // In whole seconds, both ends included; an end of 0 is an SDK's way to say none.
    let begin = call.params.int("BeginTime", 0, i64::MAX)?;
    let end = call.params.int("EndTime", 0, i64::MAX)?.filter(|n| *n > 0);
    if begin.zip(end).is_some_and(|(begin, end)| begin > end) {
        return Err(RpcError::invalid("BeginTime", "is after EndTime"));
    }
    let kind = match call.params.filled("MsgType") {
        Some(_) => Some(call.params.int32("MsgType", 0)?),
        None => None,
    };
    call.enabled_app(&id)?;
    let page = MessagePage {
        ascending,
        kind,
        begin: begin.map(|s| Millis(s.saturating_mul(1000))),
        end: end.map(|s| Millis(s.saturating_mul(1000).saturating_add(999))),
        after,
        limit,
    };
    let messages = call.gateway.ask.messages(&id, &group, &page).map_err(|why| {
        tracing::error!(why, "messages could not be read");
        RpcError::server()
    })?;
    let found = messages.ok_or_else(|| RpcError::not_found(format_args!("Group {group}")))?;
    let list: Vec<Value> = found.messages.iter().map(told).collect();
    let (more, next) = (found.next.is_some(), found.next.unwrap_or(0));
    Ok(fields(json!({"GroupId": group.as_str(), "Hasmore": more, "NextPageToken": next, "MessageList": list})))
}

/// Its content goes, for those who have it as well.
pub fn delete(call: &Call) -> Fields {
    let (id, group) = (call.app_id()?, call.params.group()?);
    let (tid, by) = (call.params.message()?, deleter(call)?);
    done(call.ask_group(&id, &group, GroupRequest::DeleteMessage { tid: tid.clone(), by })?)?;
    Ok(fields(json!({"GroupId": group.as_str(), "MessageId": tid.as_str()})))
}

/// Who deletes a message, as those who have it are told.
pub(super) fn deleter(call: &Call) -> Result<Deleter, RpcError> {
    Ok(Deleter { user: call.params.author("DeleterId")?, info: call.params.bounded("DeleterInfo", call.quotas().user_info_bytes)? })
}

fn told(m: &Message) -> Value {
    json!({
        "MsgTid": m.tid.as_str(),
        "MsgType": m.kind,
        "Body": m.body,
        "Sender": {"UserId": m.sender.as_str(), "UserInfo": m.sender_info},
        "SeqNumber": m.seq.unwrap_or(0),
        "Timestamp": m.at.seconds(),
        "TotalMessages": m.total,
    })
}
