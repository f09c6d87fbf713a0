//! For tests: a server without engine and store, made of the domain's own state, that commits at once.

use super::rpc::Ask;
use crate::{
    domain::{
        AppId, Change, Epoch, Gid, GroupId, Millis, Refusal, SessionId, State, Tick, Tx, UserId,
        app::{self, AccessKey, App, Audit, Directory, LifeCycle},
        group::{self, Member, MemberKind},
        message::{Found, Message, MessagePage},
        request::{Answer, GroupPage, GroupsFound, Request},
        sending::{self, Known},
        session::{self, Session},
        state::Rules,
    },
    ids::Ids,
};
use std::sync::{Arc, Mutex};

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
    }
}

pub struct Fake {
    state: Mutex<(State, Vec<Message>)>,
    ids: Ids,
    rules: Rules,
    /// What every call is refused with.
    pub refuse: Mutex<Option<Refusal>>,
}

impl Fake {
    /// With the key of the contract's vectors.
    pub fn new() -> Fake {
        let fake = Fake { state: Mutex::default(), ids: Ids::seeded(1), rules: Rules::default(), refuse: Mutex::default() };
        fake.put(Change::Key(AccessKey { id: "testAccessKeyId".into(), secret: "testAccessKeySecret".into(), created: Millis(0) }));
        fake
    }

    pub fn put(&self, change: Change) {
        self.state.lock().unwrap().0.apply(change);
    }

    /// Puts a user online and into a group.
    pub fn join(&self, app: &str, user: &str, gid: i64) {
        let sid = SessionId::trusted(user);
        let user = UserId::trusted(user);
        let session = Session {
            sid: sid.clone(),
            app: AppId::trusted(app),
            user: user.clone(),
            device: String::new(),
            info: String::new(),
            said_info: String::new(),
            role: String::new(),
            started: Millis(0),
        };
        self.put(Change::Session(Arc::new(session)));
        let member = Member { user, sid: Some(sid), kind: MemberKind::Live, joined: Millis(0), order: 1 };
        self.put(Change::Member(Gid(gid), Arc::new(member)));
    }
}

impl Ask for Fake {
    fn call(&self, request: Request) -> Result<Answer, Refusal> {
        if let Some(refusal) = self.refuse.lock().unwrap().clone() {
            return Err(refusal);
        }
        let (state, messages) = &mut *self.state.lock().unwrap();
        let mut tx = Tx::new(state, &self.rules, Millis(1_700_000_000_000), Tick(0));
        let answer = match request {
            Request::CreateApp(new) => app::create(&mut tx, *new).map(Answer::App)?,
            Request::ChangeApp { app, change } => app::change(&mut tx, &app, change).map(|(_, new)| Answer::App(new))?,
            Request::CreateKey(key) => {
                tx.change(Change::Key(key));
                Answer::Done
            }
            Request::DeleteKey { id } => {
                tx.state.keys.get(&id).ok_or_else(|| Refusal::NoSuchKey(id.clone()))?;
                tx.change(Change::KeyGone(id));
                Answer::Done
            }
            Request::Group { app, group, what } => group::perform(&mut tx, &app, &group, what, Epoch(1))?,
            // What needs sockets or a store is not stood in for.
            Request::ForceOff { .. } | Request::SendDirect { .. } | Request::DeleteDirect { .. } => return Err(Refusal::Internal),
            Request::Send { app, group, sender, draft } => {
                let tid = sending::send(&mut tx, &app, &group, sender, *draft, self.ids.tid(), Known::No)?;
                Answer::Sent { tid }
            }
            Request::ChangeUserInfo { app, user, info } => Answer::Groups(session::change_info(&mut tx, &app, &user, info)?),
            Request::Online { app, users } => Answer::Users(users.into_iter().map(|user| (user.clone(), tx.state.session_of(&app, &user).is_some())).collect()),
        };
        for change in tx.stored {
            if let Change::Message(message) = change {
                messages.push((*message).clone());
            }
        }
        Ok(answer)
    }

    fn call_patiently(&self, request: Request) -> Result<Answer, Refusal> {
        self.call(request)
    }

    fn directory(&self) -> Arc<Directory> {
        let (state, _) = &*self.state.lock().unwrap();
        Arc::new(Directory { apps: state.apps.clone(), keys: state.keys.clone(), had_keys: state.had_keys })
    }

    fn groups(&self, _: &GroupPage) -> Result<GroupsFound, String> {
        Err("there is no store".into())
    }

    fn messages(&self, app: &AppId, group: &GroupId, page: &MessagePage) -> Result<Option<Found>, String> {
        let (state, messages) = &*self.state.lock().unwrap();
        let Some(group) = state.group_named(app, group) else {
            return Ok(None);
        };
        let wanted = |m: &&Message| {
            m.gid == group.config.gid
                && m.stored
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
