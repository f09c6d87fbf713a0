//! What a connection can ask of the engine; what the control API asks is `domain/request/`.

use crate::domain::{
    ChannelId, ConnRef, Epoch, GroupId, Named, SessionId, UserId,
    channel::Joining,
    direct::DirectDraft,
    message::Draft,
    mute::MuteChange,
    participant::Doing,
    request::{GroupRequest, Request},
    session::{Login, SocketEnd},
};

/// What a connection asks, decoded and checked.
#[derive(Clone, Debug)]
pub struct SocketCommand {
    pub conn: ConnRef,
    /// The number by which the client knows its answer; 0 for what nobody waits for.
    pub id: u32,
    pub op: SocketOp,
}

#[derive(Clone, Debug)]
pub enum SocketOp {
    Connect(Box<Login>),
    /// `since`: recover what came after this position.
    Subscribe {
        sid: SessionId,
        group: GroupId,
        join_leave: bool,
        since: Option<Position>,
    },
    /// The same of a channel.
    Join {
        sid: SessionId,
        joining: Box<Joining>,
    },
    Unsubscribe {
        sid: SessionId,
        from: Named,
    },
    Publish {
        sid: SessionId,
        group: GroupId,
        draft: Box<Draft>,
    },
    Presence {
        sid: SessionId,
        of: Named,
    },
    PresenceStats {
        sid: SessionId,
        of: Named,
    },
    History {
        sid: SessionId,
        group: GroupId,
        since: Option<Position>,
        reverse: bool,
        limit: u32,
    },
    /// Something that a user may ask of a group.
    Group {
        sid: SessionId,
        group: GroupId,
        what: Box<GroupRequest>,
    },
    /// What the user does in a channel.
    Do {
        sid: SessionId,
        channel: ChannelId,
        doing: Doing,
    },
    SendDirect {
        sid: SessionId,
        draft: Box<DirectDraft>,
    },
    /// Reliable messages that the client confirms.
    Ack {
        sid: SessionId,
        acks: Vec<String>,
    },
    Logoff {
        sid: SessionId,
    },
    /// The socket is gone.
    Ended {
        sid: SessionId,
        how: SocketEnd,
    },
}

impl SocketOp {
    /// Who asks, where it matters that it is over the session's present connection.
    pub fn sid(&self) -> Option<&SessionId> {
        match self {
            SocketOp::Connect(_) | SocketOp::Ended { .. } => None,
            SocketOp::Subscribe { sid, .. }
            | SocketOp::Join { sid, .. }
            | SocketOp::Unsubscribe { sid, .. }
            | SocketOp::Publish { sid, .. }
            | SocketOp::Presence { sid, .. }
            | SocketOp::PresenceStats { sid, .. }
            | SocketOp::History { sid, .. }
            | SocketOp::Group { sid, .. }
            | SocketOp::Do { sid, .. }
            | SocketOp::SendDirect { sid, .. }
            | SocketOp::Ack { sid, .. }
            | SocketOp::Logoff { sid } => Some(sid),
        }
    }

    /// What others read when it is done: it counts as a message.
    pub fn counts_as_message(&self) -> bool {
        match self {
            SocketOp::Publish { .. } | SocketOp::SendDirect { .. } | SocketOp::Do { .. } => true,
            SocketOp::Group { what, .. } => {
                matches!(**what, GroupRequest::Modify(_) | GroupRequest::ChangeMutes(_) | GroupRequest::DeleteMessage { .. })
            }
            _ => false,
        }
    }

    /// The message that it is, if it is one.
    pub fn draft_mut(&mut self) -> Option<&mut Draft> {
        match self {
            SocketOp::Publish { draft, .. } => Some(draft),
            SocketOp::SendDirect { draft, .. } => Some(&mut draft.draft),
            _ => None,
        }
    }

    /// Bytes of text that it carries, as far as they count.
    pub fn bytes(&self) -> usize {
        match self {
            SocketOp::Publish { draft, .. } => draft.bytes(),
            SocketOp::SendDirect { draft, .. } => draft.draft.bytes(),
            SocketOp::Group { what, .. } => text_of(what),
            SocketOp::Ack { acks, .. } => acks.iter().map(String::len).sum(),
            _ => 0,
        }
    }
}

/// Bytes of text that a request carries, as far as they count.
pub(super) fn bytes_of(request: &Request) -> usize {
    match request {
        Request::Send { draft, .. } => draft.bytes(),
        Request::SendDirect { draft, .. } => draft.draft.bytes(),
        Request::Unsent(unsent) => unsent.draft.bytes(),
        Request::ImportAccounts { accounts, .. } => accounts.iter().map(|account| account.nick.len() + account.face_url.len()).sum(),
        Request::Group { what, .. } => text_of(what),
        _ => 0,
    }
}

/// The same of what is asked of a group.
fn text_of(what: &GroupRequest) -> usize {
    let ids = |users: &[UserId]| users.iter().map(|user| user.as_str().len()).sum();
    match what {
        GroupRequest::Create(new) => new.info.len(),
        GroupRequest::Modify(change) => change.info.as_ref().map_or(0, String::len),
        GroupRequest::ChangeMutes(
            MuteChange::Mute(users) | MuteChange::MuteUntil(users, _) | MuteChange::Unmute(users) | MuteChange::MuteAll { except: users },
        ) => ids(users),
        GroupRequest::Contains { users }
        | GroupRequest::PutOut { users }
        | GroupRequest::Ban { users, .. }
        | GroupRequest::Unban { users }
        | GroupRequest::Ranks { users }
        | GroupRequest::ChangeAdmins { users, .. } => ids(users),
        GroupRequest::AddMembers { members } => {
            members.iter().map(|m| m.user.as_str().len() + m.data.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>()).sum()
        }
        GroupRequest::Notify { content, to } => content.len() + ids(to),
        GroupRequest::SetMetadata(entries) => entries.iter().map(|(key, value)| key.len() + value.len()).sum(),
        _ => 0,
    }
}

/// A place in a stream; the epoch is text as the client gave it, and may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    pub offset: u64,
    pub epoch: String,
}

impl Position {
    /// Of this stream, or of none in particular.
    pub fn is_of(&self, epoch: Epoch) -> bool {
        self.epoch.is_empty() || self.epoch == epoch.to_string()
    }
}
