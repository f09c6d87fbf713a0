//! A message to everybody who is in a live room at this moment (`tencent.md` §5.2), whichever room it is.

use crate::{
    domain::{
        Refusal, UserId,
        group::Group,
        kind::GroupKind,
        message::Sender,
        request::{GroupPage, PageStart, Request},
        sending::Voice,
    },
    tencent::{
        command::{Call, told},
        message::{self, Options},
        rest::Outcome,
    },
};
use serde::Serialize;

/// Rooms that are looked up at once.
const PAGE: u32 = 500;
/// The call goes on so long at most, in ms; rooms that come later do not hear of it.
const PATIENCE: u64 = 10_000;

/// Nothing of it is kept, and nobody is asked or told about it room by room.
pub fn send(call: &Call) -> Outcome {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Sent {
        msg_seq: i64,
    }
    let random = call.body.some_number("Random")?;
    let mut draft = message::draft(call, random, Options::default())?;
    (draft.no_storage, draft.no_cache, draft.forbid_before, draft.forbid_after) = (true, true, true, true);
    let user = match call.body.text("From_Account", 0)? {
        None | Some("") => UserId::new(call.caller).map_err(|_| call.body.missing("From_Account"))?,
        Some(_) => call.body.some_user("From_Account")?,
    };
    let sender = Sender { user, info: String::new(), client: None };
    let began = call.gateway.clock.tick();
    let mut after = None;
    loop {
        let from = PageStart::After(after);
        let page = GroupPage { app: call.app.id.clone(), ascending: true, deleted: Some(false), kind: Some(GroupKind::AvChatRoom), from, limit: PAGE };
        let found = call.read(call.gateway.ask.groups(&page))?;
        for Group { id: group, .. } in found.groups {
            let (app, by) = (call.app.id.clone(), call.actor());
            let request = Request::Send { app, group, sender: sender.clone(), voice: Voice::User, by, draft: Box::new(draft.clone()) };
            match call.gateway.ask.call(request) {
                // Of the room alone: it is gone by now, or the sender may not speak there.
                Ok(_) | Err(Refusal::GroupDeleted(_) | Refusal::NoSuchGroup(_) | Refusal::Muted | Refusal::Banned { .. }) => {}
                Err(why) => return Err(call.family.refusal(&why)),
            }
            if call.gateway.clock.tick().since(began) > PATIENCE {
                tracing::warn!("there are too many live rooms for one broadcast; some did not hear of it");
                return told(&Sent { msg_seq: call.now().seconds() });
            }
        }
        after = found.next;
        if after.is_none() {
            // There is one a second, so the second numbers it.
            return told(&Sent { msg_seq: call.now().seconds() });
        }
    }
}
