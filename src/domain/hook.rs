//! What a business is asked before something is done, and what it may answer (`tencent.md` §6.2). No cloud's
//! spelling: a dialect makes a call of the question, and reads the answer.

use super::{
    GroupId, UserId,
    app::{Audit, Directory},
    endpoint::EndpointId,
    event::Content,
    fate,
    group::Group,
    request::{GroupRequest, NewGroup, Request},
};
use std::sync::Arc;

/// What is about to be done.
#[derive(Clone, Debug)]
pub enum Before {
    /// Somebody says something in a group.
    Message {
        group: Arc<Group>,
        from: UserId,
        content: Arc<Content>,
    },
    /// Somebody says something to one user. `seq` as its sender counts.
    Direct {
        from: UserId,
        to: UserId,
        content: Arc<Content>,
        seq: u32,
    },
    /// `count`: groups of this kind that its owner has.
    Create {
        group: GroupId,
        new: Arc<NewGroup>,
        count: u64,
    },
    /// A user wants to join by itself.
    Apply {
        group: Arc<Group>,
        user: UserId,
    },
    Invite {
        group: Arc<Group>,
        users: Vec<UserId>,
    },
}

/// The question as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookCall {
    /// Whose URL and token it goes with.
    pub endpoint: EndpointId,
    /// Goes to the end of the URL's query, before the signature.
    pub query: String,
    pub body: Vec<u8>,
    pub kind: HookKind,
}

/// How an answer is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookKind {
    Message,
    Direct,
    Create,
    Apply,
    Invite,
}

/// What came of the question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookAnswer {
    /// It may be done, but with what stands here in place of what was asked about.
    Proceed {
        rewritten: Rewritten,
        /// Who is not to come.
        without: Vec<UserId>,
    },
    /// `code`: the business's own; `None`: the cloud's.
    Refuse { code: Option<u32>, info: String },
    /// The sender is told that it was said, and nobody reads it.
    Discard,
    /// Nothing that says anything, in time.
    NoAnswer,
}

/// Parts of a message that are others than its sender gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rewritten {
    /// Elements, as a JSON array, and the text for those who know nothing of elements.
    pub elements: Option<(String, String)>,
    pub custom: Option<String>,
}

/// May the request have to wait until a business's server has answered?
pub fn may_wait(request: &Request, directory: &Directory) -> bool {
    let (app, says) = match request {
        Request::Send { app, .. } | Request::SendDirect { app, .. } => (app, true),
        Request::Group { app, what: GroupRequest::Create(_) | GroupRequest::AddMembers { .. }, .. } => (app, false),
        _ => return false,
    };
    directory.apps.get(app).is_some_and(|app| fate::is_heard(app) || says && matches!(app.audit, Audit::Custom(_)))
}
