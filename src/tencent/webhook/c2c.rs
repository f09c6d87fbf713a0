//! What is told of a message to one user (`tencent.md` §6.3): it was said, or it failed. The question before it says
//! the same of the message, so that stands here as well.

use super::{Body, Told, endpoint, message, query};
use crate::{
    domain::{
        Millis, Refusal,
        app::App,
        event::{Content, DirectEvent, Fate, Rendered},
    },
    tencent::{
        error::{Family, RestError},
        words,
    },
};

/// A message and whose it is.
#[derive(Clone, Copy)]
pub struct Said<'a> {
    pub from: &'a str,
    pub to: &'a str,
    /// As its sender counts.
    pub seq: u32,
    pub at: Millis,
    pub content: &'a Content,
}

/// `None`: the business refused it itself, which is no failure, or does not want to hear of it.
pub fn render(event: &DirectEvent, app: &App) -> Option<Rendered> {
    let word = words::C2C_AFTER_SEND_MSG;
    let at = match &event.fate {
        Fate::Accepted { at, .. } => *at,
        Fate::Dropped(_) => return None,
        Fate::Rejected(Refusal::HookRefused { .. } | Refusal::HookSilent) => return None,
        Fate::Rejected(_) => event.at,
    };
    let endpoint = endpoint(word, app)?;
    let body = body(word, Said { from: &event.from, to: &event.to, seq: event.seq, at, content: &event.content });
    let body = match &event.fate {
        Fate::Rejected(refusal) => {
            let RestError { number, info, .. } = Family::C2c.refusal(refusal);
            let body = body.with("SendMsgResult", number).with("ErrorInfo", info).with("UnreadMsgNum", -1);
            message::shortened(body, &event.content)
        }
        // Nobody here counts what was read.
        Fate::Accepted { .. } | Fate::Dropped(_) => body.with("SendMsgResult", 0).with("ErrorInfo", "send msg succeed").with("UnreadMsgNum", 0),
    };
    let told = Told { query: query(word, app, Some(&event.by.from)), body };
    Some(told.rendered(endpoint, subject(&event.from, &event.to)))
}

/// What is told of every message to one user.
pub fn body(word: &str, said: Said) -> Body {
    let (seq, random, at) = (said.seq, said.content.random, said.at.seconds());
    let body = Body::new(word)
        .with("From_Account", said.from)
        .with("To_Account", said.to)
        .with("MsgSeq", seq)
        .with("MsgRandom", random)
        .with("MsgTime", at)
        .with("MsgKey", format!("{seq}_{random}_{at}"))
        .with("OnlineOnlyFlag", u8::from(said.content.online_only));
    message::with_content(body, said.content)
}

/// What two say to each other is told in its order. No name has a line end.
fn subject(one: &str, other: &str) -> String {
    let (first, second) = if one <= other { (one, other) } else { (other, one) };
    format!("{first}\n{second}")
}
