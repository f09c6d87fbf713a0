//! An RTC channel (`alibaba.md` §3, `session.md` §4): it opens with the first who joins and closes with
//! the last who leaves. What a user does in it is `participant.rs`, what media servers report of users
//! `report.rs`; all open channels together are `channels.rs`. The media themselves are elsewhere.

use super::{
    AppId, ChannelId, Cid, ConnRef, Named, Refusal, SessionId, StayId, Tick, Topic, UserId,
    audience::{self, Audience},
    event::{InChannel, Reason, UserInChannel},
    participant::{self, Doing, Holder, Medias, Participant, Role},
    push::{Joined, Present, Push, Reply, Unsubscribed},
    quota,
    request::ChannelInfo,
    state::Change,
    tx::Tx,
};
use std::{collections::HashMap, sync::Arc};

/// A channel that is gone is still said to exist for so long, in ms (`alibaba.md` §3.1).
pub const LINGERS: u64 = 5_000;

/// An open channel, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    pub cid: Cid,
    pub app: AppId,
    pub id: ChannelId,
}

/// A channel with all that lives in memory.
#[derive(Clone, Debug)]
pub struct ChannelState {
    pub config: Arc<Channel>,
    pub participants: HashMap<UserId, Arc<Participant>>,
    pub audience: Audience,
    /// When those who were reported leave, unless they are heard of before.
    pub heard_until: HashMap<UserId, Tick>,
}

impl ChannelState {
    pub fn new(config: Arc<Channel>) -> ChannelState {
        ChannelState { config, participants: HashMap::new(), audience: Audience::default(), heard_until: HashMap::new() }
    }

    /// Participants in the order in which they joined.
    pub fn in_order(&self) -> Vec<&Arc<Participant>> {
        let mut participants: Vec<_> = self.participants.values().collect();
        participants.sort_by_key(|p| p.order);
        participants
    }
}

/// What the hub found of a join token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ticket {
    Good,
    /// Not this channel's and user's, or not signed by the application.
    Wrong,
    Expired,
}

/// What a client says when it joins.
#[derive(Clone, Debug)]
pub struct Joining {
    pub channel: ChannelId,
    pub role: Role,
    pub ticket: Ticket,
    /// It wants to hear who comes and goes.
    pub join_leave: bool,
}

/// A subscribe: joins, or re-attaches where the session, or a media server's report, has the user in the
/// channel already. A session that is in is not asked for its ticket again. `fresh` names a new stay.
pub fn join(tx: &mut Tx, sid: &SessionId, conn: ConnRef, command: u32, joining: Joining, fresh: StayId) -> Result<(), Refusal> {
    let Joining { channel, role, ticket, join_leave } = joining;
    let session = tx.state.session(sid).ok_or(Refusal::NoSession)?.session.clone();
    let found = tx.state.channels.named(&session.app, &channel);
    if found.is_some_and(|c| c.audience.get(&session.user) == Some(conn)) {
        return Err(Refusal::AlreadySubscribed(format!("rtc:{channel}")));
    }
    let old = found.and_then(|c| c.participants.get(&session.user));
    let rejoined = old.is_some();
    if !old.is_some_and(|p| p.is_held_by(sid)) {
        match ticket {
            Ticket::Good => {}
            Ticket::Wrong => return Err(Refusal::BadTicket(channel.to_string())),
            Ticket::Expired => return Err(Refusal::TicketExpired(channel.to_string())),
        }
        let most = tx.rules.quotas.channels_per_session;
        if !quota::room(tx.state.places_of(sid), most) {
            return Err(Refusal::TooManyChannels(most));
        }
    }
    let arrival = Arrival { user: session.user.clone(), role, holder: Holder::Session(sid.clone()), reason: Reason::Normal, stay: fresh };
    let cid = enter(tx, &session.app, &channel, arrival);
    let topic = Topic::Channel(cid);
    tx.change(Change::Attached(topic, session.user.clone(), Some(conn)));
    let state = tx.state.channels.get(cid).expect("it was entered");
    let joined =
        Joined { participant: state.participants[&session.user].describe(), channel: channel.clone(), rejoined, users: state.participants.len() as u64 };
    tx.push(Push::Attach { conn, topic, name: Named::Channel(channel), join_leave });
    tx.push(Push::Reply { conn, id: command, reply: Reply::Joined(Box::new(joined)) });
    Ok(())
}

