//! For tests: a server without engine and store, made of the domain's own state, that commits at once.

use crate::{
    domain::{
        AppId, Change, ConnRef, Epoch, Gid, GroupId, Millis, Refusal, SessionId, State, Tick, Tid, Tx, UserId, account,
        app::{self, AccessKey, App, Audit, ChatSettings, Directory, LifeCycle},
        ask::Ask,
        channel,
        direct::{self, Direct, DirectPage, DirectsFound},
        group::{self, Group, Member, MemberKind},
        kind::{GroupKind, JoinOption},
        message::{Found, HistoryPage, Message, MessagePage},
        mute::Mutes,
        report,
        request::{Answer, AttemptFound, AttemptPage, AttemptsFound, GroupPage, GroupRequest, GroupsFound, PageStart, Request},
        revocation,
        room::{self, Room},
        roster,
        sending::{self, Outcome, Passed, Sending, Speaker, StoredMessage},
        session::{self, Link, Session},
        state::Rules,
        subscription,
    },
    ids::Ids,
};
use std::collections::BTreeMap;
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
};

pub fn app(id: &str) -> App {
    App {
        id: AppId::trusted(id),
        key: "appkey123".into(),
        sign: "sign123".into(),
        name: "Demo".into(),
        sdkappid: 1_400_000_001,
        administrators: vec!["administrator".into()],
        data_center: "cn-shanghai".into(),
        event_callback_url: String::new(),
        audit: Audit::None,
        life_cycle: LifeCycle::Days30,
        disabled: false,
        created: Millis(1_000),
        modified: Millis(2_000),
        live_webhook: None,
        live_token: None,
        chat_webhook: None,
        chat_token: None,
        chat: ChatSettings::default(),
        after_retry: 0,
        order: 1,
    }
}

/// A group as it is made, of nobody.
pub fn group(gid: i64, app: &str, id: &str) -> Group {
    Group {
        gid: Gid(gid),
        app: AppId::trusted(app),
        id: GroupId::trusted(id),
        name: String::new(),
        info: String::new(),
        owner: String::new(),
        admins: vec![],
        created: Millis(0),
        modified: Millis(0),
        deleted: None,
        epoch: Epoch(1),
        mutes: Mutes::default(),
        bans: BTreeMap::new(),
        room: Room::default(),
        metadata: BTreeMap::new(),
        kind: GroupKind::default(),
        join_option: JoinOption::default(),
        data: BTreeMap::new(),
    }
}

/// A user's session, which has its name.
pub fn session(app: &str, user: &str) -> Session {
    Session {
        sid: SessionId::trusted(user),
        app: AppId::trusted(app),
        user: UserId::trusted(user),
        device: String::new(),
        info: String::new(),
        login_info: String::new(),
        role: String::new(),
        started: Millis(0),
        address: None,
        away: false,
        usersig: false,
    }
}

/// A stored message of the group's stream.
pub fn message(gid: i64, seq: u64) -> Message {
    Message {
        gid: Gid(gid),
        seq: Some(seq),
        tid: Tid::trusted(&format!("t{seq}")),
        kind: 1,
        body: "b".into(),
        elements: None,
        custom: String::new(),
        options: None,
        random: None,
        sender: UserId::trusted("u"),
        sender_info: String::new(),
        client: None,
        weight: 1,
        total: 1,
        at: Millis(seq as i64),
        stored: true,
        cached: true,
        deleted: false,
    }
}

/// What would be stored.
#[derive(Debug, Default)]
struct Kept {
    state: State,
    messages: Vec<Message>,
    directs: Vec<Arc<Direct>>,
}

pub struct Fake {
    kept: Mutex<Kept>,
    ids: Ids,
    rules: Rules,
    /// Calls that came as such that may wait.
    pub patient: AtomicU32,
    /// Tries of callbacks and whose they are, the oldest first.
    attempts: Mutex<Vec<(AppId, AttemptFound)>>,
    /// What every call is refused with.
    pub refuse: Mutex<Option<Refusal>>,
}

