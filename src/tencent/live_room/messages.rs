//! What is said in a room in a user's name (`tencent.md` §4, §5.3): a text, or a program's own data. Each becomes
//! a message of the group with the elements that a client of the chat reads, so its mutes and its pace count.

use super::rooms::describe;
use crate::{
    domain::{UserId, message::Draft},
    tencent::{command::Call, elements, group::messages::say, rest::Outcome},
};
use serde::Serialize;

/// Who says it.
const SENDER: &str = "Sender_Account";

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
    let room = call.body.room()?;
    describe(call, &room)?;
    call.gateway.words.look_up(&call.app, &mut draft);
    say(call, room, user, draft)
}
