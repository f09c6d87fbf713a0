//! Session life (`session.md` §2): logon, attached, lost, resume, takeover, time-out, logoff.
//! Membership belongs to the session, subscription to the connection.

use super::{
    AppId, ConnRef, GroupId, Millis, Refusal, SessionId, Tick, Topic, UserId, account, audience, channel,
    event::{InGroup, LogoffReason, OfflineCause, OnlineCause, Reason, What},
    membership,
    message::Sender,
    push::{Closed, Connected, Push, Reply},
    report,
    request::{Actor, Origin},
    state::Change,
    tx::Tx,
};
use std::{net::IpAddr, sync::Arc};

/// A machine that slept longer than this, in ms, starts everybody's time anew: nobody was silent (`session.md` §2).
pub const SUSPENDED: u64 = 30_000;

/// Waits of session life; settings may shorten them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// Silence after which a session ends, in ms (`alibaba.md` §5.3: 90 s).
    pub silence: u64,
    /// How long a session that closed normally is held for a reconnect, in ms.
    pub hold: u64,
    /// How long a lost connection goes untold to who looks at its groups, in ms (`tencent.md` §6.3: 20 s).
    pub interrupt: u64,
    /// Also tell of each group left when a session logs off by itself or is displaced.
    pub leave_on_logoff: bool,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Lifetimes { silence: 90_000, hold: 2_000, interrupt: 20_000, leave_on_logoff: false }
    }
}

/// A logged-on user, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub sid: SessionId,
    pub app: AppId,
    pub user: UserId,
    /// Names the device; empty when the client does not say.
    pub device: String,
    /// The user's extension, shown to others.
    pub info: String,
    /// The extension as the client said it; the business's server may have set another since.
    pub login_info: String,
    /// `admin`, or anything else for an ordinary user.
    pub role: String,
    pub started: Millis,
    /// Where it was last connected from.
    pub address: Option<IpAddr>,
    /// Its connection is lost, and who looks at its groups was told so.
    pub away: bool,
    /// It logged in as a user of the chat.
    pub usersig: bool,
}

impl Session {
    /// As whom its user speaks.
    pub fn sender(&self) -> Sender {
        Sender { user: self.user.clone(), info: self.info.clone(), client: Some(self.sid.clone()) }
    }

    /// What its user does.
    pub fn actor(&self) -> Actor {
        Actor { user: self.user.to_string(), from: Origin::Client { address: self.address, device: self.device.clone() } }
    }
}

/// Where a session's socket is. Lives in memory only: after a start every session is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// `resubscribe_by`: groups not subscribed anew by then are left.
    Attached { conn: ConnRef, resubscribe_by: Option<Tick> },
    /// The socket is gone; at `until` the session ends, and at `interrupt` it is away.
    Lost { until: Tick, reason: LogoffReason, interrupt: Option<Tick> },
}

impl Link {
    /// When something is due for the session.
    pub fn due(self) -> Option<Tick> {
        match self {
            Link::Attached { resubscribe_by, .. } => resubscribe_by,
            Link::Lost { until, interrupt, .. } => Some(interrupt.map_or(until, |at| at.min(until))),
        }
    }
}

/// How a socket ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketEnd {
    /// Close 1000 or 1005: perhaps the first half of a reconnect.
    Goodbye,
    /// Anything else; it was last heard at this tick.
    Lost { heard: Tick },
    /// It stayed silent too long: the session ends now.
    Silent,
    /// The client asked for its session to end.
    LoggedOff,
}

/// A login whose credential was checked.
#[derive(Clone, Debug)]
pub struct Login {
    pub app: AppId,
    pub user: UserId,
    pub role: String,
    pub device: String,
    pub info: String,
    pub address: Option<IpAddr>,
    /// When the credential was made, in unix seconds, where it says so: one made before its user was kicked is worth nothing.
    pub made: Option<i64>,
}

