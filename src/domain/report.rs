//! What media servers say of users in channels (`POST /operator/v1/channels/…/events`): the same rules
//! and events as for those who come with a session of their own. Whoever is there only by a report has
//! to be heard of again in time.

use super::{
    AppId, ChannelId, Cid, Named, Refusal, StayId, Topic, UserId, audience,
    channel::{self, Arrival},
    event::Reason,
    participant::{self, Doing, Holder, Role},
    push::Unsubscribed,
    request::ParticipantInfo,
    state::Change,
    tx::{Deadline, Tx},
};

/// One thing reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    Join {
        user: UserId,
        role: Role,
        /// It is relayed from another channel.
        relayed: bool,
    },
    Leave {
        user: UserId,
        relayed: bool,
    },
    Kick {
        user: UserId,
    },
    Do {
        user: UserId,
        doing: Doing,
    },
    /// Still there: this user, or all of the channel who were reported.
    Heartbeat {
        user: Option<UserId>,
    },
}

/// All of it, or nothing where one cannot be. Tells of each user as it is after its report, or was when
/// it left; `fresh` makes the names of new stays.
pub fn take(
    tx: &mut Tx,
    app: &AppId,
    channel: &ChannelId,
    reports: Vec<Report>,
    mut fresh: impl FnMut() -> StayId,
) -> Result<Vec<Option<ParticipantInfo>>, Refusal> {
    if tx.state.app(app)?.disabled {
        return Err(Refusal::AppDisabled(app.to_string()));
    }
    let mut told = Vec::with_capacity(reports.len());
    for report in reports {
        told.push(take_one(tx, app, channel, report, fresh())?);
    }
    Ok(told)
}

fn take_one(tx: &mut Tx, app: &AppId, channel: &ChannelId, report: Report, fresh: StayId) -> Result<Option<ParticipantInfo>, Refusal> {
    let user = match report {
        Report::Join { user, role, relayed } => {
            let reason = if relayed { Reason::Relayed } else { Reason::Normal };
            channel::enter(tx, app, channel, Arrival { user: user.clone(), role, holder: Holder::Reported, reason, stay: fresh });
            user
        }
        Report::Leave { user, relayed } => return leave(tx, app, channel, &user, if relayed { Reason::Relayed } else { Reason::Normal }).map(Some),
        Report::Kick { user } => return leave(tx, app, channel, &user, Reason::Kicked).map(Some),
        Report::Do { user, doing } => {
            let cid = find(tx, app, channel, &user)?;
            participant::perform(tx, cid, &user, doing)?;
            user
        }
        Report::Heartbeat { user: Some(user) } => user,
        Report::Heartbeat { user: None } => {
            let open = tx.state.channels.named(app, channel).ok_or_else(|| Refusal::NoSuchChannel(channel.to_string()))?;
            // One call may confirm a whole channel many times over.
            let until = tx.tick.after(tx.rules.lifetimes.silence);
            let others = open.heard_until.iter().filter(|(_, at)| **at != until).map(|(user, _)| user.clone());
            let (cid, users): (Cid, Vec<UserId>) = (open.config.cid, others.collect());
            users.iter().for_each(|user| heard(tx, cid, user));
            return Ok(None);
        }
    };
    let cid = find(tx, app, channel, &user)?;
    heard(tx, cid, &user);
    Ok(tx.state.channels.get(cid).and_then(|c| c.participants.get(&user)).map(|p| p.describe()))
}

fn find(tx: &Tx, app: &AppId, channel: &ChannelId, user: &UserId) -> Result<Cid, Refusal> {
    let open = tx.state.channels.named(app, channel).filter(|c| c.participants.contains_key(user));
    open.map(|c| c.config.cid).ok_or_else(|| Refusal::NotInChannel { user: user.to_string(), channel: channel.to_string() })
}

fn leave(tx: &mut Tx, app: &AppId, channel: &ChannelId, user: &UserId, reason: Reason) -> Result<ParticipantInfo, Refusal> {
    let cid = find(tx, app, channel, user)?;
    let left = tx.state.channels.get(cid).expect("it was found").participants[user].describe();
    audience::put_out(tx, Topic::Channel(cid), Named::Channel(channel.clone()), user, Unsubscribed::Removed);
    channel::leave(tx, cid, user, reason);
    Ok(ParticipantInfo { medias: Default::default(), ..left })
}

/// Its time begins anew. Who has a session of its own lives as long as that.
pub fn heard(tx: &mut Tx, cid: Cid, user: &UserId) {
    let Some(state) = tx.state.channels.get(cid) else { return };
    let Some(participant) = state.participants.get(user).filter(|p| p.holder == Holder::Reported) else { return };
    // One timer a stay: when it comes too early, it is set again.
    let is_new = (!state.heard_until.contains_key(user)).then(|| participant.stay.clone());
    let until = tx.tick.after(tx.rules.lifetimes.silence);
    tx.change(Change::HeardUntil(cid, user.clone(), Some(until)));
    if let Some(stay) = is_new {
        tx.deadlines.push(Deadline::Stay(cid, user.clone(), stay));
    }
}

/// The time of a reported user may be over.
pub fn due(tx: &mut Tx, cid: Cid, user: &UserId, stay: &StayId) {
    let Some(state) = tx.state.channels.get(cid) else { return };
    if state.participants.get(user).is_none_or(|p| p.stay != *stay) {
        return;
    }
    match state.heard_until.get(user) {
        Some(until) if *until <= tx.tick => channel::leave(tx, cid, user, Reason::TimedOut),
        Some(_) => tx.deadlines.push(Deadline::Stay(cid, user.clone(), stay.clone())),
        None => {}
    }
}
