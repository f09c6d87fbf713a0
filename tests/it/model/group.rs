//! What a group is, by the documents alone (`alibaba.md` §2.2 to §2.4, `session.md` §2 and §3): the
//! specification that the server is compared with. It knows nothing of sockets, JSON or stores; times
//! are in ms since the group was made, users are numbers, and what a client hears is a line of text.

use std::collections::{BTreeMap, BTreeSet};

pub type User = usize;
pub const USERS: usize = 6;
pub const CREATOR: User = 0;
/// How long a session is held after a normal close, and after any other end of its socket.
pub const HOLD: u64 = 2_000;
pub const GRACE: u64 = 90_000;

/// What the cloud's API answers when something that is named is not there.
pub const NOT_THERE: u64 = 404;

/// A message that somebody wants to send.
#[derive(Clone, Debug)]
pub struct Say {
    pub kind: i32,
    pub increase: i64,
    pub no_storage: bool,
    pub no_cache: bool,
    pub tid: Option<String>,
}

/// A message that was sent.
#[derive(Clone, Debug)]
pub struct Said {
    pub body: String,
    /// As its sender gave it.
    pub tid: Option<String>,
    pub kind: i32,
    /// Sum of its type with it.
    pub total: i64,
    /// Its number, unless it was neither stored nor cached.
    pub seq: Option<u64>,
    pub stored: bool,
    pub cached: bool,
    pub deleted: bool,
}

impl Said {
    /// As a client reads it.
    pub fn line(&self) -> String {
        let offset = self.seq.filter(|_| self.cached).unwrap_or(0);
        let (body, event) = if self.deleted { ("", "message.deleted") } else { (&*self.body, "") };
        let tid = self.tid.as_deref().unwrap_or_default();
        format!("said {body:?} {tid:?} type {} total {} offset {offset} {event}", self.kind, self.total)
    }
}

/// A user's session. `resubscribe_by`: until then a resumed one keeps the group without subscribing again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Link {
    #[default]
    Off,
    On {
        device: u8,
        resubscribe_by: Option<u64>,
    },
    Lost {
        device: u8,
        until: u64,
    },
}

#[derive(Clone, Debug, Default)]
pub struct Group {
    pub now: u64,
    pub links: [Link; USERS],
    /// In the order in which they joined.
    pub members: Vec<User>,
    /// Those of them whose socket gets what is pushed.
    pub attached: BTreeSet<User>,
    pub joins: u64,
    pub messages: Vec<Said>,
    pub top: u64,
    pub amounts: BTreeMap<i32, i64>,
    pub admins: Vec<User>,
    pub muted_all: bool,
    pub muted: BTreeSet<User>,
    /// The white list of the group mute.
    pub unmuted: BTreeSet<User>,
    pub deleted: bool,
    /// What each user's socket was told and the driver did not look at yet.
    pub heard: [Vec<String>; USERS],
}

impl Group {
    // --- sessions ---

    /// The same device resumes, another one takes over. True: resumed.
    pub fn connect(&mut self, user: User, device: u8) -> bool {
        let resumes = matches!(self.links[user], Link::On { device: d, .. } | Link::Lost { device: d, .. } if d == device);
        if !resumes {
            self.remove(user);
        }
        // Membership belongs to the session, subscription to the connection.
        self.attached.remove(&user);
        let keeps = self.members.contains(&user);
        self.links[user] = Link::On { device, resubscribe_by: keeps.then_some(self.now + GRACE) };
        resumes
    }

    /// The socket ended; the session lives on for so long.
    pub fn lose(&mut self, user: User, held: u64) {
        if let Link::On { device, .. } = self.links[user] {
            self.links[user] = Link::Lost { device, until: self.now + held };
            self.attached.remove(&user);
        }
    }

    pub fn wait(&mut self, ms: u64) {
        self.now += ms;
        for user in 0..USERS {
            match self.links[user] {
                Link::Lost { until, .. } if until <= self.now => {
                    self.remove(user);
                    self.links[user] = Link::Off;
                }
                Link::On { device, resubscribe_by: Some(by) } if by <= self.now => {
                    if !self.attached.contains(&user) {
                        self.remove(user);
                    }
                    self.links[user] = Link::On { device, resubscribe_by: None };
                }
                _ => {}
            }
        }
    }

    /// Open sessions come back as lost, with their whole grace.
    pub fn restart(&mut self) {
        for link in &mut self.links {
            if let Link::On { device, .. } | Link::Lost { device, .. } = *link {
                *link = Link::Lost { device, until: self.now + GRACE };
            }
        }
        self.attached.clear();
        // What was neither stored nor cached was never written, and its tid is forgotten with it.
        self.messages.retain(|m| m.seq.is_some());
    }

    // --- what a client does ---

