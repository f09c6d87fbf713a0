//! What the RTC channels of an application are, by the documents alone (`alibaba.md` §3, `session.md` §2 and
//! §4): the specification that the server is compared with. It knows nothing of sockets, JSON or stores;
//! times are in ms since the beginning, users and channels are numbers, and an event is a line of text.

use super::group::{GRACE, HOLD, User};
use std::collections::BTreeSet;

pub const USERS: usize = 4;
pub const CHANNELS: usize = 2;
/// So long a channel is still said to exist after everybody left it.
pub const LINGER: u64 = 5_000;

pub type Channel = usize;

/// `Join` reasons and `Leave` reasons.
const NORMAL: u8 = 1;
const AGAIN: u8 = 2;
const RELAY: u8 = 3;
const TIMEOUT: u8 = 4;
const DISPLACED: u8 = 5;
const KICKED: u8 = 6;
const CLOSED: u8 = 7;

pub const STREAMER: u8 = 1;
pub const VIEWER: u8 = 2;
/// 1, 2 and 3 in `CurrentMedias`.
pub const MEDIAS: [&str; 3] = ["Audio", "Video", "Screen"];

/// How a command of a client, or a report of the operator, can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum No {
    Already,
    NotInside,
    Viewer,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Link {
    #[default]
    Off,
    On {
        device: u8,
        resubscribe_by: Option<u64>,
    },
    /// `reason`: that of the leaves when it is over.
    Lost {
        device: u8,
        until: u64,
        reason: u8,
    },
}

#[derive(Clone, Debug)]
pub struct Participant {
    pub user: User,
    /// A number for each SessionId.
    pub session: u32,
    pub role: u8,
    pub medias: BTreeSet<usize>,
    /// When the operator last spoke of it; `None`: it lives as its user's session does.
    pub reported: Option<u64>,
}

/// One event, in the order of the channel.
#[derive(Clone, Debug)]
pub struct Event {
    pub at: u64,
    pub channel: Channel,
    /// And session.
    pub user: Option<(User, u32)>,
    /// As `harness::Told::what`.
    pub what: String,
}

/// What somebody is told of a participant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Now {
    pub session: u32,
    pub role: u8,
    pub medias: Vec<usize>,
}

/// What the operator says of a user.
#[derive(Clone, Debug)]
pub enum Report {
    Join(User, u8, bool),
    Leave(User, bool),
    Kick(User),
    Publish(User, Vec<usize>),
    Unpublish(User, Vec<usize>),
    Role(User, u8),
    Heartbeat(User),
}

impl Report {
    pub fn user(&self) -> User {
        match self {
            Report::Join(user, ..) | Report::Leave(user, _) | Report::Kick(user) | Report::Publish(user, _) => *user,
            Report::Unpublish(user, _) | Report::Role(user, _) | Report::Heartbeat(user) => *user,
        }
    }
}

#[derive(Clone, Debug, Default)]
pub struct Channels {
    pub now: u64,
    pub links: [Link; USERS],
    /// Who is in each, in the order in which they joined.
    pub inside: [Vec<Participant>; CHANNELS],
    /// When each was closed last, as far as the server still knows.
    pub closed: [Option<u64>; CHANNELS],
    /// Whose connection is subscribed to which.
    pub attached: BTreeSet<(Channel, User)>,
    sessions: u32,
    /// That the driver did not look at yet.
    pub events: Vec<Event>,
    /// What each user's connection was pushed and the driver did not look at yet.
    pub heard: [Vec<String>; USERS],
}

impl Channels {
    pub fn find(&self, channel: Channel, user: User) -> Option<&Participant> {
        self.inside[channel].iter().find(|p| p.user == user)
    }

    fn find_mut(&mut self, channel: Channel, user: User) -> Result<&mut Participant, No> {
        self.inside[channel].iter_mut().find(|p| p.user == user).ok_or(No::NotInside)
    }

    /// The channels that the user's session is in.
    pub fn kept(&self, user: User) -> Vec<Channel> {
        (0..CHANNELS).filter(|c| self.find(*c, user).is_some_and(|p| p.reported.is_none())).collect()
    }

