//! Messages to one user (`alibaba.md` §2.4), which reach a client that is connected at this moment.
//! Whether and by what it confirms them is not known here.

use super::messages::deleter;
use crate::{
    alibaba::{
        error::RpcError,
        operation::{Call, Fields, done, fields, unexpected},
    },
    domain::{
        direct::DirectDraft,
        message::{Draft, Sender},
        request::{Answer, Request},
    },
};
use serde_json::json;

/// Answers with the message's `MsgTid`, which the caller may have chosen. With `HighReliability` only
/// when the receiver's client has confirmed it.
pub fn send(call: &Call) -> Fields {
    let id = call.app_id()?;
    let info = call.params.bounded("SenderInfo", call.quotas().user_info_bytes)?;
    let sender = Sender { user: call.params.user("SenderId")?, info, client: None };
    let receiver = call.params.user("ReceiverId")?;
    let reliable = call.params.flag("HighReliability")?.unwrap_or(false);
    let mut draft = Draft {
        kind: call.params.int32("MsgType", 1)?,
        tid: call.params.tid()?,
        // Unlike a group's messages, these are stored only when the caller says so.
        no_storage: !call.params.flag("Storage")?.unwrap_or(false),
        ..Draft::text(call.params.bounded("Body", call.quotas().body_bytes)?)
    };
    let app = call.enabled_app(&id)?;
    call.gateway.words.look_up(&app, &mut draft);
    let request =
        Request::SendDirect { app: id, sender, by: call.actor(String::new()), draft: Box::new(DirectDraft { receiver, draft, reliable, chat: None }) };
    match if reliable { call.ask_patiently(request)? } else { call.say(&app, request)? } {
        Answer::Sent(said) => Ok(fields(json!({"MsgTid": said.tid.as_str()}))),
        Answer::Dropped { .. } => Ok(fields(json!({"MsgTid": ""}))),
        other => Err(unexpected(&other)),
    }
}

pub fn delete(call: &Call) -> Fields {
    let (id, tid, receiver) = (call.app_id()?, call.params.message()?, call.params.user("ReceiverId")?);
    if call.params.filled("DeleterId").is_none() {
        return Err(RpcError::invalid("DeleterId", "must name who deletes the message"));
    }
    let by = deleter(call)?;
    call.enabled_app(&id)?;
    done(call.ask(Request::DeleteDirect { app: id, receiver, tid, by })?)
}
