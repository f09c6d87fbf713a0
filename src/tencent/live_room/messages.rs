//! What is said in a room in a user's name (`tencent.md` §4, §5.3): a text, or a program's own data. Each becomes
//! a message of the group with the elements that a client of the chat reads, so its mutes and its pace count.

use crate::{
    domain::{
        UserId,
        app::Audit,
        message::{Draft, Sender},
        request::{Answer, Request},
        sending::{Dropped, Voice},
    },
    tencent::{
        command::{Call, told},
        elements,
        rest::Outcome,
    },
};
use serde::Serialize;

/// Who says it.
const SENDER: &str = "Sender_Account";
/// What a message is that many others of the same second left no room for.
const DROPPED: &str = "MsgFreqCtrl";

/// Its body, for those who know nothing of elements, is the text.
pub fn send_text(call: &Call) -> Outcome {
    let sender = call.body.some_new_user(SENDER)?;
    // The message's own limit is told with its own code.
    let text = call.body.some_text("TextContent", 0)?;
    let custom = call.body.text("ExtensionInfo", 0)?.unwrap_or_default();
    send(call, sender, Draft { elements: Some(elements::text(text)), custom: custom.into(), ..Draft::text(text) })
}

/// Its body is the array of elements. Without a sender it is the caller's.
pub fn send_custom(call: &Call) -> Outcome {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Own<'a> {
        business_id: &'a str,
        data: &'a str,
    }
    let sender = match call.body.new_user(SENDER)? {
        Some(user) => user,
        None => UserId::new(call.caller).map_err(|_| call.body.missing(SENDER))?,
    };
    let own = Own { business_id: call.body.some_text("BusinessId", 0)?, data: call.body.text("Data", 0)?.ok_or_else(|| call.body.missing("Data"))? };
    let data = serde_json::to_string(&own).expect("texts");
    let elements = elements::custom(&data, None);
    send(call, sender, Draft { elements: Some(elements.clone()), ..Draft::text(elements) })
}

fn send(call: &Call, user: UserId, mut draft: Draft) -> Outcome {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Sent {
        msg_time: i64,
        msg_seq: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        msg_drop_reason: Option<&'static str>,
    }
    let group = call.body.room()?;
    draft.check(&call.gateway.rules.quotas).map_err(|why| call.family.refusal(&why))?;
    call.gateway.words.look_up(&call.app, &mut draft);
    let sender = Sender { user, info: String::new(), client: None };
    let request = Request::Send { app: call.app.id.clone(), group, sender, voice: Voice::User, by: call.actor(), draft: Box::new(draft) };
    // It may be moderated first, by another server.
    let waits = call.gateway.rules.moderate_servers && call.app.audit != Audit::None;
    match if waits { call.ask_patiently(request)? } else { call.ask(request)? } {
        Answer::Sent(said) => told(&Sent { msg_time: said.at.seconds(), msg_seq: said.seq.unwrap_or(0), msg_drop_reason: None }),
        Answer::Dropped { why, at } => {
            let msg_drop_reason = (why == Dropped::TooMany).then_some(DROPPED);
            told(&Sent { msg_time: at.seconds(), msg_seq: 0, msg_drop_reason })
        }
        other => Err(call.unexpected(&other)),
    }
}