/// Who joins a channel, and how.
pub(super) struct Arrival {
    pub user: UserId,
    pub role: Role,
    pub holder: Holder,
    pub reason: Reason,
    /// Names the stay if it is a new one.
    pub stay: StayId,
}

/// Opens the channel if nobody is in it. Who is in it joins anew, with the role and the medias that it has.
pub(super) fn enter(tx: &mut Tx, app: &AppId, channel: &ChannelId, arrival: Arrival) -> Cid {
    let Arrival { user, role, holder, reason, stay } = arrival;
    let found = tx.state.channels.named(app, channel).map(|c| (c.config.cid, c.participants.get(&user).cloned()));
    match found {
        Some((cid, Some(old))) => {
            // A report does not take a user from its own session.
            if old.holder == Holder::Reported && holder != Holder::Reported {
                // Others know it by another `client` from here on: without both they would keep the one that is gone.
                announce(tx, cid, &user, false);
                tx.change(Change::HeardUntil(cid, user.clone(), None));
                tx.change(Change::Participant(cid, Arc::new(Participant { holder, ..(*old).clone() })));
                announce(tx, cid, &user, true);
            }
            participant::tell(tx, cid, &user, UserInChannel::Joined(Reason::Rejoined));
            cid
        }
        found => {
            let cid = found.map_or_else(|| open(tx, app, channel), |(cid, _)| cid);
            let order = tx.state.next_order();
            let participant = Participant { user: user.clone(), stay, holder, role, medias: Medias::default(), order };
            tx.change(Change::Participant(cid, Arc::new(participant)));
            participant::tell(tx, cid, &user, UserInChannel::Joined(reason));
            announce(tx, cid, &user, true);
            cid
        }
    }
}

fn open(tx: &mut Tx, app: &AppId, id: &ChannelId) -> Cid {
    let channel = Channel { cid: tx.state.channels.next(), app: app.clone(), id: id.clone() };
    let cid = channel.cid;
    tx.channel_event(&channel, InChannel::Opened);
    tx.change(Change::Channel(Arc::new(channel)));
    cid
}

/// The user leaves: first what it publishes ends, and after the last one the channel is closed. Not being
/// in is no error.
pub fn leave(tx: &mut Tx, cid: Cid, user: &UserId, reason: Reason) {
    let Some(before) = participant::find(tx, cid, user) else { return };
    participant::set_medias(tx, cid, user, Medias::default());
    participant::tell(tx, cid, user, UserInChannel::Left(reason));
    audience::detach(tx, Topic::Channel(cid), user);
    participant::announce(tx, cid, user, &before, Doing::Unpublish(before.medias));
    announce(tx, cid, user, false);
    tx.change(Change::HeardUntil(cid, user.clone(), None));
    tx.change(Change::ParticipantGone(cid, user.clone()));
    let Some(state) = tx.state.channels.get(cid).filter(|c| c.participants.is_empty()) else { return };
    let config = state.config.clone();
    tx.channel_event(&config, InChannel::Closed);
    tx.change(Change::ChannelGone(cid));
    tx.linger(&config.app, &config.id, LINGERS);
}

/// The server ends a channel: everybody leaves it. One that is just gone is gone already.
pub fn close(tx: &mut Tx, app: &AppId, id: &ChannelId) -> Result<(), Refusal> {
    tx.state.app(app)?;
    let cid = tx.state.channels.named(app, id).ok_or_else(|| Refusal::NoSuchChannel(id.to_string()))?.config.cid;
    empty(tx, cid);
    Ok(())
}

/// With its application, everybody leaves its channels: those whom only a media server has reported, too.
pub fn close_all(tx: &mut Tx, app: &AppId) {
    for cid in tx.state.channels.of(app) {
        empty(tx, cid);
    }
}