impl Fake {
    /// With the key of the contract's vectors.
    pub fn new() -> Fake {
        let fake = Fake {
            kept: Mutex::default(),
            ids: Ids::seeded(1),
            rules: Rules::default(),
            patient: AtomicU32::new(0),
            attempts: Mutex::default(),
            refuse: Mutex::default(),
        };
        fake.put(Change::Key(AccessKey { id: "testAccessKeyId".into(), secret: "testAccessKeySecret".into(), created: Millis(0) }));
        fake
    }

    /// With these instead of the usual rules.
    pub fn with(rules: Rules) -> Fake {
        Fake { rules, ..Fake::new() }
    }

    pub fn put(&self, change: Change) {
        self.kept.lock().unwrap().state.apply(change);
    }

    /// All there is, to be compared.
    pub fn snapshot(&self) -> String {
        format!("{:?}", self.kept.lock().unwrap())
    }

    /// A callback was tried.
    pub fn tried(&self, app: &str, attempt: AttemptFound) {
        self.attempts.lock().unwrap().push((AppId::trusted(app), attempt));
    }

    /// Puts a user online, with a connection, and into a group.
    pub fn join(&self, app: &str, user: &str, gid: i64) {
        let (sid, session) = (SessionId::trusted(user), session(app, user));
        let user = UserId::trusted(user);
        self.put(Change::Session(Arc::new(session)));
        let conn = ConnRef { hub: 0, slot: 0, generation: 0 };
        self.put(Change::Link(sid.clone(), Some(Link::Attached { conn, resubscribe_by: None })));
        let order = self.kept.lock().unwrap().state.next_order();
        let member = Member { user, sid: Some(sid), kind: MemberKind::Live, joined: Millis(0), order };
        self.put(Change::Member(Gid(gid), Arc::new(member)));
    }
}

