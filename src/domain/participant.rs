//! A user in an RTC channel: its role, what it says that it publishes, and how these change. How it comes
//! and goes is `channel.rs`.

use super::{
    Cid, Refusal, SessionId, StayId, UserId, channel,
    event::{InChannel, UserInChannel},
    push::Push,
    request::ParticipantInfo,
    state::Change,
    tx::Tx,
};
use std::sync::Arc;

/// One kind of stream that a user publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    Audio = 1,
    Video = 2,
    Screen = 4,
}

impl Media {
    const ALL: [Media; 3] = [Media::Audio, Media::Video, Media::Screen];

    /// As clients and media servers call it (`session.md` §4).
    pub fn name(self) -> &'static str {
        match self {
            Media::Audio => "audio",
            Media::Video => "video",
            Media::Screen => "screen",
        }
    }

    /// The inverse of [`Media::name`].
    pub fn named(name: &str) -> Option<Media> {
        Media::ALL.into_iter().find(|media| media.name() == name)
    }
}

/// What a user publishes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Medias(u8);

impl Medias {
    /// As they are stored.
    pub fn bits(self) -> u8 {
        self.0
    }

    /// The inverse of [`Medias::bits`].
    pub fn from_bits(bits: u8) -> Option<Medias> {
        (bits < 8).then_some(Medias(bits))
    }

    pub fn has(self, media: Media) -> bool {
        self.0 & media as u8 != 0
    }

    pub fn with(self, media: Media) -> Medias {
        Medias(self.0 | media as u8)
    }

    pub fn without(self, media: Media) -> Medias {
        Medias(self.0 & !(media as u8))
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Audio, video, screen, in this order.
    pub fn iter(self) -> impl Iterator<Item = Media> {
        Media::ALL.into_iter().filter(move |media| self.has(*media))
    }

    pub fn names(self) -> Vec<&'static str> {
        self.iter().map(Media::name).collect()
    }
}

impl Medias {
    /// One or more of them by their names; or what is wrong, to be read on from the name of the list.
    pub fn named(names: &[String]) -> Result<Medias, String> {
        let media = |name: &String| Media::named(name).ok_or_else(|| format!("has {name:?}: there are audio, video and screen"));
        let medias = names.iter().map(media).collect::<Result<Medias, String>>()?;
        if medias.is_empty() { Err("is empty: name at least one of audio, video and screen".into()) } else { Ok(medias) }
    }
}

impl FromIterator<Media> for Medias {
    fn from_iter<T: IntoIterator<Item = Media>>(medias: T) -> Medias {
        medias.into_iter().fold(Medias::default(), Medias::with)
    }
}

/// May it publish?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    Streamer = 1,
    Viewer = 2,
}

impl Role {
    /// In the store and on every wire.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The inverse of [`Role::number`].
    pub fn numbered(number: i64) -> Option<Role> {
        [Role::Streamer, Role::Viewer].into_iter().find(|role| i64::from(role.number()) == number)
    }
}

/// Whose word it is that a user is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// The user's own session: it leaves when that ends.
    Session(SessionId),
    /// A media server, which has to repeat it.
    Reported,
}

/// A user in a channel, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Participant {
    pub user: UserId,
    pub stay: StayId,
    pub holder: Holder,
    pub role: Role,
    pub medias: Medias,
    /// Orders all joins of all channels and groups.
    pub order: u64,
}

impl Participant {
    /// Is it there by this session's own word?
    pub fn is_held_by(&self, sid: &SessionId) -> bool {
        matches!(&self.holder, Holder::Session(held) if held == sid)
    }

    pub fn describe(&self) -> ParticipantInfo {
        ParticipantInfo { user: self.user.clone(), stay: self.stay.clone(), role: self.role, medias: self.medias }
    }
}

/// One change of what a participant does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    Publish(Medias),
    Unpublish(Medias),
    Role(Role),
}

