//! What stands between a command and its being done: whom a business's server is to be asked about first. Changes
//! nothing; it is asked when a command comes, and again when an answer did.

use super::{Ports, SocketCommand, SocketOp, execute::unreadable, queue::Answering, socket::linked};
use crate::{
    domain::{
        AppId, ConnRef, Gid, GroupId, Named, Refusal, SessionId, Tid, Tx, UserId, account,
        app::App,
        direct::{self, DirectDraft},
        fate, group,
        hook::Before,
        kind::NewMember,
        membership,
        message::{Draft, Sender},
        moderation::About,
        repeat,
        request::{Actor, GroupRequest, NewGroup, Request, Said},
        ruling,
        sending::{self, Next, Passed, Sending, Speaker},
    },
    ids::Ids,
    store::Store,
};
use std::sync::Arc;

/// Who waits for the answer, and what was asked.
pub(super) enum Incoming {
    Socket(SocketCommand),
    Call(Box<Request>, Answering),
}

/// What keeps its order while it waits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Line {
    /// What a session says.
    Session(SessionId),
    /// What a business's server says as this user in a group, or to one user: many say all in one name.
    Server(AppId, UserId, String),
    /// A session's coming into a group, and its leaving.
    Place(SessionId, GroupId),
    /// The making of a group, and whom a business brings into it.
    Group(AppId, GroupId),
}

impl Incoming {
    /// Is it a message?
    pub fn says(&self) -> bool {
        match self {
            Incoming::Socket(command) => matches!(command.op, SocketOp::Publish { .. } | SocketOp::SendDirect { .. }),
            Incoming::Call(request, _) => matches!(**request, Request::Send { .. } | Request::SendDirect { .. }),
        }
    }

    pub fn bytes(&self) -> usize {
        match self {
            Incoming::Socket(command) => command.op.bytes(),
            Incoming::Call(request, _) => super::command::bytes_of(request),
        }
    }

    /// The message that it is, if it is one.
    pub fn draft_mut(&mut self) -> Option<&mut Draft> {
        match self {
            Incoming::Socket(command) => command.op.draft_mut(),
            Incoming::Call(request, _) => match &mut **request {
                Request::Send { draft, .. } => Some(draft),
                Request::SendDirect { draft, .. } => Some(&mut draft.draft),
                _ => None,
            },
        }
    }
}

/// What a look is taken with.
pub(super) struct Look<'a, 'tx> {
    pub tx: &'a Tx<'tx>,
    pub store: &'a Store,
    pub ids: &'a Ids,
    pub ports: &'a Ports,
}

impl Look<'_, '_> {
    /// Where it stands if it has to wait; `None`: it is nothing that ever waits.
    pub fn line(&self, incoming: &Incoming) -> Option<(Line, Arc<App>)> {
        let app = |id: &AppId| self.tx.state.apps.get(id).cloned();
        match incoming {
            Incoming::Socket(SocketCommand { op, .. }) => {
                let app = app(&self.tx.state.session(op.sid()?)?.session.app)?;
                let line = match op {
                    SocketOp::Publish { sid, .. } | SocketOp::SendDirect { sid, .. } => Line::Session(sid.clone()),
                    SocketOp::Subscribe { sid, group, .. } | SocketOp::Unsubscribe { sid, from: Named::Group(group) } => {
                        Line::Place(sid.clone(), group.clone())
                    }
                    SocketOp::Group { group, what, .. } if waits(what) => Line::Group(app.id.clone(), group.clone()),
                    _ => return None,
                };
                Some((line, app))
            }
            Incoming::Call(request, _) => match &**request {
                Request::Send { app: id, sender, group, .. } => Some((Line::Server(id.clone(), sender.user.clone(), group.to_string()), app(id)?)),
                Request::SendDirect { app: id, sender, draft, .. } => {
                    Some((Line::Server(id.clone(), sender.user.clone(), draft.receiver.to_string()), app(id)?))
                }
                Request::Group { app: id, group, what, .. } if waits(what) => Some((Line::Group(id.clone(), group.clone()), app(id)?)),
                _ => None,
            },
        }
    }

    /// Whom somebody is to be asked about before it is done, if anybody.
    pub fn at(&self, incoming: &mut Incoming, passed: &mut Passed) -> Result<Option<About>, Refusal> {
        match incoming {
            Incoming::Socket(SocketCommand { conn, op, .. }) => {
                let Some(sid) = op.sid() else { return Ok(None) };
                linked(self.tx, *conn, sid)?;
                let session = self.tx.state.session(sid).ok_or(Refusal::NoSession)?.session.clone();
                let by = session.actor();
                match op {
                    SocketOp::Publish { sid, group, draft } => self.message((&session.app, group), Speaker::Member(sid), draft, &by, passed),
                    SocketOp::SendDirect { draft, .. } => self.direct(&session.app, &session.sender(), draft, &by, passed),
                    SocketOp::Subscribe { sid, group, .. } => self.subscribe(sid, *conn, group, &by, passed),
                    SocketOp::Group { group, what, .. } => {
                        group::permit(self.tx, &session, group, what)?;
                        self.group((&session.app, group), what, Some(&session.user), &by, passed)
                    }
                    _ => Ok(None),
                }
            }
            Incoming::Call(request, _) => match &mut **request {
                Request::Send { app, group, sender, voice, by, draft } => self.message((app, group), Speaker::Server(sender, *voice), draft, by, passed),
                Request::SendDirect { app, sender, by, draft } => self.direct(app, sender, draft, by, passed),
                Request::Group { app, group, by, what } => self.group((app, group), what, None, by, passed),
                _ => Ok(None),
            },
        }
    }
    fn message(
        &self,
        (app, group): (&AppId, &GroupId),
        speaker: Speaker,
        draft: &mut Draft,
        by: &Actor,
        passed: &mut Passed,
    ) -> Result<Option<About>, Refusal> {
        let gid = self.tx.state.live_group(app, group)?.config.gid;
        let user = speaker.user(self.tx)?.clone();
        let first = first(self.tx, self.store, gid, &user, draft)?;
        loop {
            match sending::next(self.tx, &Sending { app, group, speaker, draft, first: first.clone(), passed: *passed })? {
                Next::AskHook(group) => {
                    passed.hook = true;
                    let random = self.ids.number() as u32;
                    let content = draft.content(|| random);
                    if let Some(about) = self.hook(Before::Message { group, from: user.clone(), content }, by, app)? {
                        // What the business is told later is told under the same number, also when it says something else then.
                        if draft.tid.is_none() {
                            draft.random.get_or_insert(random);
                        }
                        draft.tid = repeat::name(self.tx.state.app(app)?, draft, &user, self.tx.now);
                        return Ok(Some(about));
                    }
                }
                Next::AskModeration => {
                    passed.moderation = true;
                    return Ok(Some(About::Text(draft.body.clone())));
                }
                Next::Repeat(_) | Next::Drop(_) | Next::Say(..) => return Ok(None),
            }
        }
    }