impl Fake {
    fn perform(&self, tx: &mut Tx, messages: &[Message], directs: &[Arc<Direct>], request: Request) -> Result<Answer, Refusal> {
        Ok(match request {
            Request::CreateApp(new) => app::create(tx, *new).map(Answer::App)?,
            Request::ChangeApp { app, change } => app::change(tx, &app, change).map(|(_, new)| Answer::App(new))?,
            Request::CreateKey(key) => {
                tx.change(Change::Key(key));
                Answer::Done
            }
            Request::DeleteKey { id } => {
                tx.state.keys.get(&id).ok_or_else(|| Refusal::NoSuchKey(id.clone()))?;
                tx.change(Change::KeyGone(id));
                Answer::Done
            }
            Request::Group { app, group, what: GroupRequest::DeleteMessage { tid, by }, .. } => {
                let gid = tx.state.live_group(&app, &group)?.config.gid;
                let found = messages.iter().find(|m| m.gid == gid && m.tid == tid && m.seq.is_some());
                let m = found.ok_or_else(|| Refusal::NoSuchMessage(tid.to_string()))?;
                let placed = StoredMessage { seq: m.seq.unwrap(), tid, sender: m.sender.clone(), at: m.at, deleted: m.deleted };
                sending::delete(tx, gid, placed, by);
                Answer::Done
            }
            Request::Group { app, group, by, what: GroupRequest::Recall { seqs } } => {
                let gid = tx.state.live_group(&app, &group)?.config.gid;
                let found = |seq: &u64| messages.iter().find(|m| m.gid == gid && m.seq == Some(*seq) && m.stored);
                let placed = |m: &Message| StoredMessage { seq: m.seq.unwrap(), tid: m.tid.clone(), sender: m.sender.clone(), at: m.at, deleted: m.deleted };
                let done = seqs.iter().map(|seq| (*seq, found(seq).is_some())).collect();
                let gone = seqs.iter().filter_map(found).map(placed).collect();
                sending::recall(tx, gid, gone, by);
                Answer::Recalled(done)
            }
            Request::Group { app, group, by, what } => group::perform(tx, &app, &group, by, what, Epoch(1))?,
            Request::Rooms(page) => Answer::Rooms(room::page(tx, &page)?),
            Request::Revoke { app, user } => revocation::revoke(tx, &app, user).map(|()| Answer::Done)?,
            // What needs sockets is not stood in for.
            Request::ForceOff { .. } => return Err(Refusal::Internal),
            // Nobody is asked about it.
            Request::Send { app, group, sender, voice, by, draft } => {
                let speaker = Speaker::Server(&sender, voice);
                let sending = Sending { app: &app, group: &group, speaker, draft: &draft, first: None, passed: Passed::ALL };
                match sending::send(tx, &sending, by, self.ids.tid())? {
                    Outcome::Accepted(said) => Answer::Sent(said),
                    Outcome::Dropped(why) => Answer::Dropped { why, at: tx.now },
                }
            }
            // Who is connected confirms at once.
            Request::SendDirect { app, sender, by, draft } => {
                let (_, direct) = direct::send(tx, &app, sender, (*draft, by), self.ids.tid(), self.ids.tid())?;
                Answer::Sent(direct.said())
            }
            Request::DeleteDirect { app, receiver, tid, by } => {
                let found = directs.iter().any(|d| d.app == app && d.receiver == receiver && d.tid == tid);
                found.then_some(()).ok_or_else(|| Refusal::NoSuchMessage(tid.to_string()))?;
                direct::delete(tx, &app, &receiver, tid, by);
                Answer::Done
            }
            Request::CreateSubscription { app, url, wants } => {
                let id = self.ids.subscription();
                subscription::create(tx, &app, id.clone(), url, wants)?;
                Answer::Subscription { id }
            }
            Request::UpdateSubscription { app, id, url, wants } => subscription::update(tx, &app, &id, url, wants).map(|()| Answer::Done)?,
            Request::DeleteSubscription { app, id } => subscription::delete(tx, &app, &id).map(|()| Answer::Done)?,
            Request::DescribeChannel { app, channel } => Answer::Channel(channel::describe(tx, &app, &channel)?),
            Request::CloseChannel { app, channel } => channel::close(tx, &app, &channel).map(|()| Answer::Done)?,
            Request::Report { app, channel, reports } => Answer::Participants(report::take(tx, &app, &channel, reports, || self.ids.stay())?),
            Request::ChangeUserInfo { app, user, info } => Answer::Groups(session::change_info(tx, &app, &user, info)?),
            Request::UserStates { app, users } => Answer::UserStates(account::states(tx, &app, users)?),
            Request::ImportAccounts { app, accounts } => Answer::Users(account::import(tx, &app, accounts)?),
            Request::DeleteAccounts { app, users, by } => Answer::Users(account::delete(tx, &app, users, &by)?),
            Request::Accounts { app, users } => {
                let found = tx.state.app(&app)?;
                Answer::Users(users.into_iter().map(|user| (user.clone(), tx.state.has_user(found, &user))).collect())
            }
            Request::Joined(page) => Answer::Joined(roster::joined(tx, &page)?),
            Request::Unsent(_) => Answer::Done,
            Request::Online { app, users } => Answer::Users(users.into_iter().map(|user| (user.clone(), tx.state.session_of(&app, &user).is_some())).collect()),
        })
    }
}

impl Ask for Fake {
    fn call(&self, request: Request) -> Result<Answer, Refusal> {
        if let Some(refusal) = self.refuse.lock().unwrap().clone() {
            return Err(refusal);
        }
        let Kept { state, messages, directs } = &mut *self.kept.lock().unwrap();
        let mut tx = Tx::new(state, &self.rules, Millis(1_700_000_000_000), Tick(0));
        let answer = self.perform(&mut tx, messages, directs, request).inspect_err(|_| tx.back_to_start())?;
        for change in tx.stored {
            match change {
                Change::Message(message) => messages.push((*message).clone()),
                Change::MessageDeleted(gid, seq) => messages.iter_mut().filter(|m| m.gid == gid && m.seq == Some(seq)).for_each(|m| m.deleted = true),
                Change::Direct(direct) => directs.push(direct),
                Change::DirectGone(app, user, tid) => directs.retain(|d| d.app != app || d.receiver != user || d.tid != tid),
                _ => {}
            }
        }
        Ok(answer)
    }

    fn call_patiently(&self, request: Request) -> Result<Answer, Refusal> {
        self.patient.fetch_add(1, Ordering::Relaxed);
        self.call(request)
    }

    fn directory(&self) -> Arc<Directory> {
        Arc::new(self.kept.lock().unwrap().state.directory())
    }