fn empty(tx: &mut Tx, cid: Cid) {
    let Some(state) = tx.state.channels.get(cid) else { return };
    let name = Named::Channel(state.config.id.clone());
    let users: Vec<UserId> = state.in_order().into_iter().map(|p| p.user.clone()).collect();
    // All go at once: nobody is told of each of the others, which would be n² pushes.
    for user in &users {
        audience::put_out(tx, Topic::Channel(cid), name.clone(), user, Unsubscribed::ChannelClosed);
    }
    for user in &users {
        leave(tx, cid, user, Reason::ChannelClosed);
    }
}

/// A closed channel may have been said to exist for long enough.
pub fn forget(tx: &mut Tx, app: AppId, id: ChannelId) {
    if tx.state.channels.lingers(&app, &id).is_some_and(|until| until <= tx.tick) {
        tx.change(Change::Lingers((app, id), None));
    }
}

/// The channel that the session is in.
pub fn joined(tx: &Tx, sid: &SessionId, id: &ChannelId) -> Result<(Cid, UserId), Refusal> {
    let session = &tx.state.session(sid).ok_or(Refusal::NoSession)?.session;
    let channel = tx.state.channels.named(&session.app, id).filter(|c| c.participants.get(&session.user).is_some_and(|p| p.is_held_by(sid)));
    channel.map(|c| (c.config.cid, session.user.clone())).ok_or_else(|| Refusal::NotInChannel { user: session.user.to_string(), channel: id.to_string() })
}

/// In a channel with as many as a super-large group has, nobody is told of each of the others.
pub(super) fn is_told(tx: &Tx, cid: Cid) -> bool {
    tx.state.channels.get(cid).is_some_and(|c| quota::fits(c.participants.len(), tx.rules.quotas.super_large_above))
}

/// Tells the others who came or went.
fn announce(tx: &mut Tx, cid: Cid, user: &UserId, joined: bool) {
    if let Some(p) = participant::find(tx, cid, user).filter(|_| is_told(tx, cid)) {
        let who = Arc::new(present(tx, &p));
        tx.push(Push::Presence { topic: Topic::Channel(cid), joined, who });
    }
}

/// As others see it. Who has no session here is known by its stay.
fn present(tx: &Tx, p: &Participant) -> Present {
    let session = match &p.holder {
        Holder::Session(sid) => tx.state.session(sid).map(|s| s.session.clone()),
        Holder::Reported => None,
    };
    let client = session.as_ref().map_or_else(|| SessionId::trusted(p.stay.as_str()), |s| s.sid.clone());
    Present { user: p.user.clone(), client, info: session.map_or_else(String::new, |s| s.info.clone()), participant: Some(p.describe()) }
}

/// Everybody in the channel, in the order in which they joined.
pub fn presence(tx: &Tx, cid: Cid) -> Result<Vec<Present>, Refusal> {
    let state = tx.state.channels.get(cid).expect("the caller found it");
    // Looked at first: to make the list costs all others the time of it.
    if !is_told(tx, cid) {
        return Err(Refusal::ChannelTooLarge(state.config.id.to_string()));
    }
    let all: Vec<Present> = state.in_order().into_iter().map(|p| present(tx, p)).collect();
    // As of a group: the list alone would fill a connection's budget.
    if all.iter().map(Present::wire_size).sum::<usize>() > quota::MAX_RECOVERED_BYTES {
        return Err(Refusal::ChannelTooLarge(state.config.id.to_string()));
    }
    Ok(all)
}

/// For the business's server. A channel that is not open is described as well.
pub fn describe(tx: &Tx, app: &AppId, id: &ChannelId) -> Result<ChannelInfo, Refusal> {
    tx.state.app(app)?;
    let open = tx.state.channels.named(app, id);
    let participants = open.map(|c| c.in_order().into_iter().map(|p| p.describe()).collect()).unwrap_or_default();
    Ok(ChannelInfo { exists: open.is_some() || tx.state.channels.lingers(app, id).is_some_and(|until| until > tx.tick), participants })
}
