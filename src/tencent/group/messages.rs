//! What is said in a group (`tencent.md` §5.2, §5.3): a message in a user's name, and what the business tells by itself.

use super::{MOST_USERS, describe, is_live, no_topic, of_kind};
use crate::{
    domain::{
        GroupId, Refusal, UserId,
        message::{Draft, Sender},
        request::{Answer, GroupRequest, Request, Unsent},
        sending::Voice,
    },
    tencent::{
        command::Call,
        error::{Code, RestError},
        message::{self, Options},
        names::PRIORITIES,
        rest::Outcome,
    },
};

/// Users who alone are to read a message, and users who are told that they are meant.
const MOST_RECEIVERS: usize = 50;
const MOST_MENTIONED: usize = 30;
/// Stands for everybody among those who are meant.
const EVERYBODY: &str = "@all";

/// Whoever is named as its sender need not be a member: the administrator speaks.
pub fn send(call: &Call) -> Outcome {
    let group = call.body.text("GroupId", 0)?.ok_or_else(|| call.body.missing("GroupId"))?;
    let random = call.body.some_number("Random")?;
    let mut draft = message::draft(call, random, options(call)?)?;
    draft.weight = super::chosen(call, "MsgPriority", PRIORITIES)?.unwrap_or(draft.weight);
    draft.to = call.body.users("To_Account", MOST_RECEIVERS)?;
    let online_only = call.body.bit("OnlineOnlyFlag")?.unwrap_or(false);
    no_topic(call)?;
    let from = match call.body.text("From_Account", 0)? {
        None | Some("") => UserId::new(call.caller).map_err(|_| call.body.missing("From_Account"))?,
        Some(_) => call.body.some_user("From_Account")?,
    };
    // A group that cannot be is a failure of the message, of which the business is told.
    let Ok(id) = GroupId::new(group) else {
        let error = call.body.group().err().unwrap_or_else(|| call.body.missing("GroupId"));
        unsent(call, from, draft, Refusal::NoSuchGroup(group.into()))?;
        return Err(error);
    };
    if !draft.to.is_empty() || online_only {
        // Which group there is not is found out when it is sent.
        let live = describe(call, &id).is_ok_and(|group| is_live(group.kind));
        if live && !draft.to.is_empty() {
            let why = Refusal::NotAllowed(format!("name those who read a message in group {id}, which is a live room"));
            let error = call.family.refusal(&why);
            unsent(call, from, draft, why)?;
            return Err(error);
        }
        // In a live room everything is.
        (draft.no_storage, draft.no_cache) = (online_only && !live, online_only && !live);
    }
    say(call, id, from, draft)
}

/// In the name of a user, whose mutes count.
pub fn say(call: &Call, group: GroupId, user: UserId, draft: Draft) -> Outcome {
    let sender = Sender { user, info: String::new(), client: None };
    let request = Request::Send { app: call.app.id.clone(), group, sender, voice: Voice::User, by: call.actor(), draft: Box::new(draft) };
    message::answer(call, call.ask_with_others(request)?)
}

fn unsent(call: &Call, from: UserId, draft: Draft, why: Refusal) -> Result<(), RestError> {
    let group = call.body.text("GroupId", 0)?.unwrap_or_default().into();
    let unsent = Unsent { app: call.app.id.clone(), group, from: from.to_string(), by: call.actor(), draft, why };
    call.done(call.ask(Request::Unsent(Box::new(unsent)))?).map(drop)
}

fn options(call: &Call) -> Result<Options, RestError> {
    const AT: &str = "GroupAtInfo";
    call.body.at_most(AT, MOST_MENTIONED, Code::TooManyMentioned)?;
    let mut at: Vec<String> = Vec::new();
    for part in call.body.parts(AT, MOST_MENTIONED)? {
        let all = part.bit("GroupAtAllFlag")?.unwrap_or(false);
        let who = if all { EVERYBODY.to_owned() } else { part.some_user("GroupAt_Account")?.to_string() };
        if !at.contains(&who) {
            at.push(who);
        }
    }
    Ok(Options { at, extension: call.body.bit("SupportMessageExtension")?.unwrap_or(false), ..Options::default() })
}

/// Who is there reads it, nothing of it is kept, and no limit of a second counts it.
pub fn notify(call: &Call) -> Outcome {
    const TO: &str = "ToMembers_Account";
    let id = call.body.group()?;
    let content = call.body.some_text("Content", 0)?;
    call.body.at_most(TO, MOST_USERS, Code::TooManyAccounts)?;
    let to = call.body.users(TO, MOST_USERS)?;
    let most = call.gateway.rules.quotas.element_bytes;
    Draft { elements: Some(content.into()), ..Draft::text("") }
        .check(&call.gateway.rules.quotas)
        .map_err(|_| RestError::new(Code::MessageTooLong, format!("Content has {} bytes; {most} are allowed", content.len())))?;
    if !to.is_empty() {
        of_kind(call, &id, |kind| !is_live(kind), Code::GroupNotAllowed)?;
    }
    match call.ask_group(&id, GroupRequest::Notify { content: content.into(), to })? {
        Answer::Done => Ok(None),
        other => Err(call.unexpected(&other)),
    }
}