    /// Joins, or attaches again. What it missed since a position, if it asks.
    pub fn subscribe(&mut self, user: User, since: Option<u64>) -> Result<Vec<Said>, u64> {
        if self.deleted {
            return Err(441);
        }
        if self.attached.contains(&user) {
            return Err(105);
        }
        if !self.members.contains(&user) {
            self.joins += 1;
            self.tell(&format!("joined u{user}"));
            self.members.push(user);
        }
        self.attached.insert(user);
        let missed = |m: &&Said| m.cached && since.is_some_and(|since| m.seq > Some(since));
        Ok(self.messages.iter().filter(missed).cloned().collect())
    }

    /// Leaves, by itself or otherwise; the others are told.
    pub fn remove(&mut self, user: User) {
        if self.members.contains(&user) {
            self.members.retain(|m| *m != user);
            self.attached.remove(&user);
            self.tell(&format!("left u{user}"));
        }
    }

    pub fn publish(&mut self, user: User, body: &str, say: Say) -> Result<(), u64> {
        if self.deleted {
            return Err(441);
        }
        if !self.members.contains(&user) {
            return Err(425);
        }
        if self.is_muted(user) {
            return Err(442);
        }
        self.accept(body, say);
        Ok(())
    }

    /// Group mute and single mutes are independent; creator and administrators are never muted.
    fn is_muted(&self, user: User) -> bool {
        let rules = user == CREATOR || self.admins.contains(&user);
        !rules && (self.muted.contains(&user) || self.muted_all && !self.unmuted.contains(&user))
    }

    fn said(&self, tid: &Option<String>) -> bool {
        tid.is_some() && self.messages.iter().any(|m| m.tid == *tid)
    }

    fn accept(&mut self, body: &str, say: Say) {
        if self.said(&say.tid) {
            return;
        }
        let total = self.amounts.entry(say.kind).or_default();
        *total += say.increase;
        let total = *total;
        let numbered = !(say.no_storage && say.no_cache);
        self.top += u64::from(numbered);
        let seq = numbered.then_some(self.top);
        let (tid, stored, cached) = (say.tid, !say.no_storage, !say.no_cache);
        let said = Said { body: body.to_owned(), tid, kind: say.kind, total, seq, stored, cached, deleted: false };
        self.tell(&said.line());
        self.messages.push(said);
    }

    /// Everybody who is attached hears it.
    fn tell(&mut self, line: &str) {
        self.attached.iter().for_each(|user| self.heard[*user].push(line.to_owned()));
    }

    // --- what the business's server does ---

    fn alive(&self) -> Result<(), u64> {
        if self.deleted { Err(NOT_THERE) } else { Ok(()) }
    }

    /// Bypasses mute; somebody must be there to hear it, unless it was said already.
    pub fn send(&mut self, body: &str, say: Say) -> Result<(), u64> {
        self.alive()?;
        if self.members.is_empty() && !self.said(&say.tid) {
            return Err(NOT_THERE);
        }
        self.accept(body, say);
        Ok(())
    }

    pub fn add_band(&mut self, users: &[User]) -> Result<(), u64> {
        self.alive()?;
        self.muted.extend(users);
        Ok(())
    }

    pub fn remove_band(&mut self, users: &[User]) -> Result<(), u64> {
        self.alive()?;
        self.muted.retain(|user| !users.contains(user));
        Ok(())
    }

    /// Each list that is given replaces the one before; the white list ends with the group mute.
    pub fn modify_band(&mut self, all: Option<bool>, muted: Option<&[User]>, except: Option<&[User]>) -> Result<(), u64> {
        self.alive()?;
        self.muted_all = all.unwrap_or(self.muted_all);
        if let Some(muted) = muted {
            self.muted = muted.iter().copied().collect();
        }
        if let Some(except) = except {
            self.unmuted = except.iter().copied().collect();
        }
        if !self.muted_all {
            self.unmuted.clear();
        }
        Ok(())
    }

    pub fn kick(&mut self, user: User) -> Result<(), u64> {
        self.alive()?;
        if !self.members.contains(&user) {
            return Err(NOT_THERE);
        }
        self.put_out(user, 2102);
        self.remove(user);
        Ok(())
    }

    fn put_out(&mut self, user: User, code: u16) {
        if self.attached.remove(&user) {
            self.heard[user].push(format!("put out {code}"));
        }
    }

    pub fn delete_message(&mut self, body: &str) -> Result<(), u64> {
        let found = self.messages.iter_mut().find(|m| m.body == body && m.seq.is_some() && !m.deleted).ok_or(NOT_THERE)?;
        found.deleted = true;
        self.tell(&format!("deleted {body:?}"));
        Ok(())
    }

    pub fn set_admins(&mut self, admins: &[User]) -> Result<(), u64> {
        self.alive()?;
        self.admins = admins.to_vec();
        Ok(())
    }

    /// Everybody is put out at once, and nobody is told of the others.
    pub fn delete(&mut self) -> Result<(), u64> {
        self.members.clear();
        (0..USERS).for_each(|user| self.put_out(user, 2101));
        self.deleted = true;
        Ok(())
    }

    /// All but its members is as it was.
    pub fn recover(&mut self) -> Result<(), u64> {
        self.deleted = false;
        Ok(())
    }
}
