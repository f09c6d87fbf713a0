//! What reaches connections: answers to their commands and what is pushed at them. The hub puts
//! these into bytes; the engine only says what, and to whom.

use super::{
    ChannelId, Cid, ConnRef, Epoch, Gid, GroupId, Millis, Named, Refusal, SessionId, Tid, Topic, UserId,
    direct::Direct,
    group::Group,
    message::Message,
    mute::Mutes,
    participant::Doing,
    request::{Answer, Deleter, GroupInfo, ParticipantInfo},
    session::Session,
};
use std::sync::Arc;

/// To one hub, in the order in which it happened.
#[derive(Clone, Debug)]
pub enum Push {
    /// The answer to the command `id` of a connection.
    Reply {
        conn: ConnRef,
        id: u32,
        reply: Reply,
    },
    Refuse {
        conn: ConnRef,
        id: u32,
        why: Refusal,
    },
    /// From here on the pushes of the group or channel go to this connection. Comes before its subscribe
    /// reply and is queued with it, so that none of them can stand before the reply.
    Attach {
        conn: ConnRef,
        topic: Topic,
        name: Named,
        join_leave: bool,
    },
    /// No more of them to this connection.
    Detach {
        conn: ConnRef,
        topic: Topic,
    },
    /// The same, and the client is told why.
    Unsubscribe {
        conn: ConnRef,
        topic: Topic,
        name: Named,
        why: Unsubscribed,
    },
    /// A message to all connections that are attached to the group.
    Message {
        gid: Gid,
        message: Arc<Message>,
    },
    /// A user came or went; to those attached who asked for it.
    Presence {
        topic: Topic,
        joined: bool,
        who: Arc<Present>,
    },
    /// A user in a channel publishes, or has another role; as it is now.
    Participant {
        cid: Cid,
        doing: Doing,
        who: Arc<ParticipantInfo>,
        at: Millis,
    },
    /// Counts of a super-large group.
    Count {
        gid: Gid,
        online: u64,
        total: u64,
        at: Millis,
    },
    /// Info or administrators of the group are others now.
    Info {
        gid: Gid,
        group: Arc<Group>,
        at: Millis,
    },
    /// What the group shows as a live room, and its metadata, are others now.
    Room {
        gid: Gid,
        group: Arc<Group>,
        at: Millis,
    },
    /// The group's mutes as they are now.
    Mutes {
        gid: Gid,
        mutes: Arc<Mutes>,
        /// With who is muted, and who is excepted; long lists, and those of a super-large group, are asked for.
        lists: bool,
        at: Millis,
    },
    /// The content of a message was deleted.
    MessageDeleted {
        gid: Gid,
        seq: u64,
        tid: Tid,
        by: Arc<Deleter>,
        at: Millis,
    },
    /// What the business tells those who are there.
    Notice {
        gid: Gid,
        content: Arc<str>,
        at: Millis,
    },
    /// A message or a notice of a group to one of those who are attached to it.
    Aimed {
        conn: ConnRef,
        push: Box<Push>,
    },
    /// A message to this user alone.
    Direct {
        conn: ConnRef,
        message: Arc<Direct>,
    },
    DirectDeleted {
        conn: ConnRef,
        tid: Tid,
        by: Arc<Deleter>,
        at: Millis,
    },
    Close {
        conn: ConnRef,
        why: Closed,
    },
}

/// Whom a push is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    Conn(ConnRef),
    /// All connections that are attached to it.
    Topic(Topic),
}

impl Push {
    pub fn target(&self) -> Target {
        match self {
            Push::Message { gid, .. }
            | Push::Count { gid, .. }
            | Push::Info { gid, .. }
            | Push::Room { gid, .. }
            | Push::Mutes { gid, .. }
            | Push::Notice { gid, .. }
            | Push::MessageDeleted { gid, .. } => Target::Topic(Topic::Group(*gid)),
            Push::Presence { topic, .. } => Target::Topic(*topic),
            Push::Participant { cid, .. } => Target::Topic(Topic::Channel(*cid)),
            Push::Reply { conn, .. }
            | Push::Refuse { conn, .. }
            | Push::Attach { conn, .. }
            | Push::Detach { conn, .. }
            | Push::Unsubscribe { conn, .. }
            | Push::Aimed { conn, .. }
            | Push::Direct { conn, .. }
            | Push::DirectDeleted { conn, .. }
            | Push::Close { conn, .. } => Target::Conn(*conn),
        }
    }
}

/// A member of a group, or a user in a channel, as others see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Present {
    pub user: UserId,
    /// Its session; of a user in a channel without one, its stay.
    pub client: SessionId,
    pub info: String,
    /// What it does in the channel; `None` in a group.
    pub participant: Option<ParticipantInfo>,
}

impl Present {
    /// In a group.
    pub fn of(session: &Session) -> Present {
        Present { user: session.user.clone(), client: session.sid.clone(), info: session.info.clone(), participant: None }
    }

    /// About its bytes on the wire.
    pub fn wire_size(&self) -> usize {
        120 + self.user.as_str().len() + 2 * self.info.len() + if self.participant.is_some() { 120 } else { 0 }
    }
}

#[derive(Clone, Debug)]
pub enum Reply {
    Connected(Box<Connected>),
    Subscribed(Box<Subscribed>),
    Joined(Box<Joined>),
    Unsubscribed,
    Published,
    Presence(Vec<Present>),
    PresenceStats { clients: u64, users: u64 },
    History { messages: Vec<Arc<Message>>, top: u64, epoch: Epoch },
    Rpc(Box<Answer>),
}

#[derive(Clone, Debug)]
pub struct Connected {
    pub sid: SessionId,
    pub app: super::AppId,
    pub user: UserId,
    pub role: String,
    pub resumed: bool,
    pub groups: Vec<GroupId>,
    pub channels: Vec<ChannelId>,
    pub at: Millis,
}

/// The answer to a subscribe to a channel.
#[derive(Clone, Debug)]
pub struct Joined {
    pub channel: ChannelId,
    pub participant: ParticipantInfo,
    /// The user was in already.
    pub rejoined: bool,
    /// Users in the channel.
    pub users: u64,
}

#[derive(Clone, Debug)]
pub struct Subscribed {
    pub epoch: Epoch,
    /// The position after the recovered messages, or the top of the stream.
    pub offset: u64,
    pub recovered: Vec<Arc<Message>>,
    /// `None` when no recovery was asked for.
    pub was_recovered: Option<bool>,
    pub group: GroupInfo,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsubscribed {
    GroupDeleted,
    /// From the group or the channel.
    Removed,
    ChannelClosed,
}

/// Why a connection is closed by the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// The same user has a newer connection.
    LoggedOnElsewhere,
    AppDisabled,
    /// The operator or the server API ended the session.
    ForcedOff,
    /// The client logged off by a command.
    LoggedOff,
}