    fn attempts(&self, page: &AttemptPage) -> Result<AttemptsFound, String> {
        let all = self.attempts.lock().unwrap();
        let ours = all.iter().filter(|(app, _)| *app == page.app).map(|(_, attempt)| attempt);
        let wanted = |a: &&AttemptFound| a.at >= page.from && a.at <= page.to && page.subscription.as_ref().is_none_or(|id| a.subscription == *id);
        let mut attempts: Vec<_> = ours.filter(wanted).skip(page.skip as usize).cloned().collect();
        let more = attempts.len() > page.limit as usize;
        attempts.truncate(page.limit as usize);
        Ok(AttemptsFound { attempts, more })
    }

    fn history(&self, app: &AppId, group: &GroupId, page: &HistoryPage) -> Result<Option<Vec<Message>>, String> {
        let Kept { state, messages, .. } = &*self.kept.lock().unwrap();
        let Some(gid) = state.group_named(app, group).map(|group| group.config.gid) else { return Ok(None) };
        let wanted = |m: &&Message| m.gid == gid && m.stored && (page.deleted || !m.deleted) && page.up_to.is_none_or(|up_to| m.seq <= Some(up_to));
        Ok(Some(messages.iter().rev().filter(wanted).take(page.limit as usize).cloned().collect()))
    }

    fn directs(&self, page: &DirectPage) -> Result<DirectsFound, String> {
        let Kept { directs, .. } = &*self.kept.lock().unwrap();
        let between = |d: &&Arc<Direct>| (d.sender == page.one && d.receiver == page.other) || (d.sender == page.other && d.receiver == page.one);
        let within = |d: &&Arc<Direct>| d.app == page.app && d.stored && d.at >= page.from && d.at <= page.to;
        let found: Vec<Direct> = directs.iter().rev().filter(between).filter(within).map(|d| (**d).clone()).collect();
        let behind = page.before.as_ref().and_then(|tid| found.iter().position(|d| d.tid == *tid)).map_or(0, |at| at + 1);
        let more = found.len() > behind + page.limit as usize;
        Ok(DirectsFound { messages: found.into_iter().skip(behind).take(page.limit as usize).collect(), more })
    }

    fn groups(&self, page: &GroupPage) -> Result<GroupsFound, String> {
        let Kept { state, .. } = &*self.kept.lock().unwrap();
        let groups = state.groups.values().map(|group| (*group.config).clone());
        let mut groups: Vec<Group> = groups
            .filter(|g| g.app == page.app && page.deleted.is_none_or(|deleted| deleted == g.deleted.is_some()) && page.kind.is_none_or(|kind| g.kind == kind))
            .collect();
        groups.sort_by_key(|g| if page.ascending { g.gid.0 } else { -g.gid.0 });
        let total = groups.len() as u64;
        match page.from {
            PageStart::After(Some(after)) => groups.retain(|g| if page.ascending { g.gid.0 > after } else { g.gid.0 < after }),
            PageStart::After(None) => {}
            PageStart::Skip(n) => drop(groups.drain(..groups.len().min(n as usize))),
        }
        let more = groups.len() > page.limit as usize;
        groups.truncate(page.limit as usize);
        let next = if more { groups.last().map(|g| g.gid.0) } else { None };
        Ok(GroupsFound { groups, next, total })
    }

    fn messages(&self, app: &AppId, group: &GroupId, page: &MessagePage) -> Result<Option<Found>, String> {
        let Kept { state, messages, .. } = &*self.kept.lock().unwrap();
        let Some(group) = state.group_named(app, group) else {
            return Ok(None);
        };
        let wanted = |m: &&Message| {
            m.gid == group.config.gid
                && m.stored
                && !m.deleted
                && page.kind.is_none_or(|kind| m.kind == kind)
                && page.begin.is_none_or(|begin| m.at >= begin)
                && page.end.is_none_or(|end| m.at <= end)
                && page.after.is_none_or(|after| if page.ascending { m.seq > Some(after) } else { m.seq < Some(after) })
        };
        let mut found: Vec<Message> = messages.iter().filter(wanted).cloned().collect();
        if !page.ascending {
            found.reverse();
        }
        let more = found.len() > page.limit as usize;
        found.truncate(page.limit as usize);
        let next = if more { found.last().and_then(|m| m.seq) } else { None };
        Ok(Some(Found { messages: found, next }))
    }
}
