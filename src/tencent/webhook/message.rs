//! What is told of a message to a group (`tencent.md` §6.3, §6.4): that it was said, or that it was not and why. The
//! question before it says the same of the message, so that stands here as well. Which refusals are told at all is
//! not decided here.

use super::{Body, Told, endpoint, operator, query};
use crate::{
    domain::{
        Refusal,
        app::App,
        event::{Content, Fate, MessageEvent, Rendered},
        kind::GroupKind,
        request::Actor,
        sending::Dropped,
    },
    tencent::{
        elements,
        error::{Family, RestError},
        names, words,
    },
};

/// So many bytes of elements, and of the sender's own data, are told of a message that was not said. It may have been refused
/// for its length, or come from somebody who may say nothing: no more is told of it than of a message that could be said …
const MOST_TOLD: usize = 16 * 1024;
/// … and so many characters of a group's name that no group can have, and of the reason, which may name it.
const MOST_NAME: usize = 128;
const MOST_INFO: usize = 512;

/// A message and where it goes.
#[derive(Clone, Copy)]
pub struct Said<'a> {
    /// As its sender named it.
    pub group: &'a str,
    /// `None`: there is no such group.
    pub kind: Option<GroupKind>,
    /// As whom it is said.
    pub from: &'a str,
    pub by: &'a Actor,
    pub content: &'a Content,
}

/// `None`: there is no word for what became of it, or the application does not want to hear of it.
pub fn render(event: &MessageEvent, app: &App) -> Option<Rendered> {
    let word = match &event.fate {
        Fate::Accepted { .. } => words::AFTER_SEND_MSG,
        Fate::Dropped(Dropped::Discarded) => return None,
        Fate::Dropped(Dropped::TooMany) | Fate::Rejected(_) => words::SEND_MSG_EXCEPTION,
    };
    let endpoint = endpoint(word, app)?;
    let group = begin(&event.group, MOST_NAME);
    let said = Said { group, kind: event.kind, from: begin(&event.from, MOST_NAME), by: &event.by, content: &event.content };
    let body = body(word, said, app).at(event.at, app);
    let body = match &event.fate {
        Fate::Accepted { seq, at } => body.with("MsgSeq", seq.unwrap_or(0)).with("MsgTime", at.seconds()),
        Fate::Dropped(_) => failed(body, &Refusal::GroupTooFast, &event.content),
        Fate::Rejected(refusal) => failed(body, refusal, &event.content),
    };
    let told = Told { query: query(word, app, Some(&event.by.from)), body };
    Some(told.rendered(endpoint, group.into()))
}

/// At most so many characters of it.
fn begin(text: &str, most: usize) -> &str {
    text.char_indices().nth(most).map_or(text, |(at, _)| &text[..at])
}

/// What is told of every message to a group.
pub fn body(word: &str, said: Said, app: &App) -> Body {
    let content = said.content;
    // A live room keeps nothing in any case.
    let online_only = content.online_only && said.kind != Some(GroupKind::AvChatRoom);
    let body = Body::new(word)
        .with("GroupId", said.group)
        .with("Type", said.kind.map_or("", names::kind_name))
        .with("From_Account", said.from)
        .with("Operator_Account", operator(said.by, app))
        .with("Random", content.random)
        .with("OnlineOnlyFlag", u8::from(online_only))
        .with("MsgPriority", names::priority_name(content.weight));
    with_content(body, content)
}

/// The message itself, which is told of those to one user alike.
pub fn with_content(body: Body, content: &Content) -> Body {
    let body = body.with("MsgBody", elements::of(&content.body, content.kind, content.elements.as_deref()));
    if content.custom.is_empty() { body } else { body.with("CloudCustomData", &content.custom) }
}

/// The code and the words that the REST API answers with.
fn failed(body: Body, refusal: &Refusal, content: &Content) -> Body {
    let RestError { number, info, .. } = Family::Group.refusal(refusal);
    // The document lists the sender's own data without saying that it may be missing.
    let body = body.with("ErrorCode", number).with("ErrorInfo", begin(&info, MOST_INFO)).with("CloudCustomData", &content.custom);
    shortened(body, content)
}

/// What is too long to be said is too long to be told.
pub fn shortened(body: Body, content: &Content) -> Body {
    let bytes = content.elements.as_ref().map_or(content.body.len(), String::len);
    let body = if bytes > MOST_TOLD { body.with("MsgBody", [(); 0]) } else { body };
    if content.custom.len() > MOST_TOLD { body.with("CloudCustomData", "") } else { body }
}