    pub fn now_of(&self, channel: Channel, user: User) -> Result<Now, No> {
        let p = self.find(channel, user).ok_or(No::NotInside)?;
        Ok(Now { session: p.session, role: p.role, medias: p.medias.iter().copied().collect() })
    }

    // --- events ---

    fn channel_event(&mut self, channel: Channel, what: &str) {
        self.events.push(Event { at: self.now, channel, user: None, what: what.into() });
    }

    /// `reason` is there for Join and Leave alone; a Leave tells no medias.
    fn user_event(&mut self, channel: Channel, user: User, tag: &str, reason: Option<u8>) {
        let p = self.find(channel, user).expect("it is about somebody inside");
        let medias: Vec<String> = p.medias.iter().map(|m| (m + 1).to_string()).collect();
        let reason = reason.map(|r| format!(" {r}")).unwrap_or_default();
        let role = if p.role == STREAMER { "streamer" } else { "viewer" };
        let what = format!("{tag}{reason} {role} {}", medias.join(",")).trim_end().to_owned();
        self.events.push(Event { at: self.now, channel, user: Some((user, p.session)), what });
    }

    fn join(&mut self, channel: Channel, user: User, role: u8, reason: u8, reported: Option<u64>) {
        if self.inside[channel].is_empty() {
            self.channel_event(channel, "Open");
        }
        self.sessions += 1;
        self.inside[channel].push(Participant { user, session: self.sessions, role, medias: BTreeSet::new(), reported });
        self.user_event(channel, user, "Join", Some(reason));
        self.push(channel, &format!("u{user} joined"));
    }

    fn leave(&mut self, channel: Channel, user: User, reason: u8) {
        let medias = self.find(channel, user).map(|p| p.medias.clone()).unwrap_or_default();
        let published = !medias.is_empty();
        self.take_back(channel, user, medias);
        self.user_event(channel, user, "Leave", Some(reason));
        self.attached.remove(&(channel, user));
        // The others hear it stop first.
        if let Some(p) = self.find(channel, user).filter(|_| published).cloned() {
            self.push(channel, &format!("u{user} rtc.unpublish {} []", p.role));
        }
        self.inside[channel].retain(|p| p.user != user);
        self.push(channel, &format!("u{user} left"));
        if self.inside[channel].is_empty() {
            self.channel_event(channel, "Close");
            self.closed[channel] = Some(self.now);
        }
    }

    fn take_back(&mut self, channel: Channel, user: User, medias: impl IntoIterator<Item = usize>) {
        for media in medias {
            if self.find_mut(channel, user).is_ok_and(|p| p.medias.remove(&media)) {
                self.user_event(channel, user, &format!("Unpublish{}", MEDIAS[media]), None);
            }
        }
    }

    /// Everybody who is attached hears it.
    fn push(&mut self, channel: Channel, line: &str) {
        for (_, user) in self.attached.iter().filter(|(c, _)| *c == channel) {
            self.heard[*user].push(format!("c{channel} {line}"));
        }
    }

    /// What changes is heard by all, and by who does it as well.
    fn change<T>(&mut self, channel: Channel, user: User, what: &str, how: impl FnOnce(&mut Channels) -> Result<T, No>) -> Result<Now, No> {
        let before = self.now_of(channel, user)?;
        how(self)?;
        let now = self.now_of(channel, user)?;
        if now != before {
            self.push(channel, &format!("u{user} rtc.{what} {} {:?}", now.role, now.medias));
        }
        Ok(now)
    }

    // --- sessions ---

    /// The same device resumes, another one takes over. True: resumed.
    pub fn connect(&mut self, user: User, device: u8) -> bool {
        let resumes = matches!(self.links[user], Link::On { device: d, .. } | Link::Lost { device: d, .. } if d == device);
        if !resumes {
            // Who had said goodbye was not displaced.
            let gone = matches!(self.links[user], Link::Lost { reason: NORMAL, .. });
            self.end(user, if gone { NORMAL } else { DISPLACED });
        }
        self.attached.retain(|(_, u)| *u != user);
        let keeps = !self.kept(user).is_empty();
        self.links[user] = Link::On { device, resubscribe_by: keeps.then_some(self.now + GRACE) };
        resumes
    }