/// The participant as it is after it. What is so already is no event, and no error.
pub fn perform(tx: &mut Tx, cid: Cid, user: &UserId, doing: Doing) -> Result<ParticipantInfo, Refusal> {
    let before = find(tx, cid, user).expect("the caller found it");
    match doing {
        Doing::Publish(_) if before.role == Role::Viewer => {
            return Err(Refusal::NotAllowed(format!("publish as a viewer; {user} has to become a streamer first")));
        }
        Doing::Publish(medias) => set_medias(tx, cid, user, medias.iter().fold(before.medias, Medias::with)),
        Doing::Unpublish(medias) => set_medias(tx, cid, user, medias.iter().fold(before.medias, Medias::without)),
        Doing::Role(role) if role != before.role => {
            if role == Role::Viewer {
                set_medias(tx, cid, user, Medias::default());
            }
            let now = find(tx, cid, user).expect("it is still in");
            tx.change(Change::Participant(cid, Arc::new(Participant { role, ..(*now).clone() })));
            tell(tx, cid, user, UserInChannel::RoleChanged);
        }
        Doing::Role(_) => {}
    }
    announce(tx, cid, user, &before, doing);
    Ok(find(tx, cid, user).expect("it is still in").describe())
}

/// Tells the others in the channel what the participant, who was as `before`, has done.
pub(super) fn announce(tx: &mut Tx, cid: Cid, user: &UserId, before: &Participant, doing: Doing) {
    if let Some(now) = find(tx, cid, user).filter(|now| **now != *before && channel::is_told(tx, cid)) {
        tx.push(Push::Participant { cid, doing, who: Arc::new(now.describe()), at: tx.now });
    }
}

/// An event for each media that comes or goes, with the set as it is after it.
pub(super) fn set_medias(tx: &mut Tx, cid: Cid, user: &UserId, target: Medias) {
    let Some(old) = find(tx, cid, user).filter(|p| p.medias != target) else { return };
    let mut now = (*old).clone();
    for media in Media::ALL.into_iter().filter(|media| old.medias.has(*media) != target.has(*media)) {
        let what = if target.has(media) { UserInChannel::Published(media) } else { UserInChannel::Unpublished(media) };
        now.medias = if target.has(media) { now.medias.with(media) } else { now.medias.without(media) };
        event(tx, cid, &now, what);
    }
    tx.change(Change::Participant(cid, Arc::new(now)));
}

pub(super) fn find(tx: &Tx, cid: Cid, user: &UserId) -> Option<Arc<Participant>> {
    tx.state.channels.get(cid)?.participants.get(user).cloned()
}

/// An event of the participant as it is now.
pub(super) fn tell(tx: &mut Tx, cid: Cid, user: &UserId, what: UserInChannel) {
    if let Some(now) = find(tx, cid, user) {
        event(tx, cid, &now, what);
    }
}

fn event(tx: &mut Tx, cid: Cid, p: &Participant, what: UserInChannel) {
    if let Some(config) = tx.state.channels.get(cid).map(|c| c.config.clone()) {
        tx.channel_event(&config, InChannel::User { user: p.user.clone(), stay: p.stay.clone(), role: p.role, medias: p.medias, what });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medias_are_a_set_in_a_fixed_order() {
        let medias: Medias = [Media::Screen, Media::Audio, Media::Screen].into_iter().collect();
        assert_eq!((medias.names(), medias.bits()), (vec!["audio", "screen"], 5));
        assert_eq!(medias.with(Media::Video).without(Media::Audio).names(), ["video", "screen"]);
        assert_eq!(Medias::from_bits(5), Some(medias));
        assert_eq!(Medias::from_bits(8), None);
        for media in Media::ALL {
            assert_eq!(Media::named(media.name()), Some(media));
        }
        assert_eq!((Media::named("Audio"), Role::numbered(0), Role::numbered(2)), (None, None, Some(Role::Viewer)));
    }
}
