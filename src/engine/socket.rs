//! What a connection asks, once nothing stands against it: joining, speaking, reading, asking of a group,
//! publishing in a channel.

use super::{Position, SocketCommand, SocketOp, batch::Batch, execute::unreadable};
use crate::{
    domain::{
        ConnRef, Gid, GroupId, Named, Refusal, SessionId, Tx, channel, direct,
        event::{OfflineCause, Reason},
        group::{self, GroupState},
        membership::{self, Recovery},
        message::Message,
        participant,
        push::{self, Closed, Push, Reply},
        quota,
        request::{Answer, Deleter, GroupRequest, NewGroup},
        sending::Speaker,
        session::{self, Link, SocketEnd},
    },
    store::{Recovered, Store},
};
use std::sync::Arc;

impl Batch<'_> {
    pub(super) fn socket(&mut self, command: SocketCommand) -> Result<(), Refusal> {
        let SocketCommand { conn, id, op } = command;
        match op {
            SocketOp::Connect(login) => {
                let (app, user) = (login.app.clone(), login.user.clone());
                session::connect(&mut self.tx, conn, id, *login, self.ids.session())?;
                if let Some(sid) = self.tx.state.session_of(&app, &user).map(|s| s.session.sid.clone()) {
                    self.repeat_unacked(&sid, conn);
                }
                Ok(())
            }
            SocketOp::Subscribe { sid, group, join_leave, since } => {
                let (store, mut read) = (self.store, 0);
                let recover = |found: &GroupState| {
                    let recovery = since.map_or_else(|| Ok(Recovery::default()), |since| recover(store, found, &since))?;
                    read = recovery.messages.iter().map(|m| m.wire_size()).sum();
                    Ok(recovery)
                };
                let done = membership::subscribe(&mut self.tx, &sid, conn, id, &group, join_leave, recover);
                self.read += read;
                done
            }
            SocketOp::Join { sid, joining } => channel::join(&mut self.tx, &sid, conn, id, *joining, self.ids.stay()),
            SocketOp::Unsubscribe { sid, from } => {
                let session = self.tx.state.session(&sid).ok_or(Refusal::NoSession)?.session.clone();
                match from {
                    Named::Group(group) => {
                        if let Some(gid) = self.tx.state.group_named(&session.app, &group).map(|g| g.config.gid) {
                            membership::leave(&mut self.tx, &sid, gid, Some((OfflineCause::Left, session.actor())));
                        }
                    }
                    Named::Channel(name) => {
                        if let Ok((cid, user)) = channel::joined(&self.tx, &sid, &name) {
                            channel::leave(&mut self.tx, cid, &user, Reason::Normal);
                        }
                    }
                }
                self.tx.push(Push::Reply { conn, id, reply: Reply::Unsubscribed });
                Ok(())
            }
            SocketOp::Publish { sid, group, draft } => {
                let session = self.tx.state.session(&sid).ok_or(Refusal::NoSession)?.session.clone();
                // Also to one that was dropped: nothing tells its sender.
                self.send(&session.app, &group, Speaker::Member(&sid), session.actor(), &draft)?;
                self.tx.push(Push::Reply { conn, id, reply: Reply::Published });
                Ok(())
            }
            SocketOp::Presence { sid, of } => {
                let members = match of {
                    Named::Group(group) => {
                        self.member_of(&sid, &group)?;
                        let app = self.tx.state.session(&sid).ok_or(Refusal::NoSession)?.session.app.clone();
                        membership::presence(&self.tx, &app, &group)?
                    }
                    Named::Channel(name) => channel::presence(&self.tx, channel::joined(&self.tx, &sid, &name)?.0)?,
                };
                self.read += members.iter().map(push::Present::wire_size).sum::<usize>();
                self.tx.push(Push::Reply { conn, id, reply: Reply::Presence(members) });
                Ok(())
            }
            SocketOp::PresenceStats { sid, of } => {
                let users = match of {
                    Named::Group(group) => {
                        let gid = self.member_of(&sid, &group)?;
                        self.tx.state.group(gid).map_or(0, |g| g.present.len())
                    }
                    Named::Channel(name) => {
                        let (cid, _) = channel::joined(&self.tx, &sid, &name)?;
                        self.tx.state.channels.get(cid).map_or(0, |c| c.participants.len())
                    }
                } as u64;
                self.tx.push(Push::Reply { conn, id, reply: Reply::PresenceStats { clients: users, users } });
                Ok(())
            }
            SocketOp::History { sid, group, since, reverse, limit } => {
                let gid = self.member_of(&sid, &group)?;
                let found = self.tx.state.group(gid).ok_or_else(|| Refusal::NoSuchGroup(group.to_string()))?;
                let (top, epoch) = (found.counters.top, found.config.epoch);
                if since.as_ref().is_some_and(|s| !s.is_of(epoch)) {
                    return Err(Refusal::Unrecoverable);
                }
                let messages = match limit {
                    0 => Vec::new(),
                    n => self.store.history(gid, since.map(|s| s.offset), reverse, n.min(quota::MAX_HISTORY)).map_err(unreadable)?,
                };
                self.read += messages.iter().map(Message::wire_size).sum::<usize>();
                let messages = messages.into_iter().map(Arc::new).collect();
                self.tx.push(Push::Reply { conn, id, reply: Reply::History { messages, top, epoch } });
                Ok(())
            }
            SocketOp::Group { sid, group, what } => {
                let session = self.tx.state.session(&sid).ok_or(Refusal::NoSession)?.session.clone();
                group::permit(&self.tx, &session, &group, &what)?;
                let user = session.user.to_string();
                let what = match *what {
                    GroupRequest::Create(new) => GroupRequest::Create(Box::new(NewGroup { owner: user, ..*new })),
                    GroupRequest::DeleteMessage { tid, .. } => GroupRequest::DeleteMessage { tid, by: Deleter { user, info: session.info.clone() } },
                    what => what,
                };
                let answer = self.group(&session.app, &group, session.actor(), what, Some(&session))?;
                if matches!(&answer, Answer::Members(found) if found.super_large) {
                    return Err(Refusal::NoList(group.to_string()));
                }
                self.tx.push(Push::Reply { conn, id, reply: Reply::Rpc(Box::new(answer)) });
                Ok(())
            }
            SocketOp::Do { sid, channel, doing } => {
                let (cid, user) = channel::joined(&self.tx, &sid, &channel)?;
                let answer = Answer::Participant(participant::perform(&mut self.tx, cid, &user, doing)?);
                self.tx.push(Push::Reply { conn, id, reply: Reply::Rpc(Box::new(answer)) });
                Ok(())
            }
            SocketOp::SendDirect { sid, draft } => {
                let session = self.tx.state.session(&sid).ok_or(Refusal::NoSession)?.session.clone();
                let saying = (*draft, session.actor());
                let (_, message) = direct::send(&mut self.tx, &session.app, session.sender(), saying, self.ids.tid(), self.ids.tid())?;
                let answer = Answer::Sent(message.said());
                self.tx.push(Push::Reply { conn, id, reply: Reply::Rpc(Box::new(answer)) });
                Ok(())
            }
            SocketOp::Ack { sid, acks } => {
                self.acked(&sid, &acks);
                Ok(())
            }
            SocketOp::Logoff { sid } => {
                self.tx.push(Push::Reply { conn, id, reply: Reply::Rpc(Box::new(Answer::Done)) });
                self.tx.push(Push::Close { conn, why: Closed::LoggedOff });
                session::socket_ended(&mut self.tx, &sid, conn, SocketEnd::LoggedOff);
                Ok(())
            }
            SocketOp::Ended { sid, how } => {
                session::socket_ended(&mut self.tx, &sid, conn, how);
                Ok(())
            }
        }
    }

    /// The live group that the session names.
    fn group_of(&self, sid: &SessionId, name: &GroupId) -> Result<Gid, Refusal> {
        let session = self.tx.state.session(sid).ok_or(Refusal::NoSession)?;
        Ok(self.tx.state.live_group(&session.session.app, name)?.config.gid)
    }

    /// The same, and the session is in it.
    fn member_of(&self, sid: &SessionId, name: &GroupId) -> Result<Gid, Refusal> {
        let gid = self.group_of(sid, name)?;
        match self.tx.state.session(sid) {
            Some(state) if state.groups.iter().any(|(_, g)| *g == gid) => Ok(gid),
            _ => Err(Refusal::NotInGroup(name.to_string())),
        }
    }
}