    /// The socket ended, normally or not; the session lives on for a while.
    pub fn lose(&mut self, user: User, normally: bool) {
        if let Link::On { device, .. } = self.links[user] {
            let (held, reason) = if normally { (HOLD, NORMAL) } else { (GRACE, TIMEOUT) };
            self.links[user] = Link::Lost { device, until: self.now + held, reason };
            self.attached.retain(|(_, u)| *u != user);
        }
    }

    fn end(&mut self, user: User, reason: u8) {
        for channel in self.kept(user) {
            self.leave(channel, user, reason);
        }
        self.links[user] = Link::Off;
    }

    pub fn log_off(&mut self, user: User) {
        self.end(user, NORMAL);
    }

    pub fn force_off(&mut self, user: User) {
        self.end(user, KICKED);
    }

    /// What comes of itself by `now + ms`, in the order of time.
    pub fn wait(&mut self, ms: u64) {
        let end = self.now + ms;
        while let Some((at, due)) = self.next_due().filter(|(at, _)| *at <= end) {
            self.now = at;
            match due {
                Due::End(user, reason) => self.end(user, reason),
                Due::Resubscribe(user) => {
                    for channel in self.kept(user) {
                        if !self.attached.contains(&(channel, user)) {
                            self.leave(channel, user, TIMEOUT);
                        }
                    }
                    if let Link::On { resubscribe_by, .. } = &mut self.links[user] {
                        *resubscribe_by = None;
                    }
                }
                Due::Silent(channel, user) => self.leave(channel, user, TIMEOUT),
            }
        }
        self.now = end;
    }

    fn next_due(&self) -> Option<(u64, Due)> {
        let links = self.links.iter().enumerate().filter_map(|(user, link)| match *link {
            Link::Lost { until, reason, .. } => Some((until, Due::End(user, reason))),
            Link::On { resubscribe_by: Some(by), .. } => Some((by, Due::Resubscribe(user))),
            _ => None,
        });
        let reported = self
            .inside
            .iter()
            .enumerate()
            .flat_map(|(channel, users)| users.iter().filter_map(move |p| Some((p.reported? + GRACE, Due::Silent(channel, p.user)))));
        links.chain(reported).min_by_key(|(at, _)| *at)
    }

    /// Sessions come back as lost, with their whole grace, and so does who was reported.
    pub fn restart(&mut self) {
        for link in &mut self.links {
            if let Link::On { device, .. } | Link::Lost { device, .. } = *link {
                *link = Link::Lost { device, until: self.now + GRACE, reason: TIMEOUT };
            }
        }
        for p in self.inside.iter_mut().flatten() {
            p.reported = p.reported.map(|_| self.now);
        }
        self.attached.clear();
        self.closed = [None; CHANNELS];
    }

    // --- what a client does ---

    /// Joins, or attaches again; with whether it is a rejoin.
    pub fn subscribe(&mut self, channel: Channel, user: User, role: u8) -> Result<(Now, bool), No> {
        if self.attached.contains(&(channel, user)) {
            return Err(No::Already);
        }
        let again = match self.find_mut(channel, user) {
            Ok(there) => {
                if there.reported.take().is_some() {
                    // The others know it by another client from now on.
                    self.push(channel, &format!("u{user} left"));
                    self.push(channel, &format!("u{user} joined"));
                }
                self.user_event(channel, user, "Join", Some(AGAIN));
                true
            }
            Err(_) => {
                self.join(channel, user, role, NORMAL, None);
                false
            }
        };
        self.attached.insert((channel, user));
        Ok((self.now_of(channel, user)?, again))
    }

    pub fn unsubscribe(&mut self, channel: Channel, user: User) {
        if self.kept(user).contains(&channel) {
            self.leave(channel, user, NORMAL);
        }
    }