/// Resume, takeover or a plain logon. `fresh` names the session if one is made.
pub fn connect(tx: &mut Tx, conn: ConnRef, command: u32, login: Login, fresh: SessionId) -> Result<(), Refusal> {
    let app = tx.state.app(&login.app)?;
    if app.disabled {
        return Err(Refusal::AppDisabled(login.app.to_string()));
    }
    if let Some(made) = login.made {
        if tx.state.is_revoked(&login.app, &login.user, made, tx.now) {
            return Err(Refusal::LoginRevoked);
        }
        account::import_plain(tx, &login.app, &login.user)?;
    }
    let earlier = tx.state.session_of(&login.app, &login.user).map(|s| s.session.clone());
    let resumes = match &earlier {
        Some(session) if session.device == login.device => match tx.state.link(&session.sid) {
            Some(Link::Lost { .. }) => true,
            // A client that changed its network notices before the server does.
            Some(Link::Attached { .. }) => !login.device.is_empty(),
            None => false,
        },
        _ => false,
    };
    if let Some(old) = &earlier
        && let Some(Link::Attached { conn, .. }) = tx.state.link(&old.sid)
    {
        tx.push(Push::Close { conn, why: Closed::LoggedOnElsewhere });
    }
    let session = match earlier {
        Some(old) if resumes => {
            detach_all(tx, &old.sid);
            // A client says the same at each reconnect: what the server has set since stays.
            let info = if login.info == old.login_info { old.info.clone() } else { login.info.clone() };
            let usersig = login.made.is_some();
            let session = Arc::new(Session { info, login_info: login.info, role: login.role, address: login.address, away: false, usersig, ..(*old).clone() });
            if session != old {
                tx.change(Change::Session(session.clone()));
            }
            let groups = tx.state.groups_of(&session.sid);
            let rooms: Vec<_> = groups.iter().filter(|(gid, _)| tx.state.is_live_room(*gid)).cloned().collect();
            for (gid, _) in rooms.iter().filter(|_| old.away) {
                tx.group_event(*gid, session.actor(), InGroup::Online { user: session.user.clone(), cause: OnlineCause::Recovered });
            }
            tx.event(&session, What::Reconnected(rooms.into_iter().map(|(_, name)| name).collect()));
            session
        }
        old => {
            let mut displaced = None;
            if let Some(old) = old {
                // One that had said goodbye was not displaced.
                let reason = match tx.state.link(&old.sid) {
                    Some(Link::Lost { reason: LogoffReason::Normal, .. }) => LogoffReason::Normal,
                    _ => LogoffReason::Displaced,
                };
                displaced = (reason == LogoffReason::Displaced).then(|| old.device.clone());
                end(tx, &old.sid, reason);
            }
            let session = Arc::new(Session {
                sid: fresh,
                app: login.app,
                user: login.user,
                device: login.device,
                login_info: login.info.clone(),
                info: login.info,
                role: login.role,
                started: tx.now,
                address: login.address,
                away: false,
                usersig: login.made.is_some(),
            });
            tx.change(Change::Session(session.clone()));
            tx.event(&session, What::LoggedOn { displaced });
            session
        }
    };
    let groups = tx.state.groups_of(&session.sid);
    let channels = tx.state.channels_of(&session.sid);
    let resubscribe_by = (!groups.is_empty() || !channels.is_empty()).then(|| tx.tick.after(tx.rules.lifetimes.silence));
    tx.link(&session.sid, Some(Link::Attached { conn, resubscribe_by }));
    let connected = Connected {
        sid: session.sid.clone(),
        app: session.app.clone(),
        user: session.user.clone(),
        role: session.role.clone(),
        resumed: resumes,
        groups: groups.into_iter().map(|(_, name)| name).collect(),
        channels: channels.into_iter().map(|(_, name)| name).collect(),
        at: tx.now,
    };
    tx.push(Push::Reply { conn, id: command, reply: Reply::Connected(Box::new(connected)) });
    Ok(())
}

/// The socket of a session is gone. A socket that was displaced meanwhile ends nothing.
pub fn socket_ended(tx: &mut Tx, sid: &SessionId, conn: ConnRef, how: SocketEnd) {
    match tx.state.link(sid) {
        Some(Link::Attached { conn: current, .. }) if current == conn => {}
        _ => return,
    }
    let lifetimes = tx.rules.lifetimes.clone();
    match how {
        SocketEnd::Goodbye => {
            detach_all(tx, sid);
            tx.link(sid, Some(Link::Lost { until: tx.tick.after(lifetimes.hold), reason: LogoffReason::Normal, interrupt: None }));
        }
        SocketEnd::Lost { heard } => {
            detach_all(tx, sid);
            // From the loss on, not from the last word: a viewer may have nothing to say for longer than that.
            let interrupt = Some(tx.tick.after(lifetimes.interrupt));
            tx.link(sid, Some(Link::Lost { until: heard.after(lifetimes.silence), reason: LogoffReason::LinkLost, interrupt }));
        }
        SocketEnd::Silent => end(tx, sid, LogoffReason::Timeout),
        SocketEnd::LoggedOff => end(tx, sid, LogoffReason::Normal),
    }
}

/// A session's deadline has come: the end of its grace, the time from which it is away, or of the time to subscribe anew.
pub fn due(tx: &mut Tx, sid: &SessionId) {
    match tx.state.link(sid) {
        Some(Link::Lost { until, reason, .. }) if until <= tx.tick => end(tx, sid, reason),
        Some(Link::Lost { until, reason, interrupt: Some(at) }) if at <= tx.tick => {
            go_away(tx, sid);
            tx.link(sid, Some(Link::Lost { until, reason, interrupt: None }));
        }
        Some(Link::Attached { conn, resubscribe_by: Some(by) }) if by <= tx.tick => {
            let session = tx.state.session(sid).expect("a linked session exists").session.clone();
            for (gid, _) in tx.state.groups_of(sid) {
                if tx.state.attached(Topic::Group(gid), sid).is_none() {
                    membership::leave(tx, sid, gid, Some((OfflineCause::Left, session.actor())));
                }
            }
            let user = session.user.clone();
            for (cid, _) in tx.state.channels_of(sid) {
                if tx.state.attached(Topic::Channel(cid), sid).is_none() {
                    channel::leave(tx, cid, &user, Reason::TimedOut);
                }
            }
            tx.link(sid, Some(Link::Attached { conn, resubscribe_by: None }));
        }
        _ => {}
    }
}