/// What came after the position. Another epoch, or a position ahead of the stream, is not ours.
fn recover(store: &Store, group: &GroupState, since: &Position) -> Result<Recovery, Refusal> {
    let top = group.counters.top;
    if !since.is_of(group.config.epoch) || since.offset > top {
        return Ok(Recovery { complete: Some(false), ..Recovery::default() });
    }
    Ok(match store.recover(group.config.gid, since.offset, top).map_err(unreadable)? {
        Recovered::All(messages) => Recovery { messages: messages.into_iter().map(Arc::new).collect(), complete: Some(true), offset: Some(since.offset) },
        Recovered::Not => Recovery { complete: Some(false), ..Recovery::default() },
    })
}

/// The command came over the session's present connection, not over one that was displaced.
pub(super) fn linked(tx: &Tx, conn: ConnRef, sid: &SessionId) -> Result<(), Refusal> {
    match tx.state.link(sid) {
        Some(Link::Attached { conn: current, .. }) if current == conn => Ok(()),
        _ => Err(Refusal::NoSession),
    }
}

/// The same, of any command: one that connects has no session yet, and an end is looked at by itself.
pub(super) fn linked_or_new(tx: &Tx, command: &SocketCommand) -> Result<(), Refusal> {
    match command.op.sid() {
        Some(sid) => linked(tx, command.conn, sid),
        None => Ok(()),
    }
}