    fn direct(&self, app: &AppId, sender: &Sender, draft: &mut DirectDraft, by: &Actor, passed: &mut Passed) -> Result<Option<About>, Refusal> {
        loop {
            match direct::next(self.tx, app, sender, draft, *passed)? {
                direct::Next::AskHook => {
                    passed.hook = true;
                    let random = self.ids.number() as u32;
                    let content = draft.telling(app, &sender.user, Actor::system(), || random).content;
                    let seq = draft.chat.map_or(0, |chat| chat.seq);
                    let before = Before::Direct { from: sender.user.clone(), to: draft.receiver.clone(), content, seq };
                    if let Some(about) = self.hook(before, by, app)? {
                        if draft.draft.tid.is_none() {
                            draft.draft.random.get_or_insert(random);
                        }
                        return Ok(Some(about));
                    }
                }
                direct::Next::AskModeration => {
                    passed.moderation = true;
                    return Ok(Some(About::Text(draft.draft.body.clone())));
                }
                direct::Next::Say => return Ok(None),
            }
        }
    }

    /// Who is in already comes back without a question.
    fn subscribe(&self, sid: &SessionId, conn: ConnRef, group: &GroupId, by: &Actor, passed: &mut Passed) -> Result<Option<About>, Refusal> {
        let session = &self.tx.state.session(sid).ok_or(Refusal::NoSession)?.session;
        let Some(group) = membership::applies(self.tx, sid, conn, group)?.filter(|_| !passed.hook) else { return Ok(None) };
        passed.hook = true;
        self.hook(Before::Apply { group, user: session.user.clone() }, by, &session.app)
    }

    /// `user`: whose client asks for it.
    fn group(
        &self,
        (app, name): (&AppId, &GroupId),
        what: &GroupRequest,
        user: Option<&UserId>,
        by: &Actor,
        passed: &mut Passed,
    ) -> Result<Option<About>, Refusal> {
        if passed.hook {
            return Ok(None);
        }
        let before = match what {
            GroupRequest::Create(new) => {
                // Who asks for one that is there is only told so.
                if self.tx.state.group_named(app, name).is_some_and(|old| !(new.anew && old.config.deleted.is_some())) {
                    return Ok(None);
                }
                group::may_create(self.tx, app, new)?;
                let owner = user.map_or_else(|| new.owner.clone(), UserId::to_string);
                let count = ruling::owned(self.tx, app, &owner, new.kind);
                Before::Create { group: name.clone(), new: Arc::new(NewGroup { owner, ..(**new).clone() }), count }
            }
            GroupRequest::AddMembers { members } => {
                let group = self.tx.state.live_group(app, name)?;
                let app = self.tx.state.app(app)?;
                let new = |member: &&NewMember| {
                    group.config.kind.keeps_members() && !group.members.contains_key(&member.user) && account::may_be(self.tx, app, &member.user).is_ok()
                };
                let users: Vec<UserId> = members.iter().filter(new).map(|member| member.user.clone()).collect();
                if users.is_empty() {
                    return Ok(None);
                }
                Before::Invite { group: group.config.clone(), users }
            }
            _ => return Ok(None),
        };
        passed.hook = true;
        self.hook(before, by, app)
    }

    fn hook(&self, before: Before, by: &Actor, app: &AppId) -> Result<Option<About>, Refusal> {
        let app = self.tx.state.app(app)?;
        let call = if fate::is_heard(app) { (self.ports.hook)(&before, by, app, self.tx.now) } else { None };
        Ok(call.map(|call| About::Hook(Box::new(call))))
    }
}

/// What a business is asked about before it is done.
fn waits(what: &GroupRequest) -> bool {
    matches!(what, GroupRequest::Create(_) | GroupRequest::AddMembers { .. })
}

/// See [`repeat::first`].
pub(super) fn first(tx: &Tx, store: &Store, gid: Gid, sender: &UserId, draft: &Draft) -> Result<Option<Said>, Refusal> {
    repeat::first(tx, gid, sender, draft, |tid: &Tid| {
        let found = store.find_message(gid, tid.as_str()).map_err(unreadable)?;
        Ok(found.map(|found| Said { tid: found.tid, seq: Some(found.seq), at: found.at }))
    })
}