    pub fn publish(&mut self, channel: Channel, user: User, medias: &[usize]) -> Result<Now, No> {
        self.change(channel, user, "publish", |all| {
            if all.find_mut(channel, user)?.role == VIEWER {
                return Err(No::Viewer);
            }
            for media in medias {
                if all.find_mut(channel, user)?.medias.insert(*media) {
                    all.user_event(channel, user, &format!("Publish{}", MEDIAS[*media]), None);
                }
            }
            Ok(())
        })
    }

    pub fn unpublish(&mut self, channel: Channel, user: User, medias: &[usize]) -> Result<Now, No> {
        self.change(channel, user, "unpublish", |all| {
            all.take_back(channel, user, medias.iter().copied());
            Ok(())
        })
    }

    /// A viewer publishes nothing.
    pub fn set_role(&mut self, channel: Channel, user: User, role: u8) -> Result<Now, No> {
        self.change(channel, user, "role", |all| {
            if all.find_mut(channel, user)?.role != role {
                if role == VIEWER {
                    all.take_back(channel, user, 0..MEDIAS.len());
                }
                all.find_mut(channel, user)?.role = role;
                all.user_event(channel, user, "Roleupdate", None);
            }
            Ok(())
        })
    }

    // --- what the operator does ---

    /// All of it, or nothing.
    pub fn report(&mut self, channel: Channel, reports: &[Report]) -> Result<Vec<Now>, No> {
        let before = self.clone();
        let done: Result<Vec<Now>, No> = reports.iter().map(|report| self.report_one(channel, report)).collect();
        if done.is_err() {
            *self = before;
        }
        done
    }

    fn report_one(&mut self, channel: Channel, report: &Report) -> Result<Now, No> {
        let (user, now) = (report.user(), self.now);
        if let Ok(there) = self.find_mut(channel, user) {
            there.reported = there.reported.map(|_| now);
        } else if !matches!(report, Report::Join(..)) {
            return Err(No::NotInside);
        }
        match report {
            Report::Join(_, role, relay) => {
                if self.find(channel, user).is_some() {
                    self.user_event(channel, user, "Join", Some(AGAIN));
                } else {
                    self.join(channel, user, *role, if *relay { RELAY } else { NORMAL }, Some(now));
                }
                self.now_of(channel, user)
            }
            Report::Leave(_, relay) => self.put(channel, user, 2102, if *relay { RELAY } else { NORMAL }),
            Report::Kick(_) => self.put(channel, user, 2102, KICKED),
            Report::Publish(_, medias) => self.publish(channel, user, medias),
            Report::Unpublish(_, medias) => self.unpublish(channel, user, medias),
            Report::Role(_, role) => self.set_role(channel, user, *role),
            Report::Heartbeat(_) => self.now_of(channel, user),
        }
    }

    /// Out of the channel, and its connection is told so.
    fn put(&mut self, channel: Channel, user: User, code: u16, reason: u8) -> Result<Now, No> {
        let now = Now { medias: Vec::new(), ..self.now_of(channel, user)? };
        self.detach(channel, user, code);
        self.leave(channel, user, reason);
        Ok(now)
    }

    fn detach(&mut self, channel: Channel, user: User, code: u16) {
        if self.attached.remove(&(channel, user)) {
            self.heard[user].push(format!("c{channel} put out {code}"));
        }
    }

    /// Everybody is put out at once, and nobody is told of the others.
    pub fn delete(&mut self, channel: Channel) -> Result<(), No> {
        let users: Vec<User> = self.inside[channel].iter().map(|p| p.user).collect();
        users.iter().for_each(|user| self.detach(channel, *user, 2103));
        users.iter().for_each(|user| self.leave(channel, *user, CLOSED));
        if users.is_empty() { Err(No::NotInside) } else { Ok(()) }
    }
}

/// What comes of itself.
enum Due {
    End(User, u8),
    Resubscribe(User),
    Silent(Channel, User),
}
