//! What a business is asked before something is done, and what it may answer (`tencent.md` §6.2). No cloud's
//! spelling: a dialect makes a call of the question, and reads the answer.

use super::{
    AppId, GroupId, UserId,
    endpoint::EndpointId,
    event::Content,
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

impl HookKind {
    /// What would be asked about before this is done, and in which application.
    pub fn of(request: &Request) -> Option<(&AppId, HookKind)> {
        match request {
            Request::Send { app, .. } => Some((app, HookKind::Message)),
            Request::SendDirect { app, .. } => Some((app, HookKind::Direct)),
            Request::Group { app, what: GroupRequest::Create(_), .. } => Some((app, HookKind::Create)),
            Request::Group { app, what: GroupRequest::AddMembers { .. }, .. } => Some((app, HookKind::Invite)),
            _ => None,
        }
    }

    /// Is it about a message?
    pub fn says(self) -> bool {
        matches!(self, HookKind::Message | HookKind::Direct)
    }
}