/// The user's connection has been lost for too long for those who look at its groups to think it there.
fn go_away(tx: &mut Tx, sid: &SessionId) {
    let Some(session) = tx.state.session(sid).map(|s| s.session.clone()) else { return };
    let groups: Vec<_> = tx.state.groups_of(sid).into_iter().filter(|(gid, _)| tx.state.is_live_room(*gid)).collect();
    if groups.is_empty() || session.away {
        return;
    }
    tx.change(Change::Session(Arc::new(Session { away: true, ..(*session).clone() })));
    for (gid, _) in groups {
        tx.group_event(gid, session.actor(), InGroup::Offline { user: session.user.clone(), cause: OfflineCause::Interrupted });
    }
}

/// The machine slept: nobody was silent meanwhile, so all who are lost get their whole time again.
pub fn woke_up(tx: &mut Tx) {
    let until = tx.tick.after(tx.rules.lifetimes.silence);
    let away_from = tx.tick.after(tx.rules.lifetimes.interrupt);
    for (sid, link) in tx.state.links.clone() {
        match link {
            Link::Lost { reason, interrupt, .. } => tx.link(&sid, Some(Link::Lost { until, reason, interrupt: interrupt.map(|_| away_from) })),
            Link::Attached { conn, resubscribe_by: Some(_) } => tx.link(&sid, Some(Link::Attached { conn, resubscribe_by: Some(until) })),
            Link::Attached { .. } => {}
        }
    }
    for (cid, participant) in tx.state.channels.reported() {
        report::heard(tx, cid, &participant.user);
    }
}

/// Leaves every channel and group, then logs off. A time-out tells of each group left; otherwise the logoff
/// says it all. Of channels, each leave is told.
pub fn end(tx: &mut Tx, sid: &SessionId, reason: LogoffReason) {
    let Some(session) = tx.state.session(sid).map(|s| s.session.clone()) else {
        return;
    };
    for (cid, _) in tx.state.channels_of(sid) {
        channel::leave(tx, cid, &session.user, reason.into());
    }
    let told = matches!(reason, LogoffReason::Timeout | LogoffReason::LinkLost) || tx.rules.lifetimes.leave_on_logoff;
    for (gid, name) in tx.state.groups_of(sid) {
        let left = membership::remove(tx, &session, gid, Some((reason.into(), session.actor())));
        if told && left {
            tx.event(&session, What::Left(name));
        }
    }
    tx.event(&session, What::LoggedOff(reason));
    tx.link(sid, None);
    tx.change(Change::SessionGone(sid.clone()));
}

/// One user is sent off by the operator or the server API.
pub fn force_off(tx: &mut Tx, app: &AppId, user: &UserId) -> Result<(), Refusal> {
    tx.state.app(app)?;
    if let Some(sid) = tx.state.session_of(app, user).map(|s| s.session.sid.clone()) {
        send_off(tx, &sid, Closed::ForcedOff);
    }
    Ok(())
}

/// Sets the extension that others see; returns the groups in which they do (`alibaba.md` §2.3).
pub fn change_info(tx: &mut Tx, app: &AppId, user: &UserId, info: String) -> Result<Vec<GroupId>, Refusal> {
    tx.state.app(app)?;
    let session = tx.state.session_of(app, user).ok_or_else(|| Refusal::NotConnected(user.to_string()))?.session.clone();
    let groups = tx.state.groups_of(&session.sid).into_iter().map(|(_, name)| name).collect();
    if session.info != info {
        tx.change(Change::Session(Arc::new(Session { info, ..(*session).clone() })));
    }
    Ok(groups)
}

/// Everyone of an application is sent off, as when it is disabled.
pub fn end_all(tx: &mut Tx, app: &AppId, why: Closed) {
    let all = tx.state.sessions_in(app);
    // Detached first: nobody is told of the others on the way out.
    for sid in &all {
        detach_all(tx, sid);
    }
    for sid in all {
        send_off(tx, &sid, why);
    }
}

fn send_off(tx: &mut Tx, sid: &SessionId, why: Closed) {
    if let Some(Link::Attached { conn, .. }) = tx.state.link(sid) {
        tx.push(Push::Close { conn, why });
    }
    let reason = if why == Closed::AppDisabled { LogoffReason::AppDisabled } else { LogoffReason::ForcedOff };
    end(tx, sid, reason);
}

/// No group's or channel's pushes go to the session's connection any more; membership stays.
fn detach_all(tx: &mut Tx, sid: &SessionId) {
    let Some(user) = tx.state.session(sid).map(|s| s.session.user.clone()) else { return };
    for (gid, _) in tx.state.groups_of(sid) {
        audience::detach(tx, Topic::Group(gid), &user);
    }
    for (cid, _) in tx.state.channels_of(sid) {
        audience::detach(tx, Topic::Channel(cid), &user);
    }
}
