//! What a business is told of what was refused: of a message, or that a group was full. The command itself left nothing
//! behind, so it is told in a step of its own. What was done is told by the domain, in the same step.

use super::{SocketCommand, SocketOp, batch::Batch, look::Incoming};
use crate::domain::{
    AppId, GroupId, Refusal,
    event::InGroup,
    fate::{self, Telling, To},
    message::Draft,
    request::{Actor, GroupRequest, Request, Unsent},
};

/// Taken down before a command is done, which takes its parts along.
pub(super) enum Noted {
    Message(Telling),
    /// Somebody wants to come into this group.
    Coming(AppId, GroupId, Actor),
}

impl Batch<'_> {
    pub(super) fn noted(&self, incoming: &Incoming) -> Option<Noted> {
        match incoming {
            Incoming::Socket(command) => self.noted_of_socket(command),
            Incoming::Call(request, _) => self.noted_of_call(request),
        }
    }

    /// `None`: nobody is told, whatever becomes of it.
    pub(super) fn noted_of_socket(&self, command: &SocketCommand) -> Option<Noted> {
        let (SocketOp::Publish { sid, .. } | SocketOp::SendDirect { sid, .. } | SocketOp::Subscribe { sid, .. }) = &command.op else { return None };
        let session = &self.tx.state.session(sid)?.session;
        let (app, by) = (self.heard_of(&session.app)?, || session.actor());
        Some(match &command.op {
            SocketOp::Publish { group, draft, .. } => Noted::Message(self.to_group(app, group.to_string(), session.user.to_string(), by(), draft)),
            SocketOp::SendDirect { draft, .. } => Noted::Message(draft.telling(app, &session.user, by(), || self.ids.number() as u32)),
            SocketOp::Subscribe { group, .. } => Noted::Coming(app.clone(), group.clone(), by()),
            _ => return None,
        })
    }

    /// The same of a request.
    pub(super) fn noted_of_call(&self, request: &Request) -> Option<Noted> {
        Some(match request {
            Request::Send { app, group, sender, by, draft, .. } => {
                Noted::Message(self.to_group(self.heard_of(app)?, group.to_string(), sender.user.to_string(), by.clone(), draft))
            }
            Request::SendDirect { app, sender, by, draft } => {
                Noted::Message(draft.telling(self.heard_of(app)?, &sender.user, by.clone(), || self.ids.number() as u32))
            }
            Request::Group { app, group, by, what: GroupRequest::AddMembers { .. } } => Noted::Coming(self.heard_of(app)?.clone(), group.clone(), by.clone()),
            _ => return None,
        })
    }

    fn heard_of<'a>(&self, app: &'a AppId) -> Option<&'a AppId> {
        self.tx.state.apps.get(app).filter(|app| fate::is_heard(app)).map(|_| app)
    }

    fn to_group(&self, app: &AppId, group: String, from: String, by: Actor, draft: &Draft) -> Telling {
        let content = draft.content(|| self.ids.number() as u32);
        Telling { app: app.clone(), to: To::Group(group), from, by, content }
    }

    /// The command was refused.
    pub(super) fn tell_refused(&mut self, noted: Option<Noted>, why: &Refusal) {
        let Some(noted) = noted else { return };
        let mark = self.tx.mark();
        match noted {
            Noted::Message(telling) => telling.tell_refused(&mut self.tx, why),
            Noted::Coming(app, group, by) if matches!(why, Refusal::GroupFull(_)) => {
                if let Some(gid) = self.tx.state.group_named(&app, &group).map(|group| group.config.gid) {
                    self.tx.group_event(gid, by, InGroup::Full);
                }
            }
            Noted::Coming(..) => {}
        }
        // What cannot be written is in the log; whoever asked has its own answer.
        let _ = self.settle(mark, Ok(()));
    }

    /// A message that never became a command.
    pub(super) fn unsent(&mut self, unsent: Unsent) -> Result<(), Refusal> {
        let Unsent { app, group, from, by, draft, why } = unsent;
        if fate::is_heard(self.tx.state.app(&app)?) {
            self.to_group(&app, group, from, by, &draft).tell_refused(&mut self.tx, &why);
        }
        Ok(())
    }
}
