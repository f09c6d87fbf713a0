//! What was said in a group, and taking it back (`tencent.md` §5.2). The cloud keeps nothing of what is said in live
//! rooms, so neither is done there.

use super::{is_live, no_topic, of_kind};
use crate::{
    domain::{
        message::{HistoryPage, Message},
        request::{Answer, GroupRequest},
    },
    tencent::{
        command::{Call, told},
        elements,
        error::{Code, RestError},
        names::priority_number,
        rest::Outcome,
    },
};
use serde::Serialize;
use serde_json::value::RawValue;

/// Messages in one call.
const PAGE: u32 = 20;
/// Messages that one call takes back.
const MOST_RECALLED: usize = 10;
/// Bytes of the reason.
const MAX_REASON: usize = 1_000;

/// What a message's place is without it.
const RECALLED: u8 = 2;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Said {
    #[serde(rename = "From_Account")]
    from: String,
    is_place_msg: u8,
    msg_body: Box<RawValue>,
    #[serde(skip_serializing_if = "String::is_empty")]
    cloud_custom_data: String,
    msg_priority: usize,
    msg_random: u32,
    msg_seq: u64,
    msg_time_stamp: i64,
}

/// The newest first.
pub fn get(call: &Call) -> Outcome {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Found {
        group_id: String,
        is_finished: u8,
        rsp_msg_list: Vec<Said>,
    }
    let id = call.body.group()?;
    let wanted = call.body.some_number("ReqMsgNumber")?;
    if wanted == 0 {
        return Err(call.body.bad("ReqMsgNumber", format!("must be a whole number from 1; {PAGE} messages are told at most")));
    }
    // 0 is none: some clients send it.
    let up_to = call.body.number("ReqMsgSeq")?.filter(|seq| *seq > 0).map(u64::from);
    let deleted = call.body.bit("WithRecalledMsg")?.unwrap_or(false);
    no_topic(call)?;
    of_kind(call, &id, |kind| !is_live(kind), Code::NoHistory)?;
    // One more than is told says whether all were told that were asked for.
    let page = HistoryPage { up_to, limit: wanted.min(PAGE + 1), deleted };
    let mut found = call.read(call.gateway.ask.history(&call.app.id, &id, &page))?.unwrap_or_default();
    let whole = found.len() <= PAGE as usize;
    found.truncate(PAGE as usize);
    told(&Found { group_id: id.to_string(), is_finished: whole.into(), rsp_msg_list: found.into_iter().map(Said::from).collect() })
}

impl From<Message> for Said {
    fn from(message: Message) -> Said {
        let elements = if message.deleted { Some("[]") } else { message.elements.as_deref() };
        Said {
            from: message.sender.to_string(),
            is_place_msg: if message.deleted { RECALLED } else { 0 },
            msg_body: elements::of(&message.body, message.kind, elements),
            msg_priority: priority_number(message.weight),
            msg_random: message.random(),
            msg_seq: message.seq.unwrap_or(0),
            msg_time_stamp: message.at.seconds(),
            cloud_custom_data: if message.deleted { String::new() } else { message.custom },
        }
    }
}

/// Each has its own code; taken back again is no error.
pub fn recall(call: &Call) -> Outcome {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Recalled {
        recall_ret_list: Vec<One>,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct One {
        msg_seq: u64,
        ret_code: u32,
    }
    let id = call.body.group()?;
    let parts = call.body.some_parts("MsgSeqList", MOST_RECALLED)?;
    let seqs = parts.iter().map(|part| part.some_number_or_text("MsgSeq").map(u64::from)).collect::<Result<Vec<_>, RestError>>()?;
    call.body.text("Reason", MAX_REASON)?;
    no_topic(call)?;
    of_kind(call, &id, |kind| !is_live(kind), Code::NoRecall)?;
    match call.ask_group(&id, GroupRequest::Recall { seqs })? {
        Answer::Recalled(done) => {
            let one = |(msg_seq, there)| One { msg_seq, ret_code: if there { 0 } else { Code::NoSuchMessage as u32 } };
            told(&Recalled { recall_ret_list: done.into_iter().map(one).collect() })
        }
        other => Err(call.unexpected(&other)),
    }
}
