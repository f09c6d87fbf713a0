//! What a group is as a live room (`tencent.md` §4): how it is shown, how many may be in it, what seats its
//! client SDK arranges, and its metadata. Of these the server itself keeps the number of members and the
//! sizes; the rest is told to those who ask.

use super::{
    AppId, Gid, Refusal,
    event::InGroup,
    group::{self, Group},
    push::Push,
    quota,
    request::{Actor, GroupInfo},
    tx::Tx,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};

/// Details of a group that only a live room shows. Lengths were checked by the dialect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Room {
    pub notice: String,
    pub cover_url: String,
    pub categories: Vec<i64>,
    pub activity_status: i64,
    /// It is in the list of rooms.
    pub public: bool,
    /// 0: any number.
    pub max_members: u32,
    pub seats: bool,
    pub take_seat_mode: TakeSeatMode,
    pub max_seats: u32,
    pub unlimited: bool,
    pub seat_layout: i64,
}

impl Default for Room {
    fn default() -> Self {
        Room {
            notice: String::new(),
            cover_url: String::new(),
            categories: Vec::new(),
            activity_status: 0,
            public: true,
            max_members: 0,
            seats: false,
            take_seat_mode: TakeSeatMode::Free,
            max_seats: 0,
            unlimited: false,
            seat_layout: 0,
        }
    }
}

/// How a user comes to a seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TakeSeatMode {
    Free,
    Apply,
}

/// Which rooms of an application a list asks for: public ones, most views first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomPage {
    pub app: AppId,
    /// Continue behind the room with so many views and this number.
    pub after: Option<(u64, Gid)>,
    pub limit: u32,
}

/// A page of rooms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoomsFound {
    pub rooms: Vec<GroupInfo>,
    /// Where to continue; `None` when there is nothing more.
    pub next: Option<(u64, Gid)>,
}

/// Views grow while somebody turns the pages: a room may be seen twice, or have moved to an earlier page.
pub fn page(tx: &Tx, page: &RoomPage) -> Result<RoomsFound, Refusal> {
    tx.state.app(&page.app)?;
    let place = |gid: &Gid| {
        let group = tx.state.group(*gid)?;
        let config = &group.config;
        let listed = config.deleted.is_none() && config.room.public && !config.kind.keeps_members();
        listed.then_some((group.counters.joins, *gid))
    };
    let mut places: Vec<_> = tx.state.groups_in(&page.app).filter_map(place).filter(|at| page.after.is_none_or(|after| *at < after)).collect();
    let (limit, all) = (page.limit as usize, places.len());
    if limit < all {
        // Only the page is put in order, however many rooms there are.
        places.select_nth_unstable_by(limit, |a, b| b.cmp(a));
        places.truncate(limit);
    }
    places.sort_unstable_by(|a, b| b.cmp(a));
    let next = places.last().filter(|_| limit < all).copied();
    let rooms = places.iter().filter_map(|(_, gid)| Some(tx.state.group(*gid)?.describe(tx.now))).collect();
    Ok(RoomsFound { rooms, next })
}

/// Sets these keys and keeps the others.
pub fn set_metadata(tx: &mut Tx, gid: Gid, entries: Vec<(String, String)>, by: Actor) -> Result<(), Refusal> {
    let old = tx.state.group(gid).expect("the caller found it").config.clone();
    let mut metadata = old.metadata.clone();
    metadata.extend(entries.iter().cloned());
    let (most, most_bytes) = (tx.rules.quotas.metadata_keys, tx.rules.quotas.metadata_bytes);
    if !quota::fits(metadata.len(), most) {
        return Err(Refusal::TooMuchMetadata(format!("{} keys, and {most} are allowed; delete some first", metadata.len())));
    }
    let bytes: usize = metadata.iter().map(|(key, value)| key.len() + value.len()).sum();
    if !quota::fits(bytes, most_bytes) {
        return Err(Refusal::TooMuchMetadata(format!("{bytes} bytes, and {most_bytes} are allowed; delete some first")));
    }
    put_metadata(tx, &old, metadata);
    tx.group_event(gid, by, InGroup::MetadataSet(entries));
    Ok(())
}

/// Keys that are not there are no error; nobody is told of those.
pub fn delete_metadata(tx: &mut Tx, gid: Gid, keys: Vec<String>, by: Actor) {
    let old = tx.state.group(gid).expect("the caller found it").config.clone();
    let mut metadata = old.metadata.clone();
    let gone: Vec<String> = keys.into_iter().filter(|key| metadata.remove(key).is_some()).collect();
    if !gone.is_empty() {
        put_metadata(tx, &old, metadata);
        tx.group_event(gid, by, InGroup::MetadataDeleted(gone));
    }
}

fn put_metadata(tx: &mut Tx, old: &Arc<Group>, metadata: BTreeMap<String, String>) {
    if metadata != old.metadata {
        let group = group::put(tx, Group { metadata, modified: tx.now, ..(**old).clone() });
        tx.push(Push::Room { gid: group.gid, group, at: tx.now });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{Change, Millis, State, Tick, event::Event, group::Counters, state::Rules},
        fake,
    };

    fn entries(text: &str) -> Vec<(String, String)> {
        text.split_whitespace().map(|pair| pair.split_once('=').map(|(key, value)| (key.into(), value.into())).unwrap()).collect()
    }

    #[test]
    fn metadata_has_its_bounds() {
        let mut state = State::default();
        state.apply(Change::Group(Arc::new(fake::group(1, "demo", "g"))));
        let mut rules = Rules::default();
        (rules.quotas.metadata_keys, rules.quotas.metadata_bytes) = (2, 8);
        let mut tx = Tx::new(&mut state, &rules, Millis(0), Tick(0));
        let mut set = |text: &str| set_metadata(&mut tx, Gid(1), entries(text), Actor::system());
        assert_eq!(set("a=1 b=22"), Ok(()));
        assert_eq!(set("a=3333"), Ok(()), "replaced");
        for too_much in ["c=1", "b=333"] {
            assert!(matches!(set(too_much), Err(Refusal::TooMuchMetadata(_))), "{too_much}");
        }
        delete_metadata(&mut tx, Gid(1), vec!["b".into(), "x".into()], Actor::system());
        delete_metadata(&mut tx, Gid(1), vec!["b".into()], Actor::system());
        let told: Vec<InGroup> = tx.events.iter().filter_map(|event| if let Event::Group(event) = event { Some(event.what.clone()) } else { None }).collect();
        let expected = [InGroup::MetadataSet(entries("a=1 b=22")), InGroup::MetadataSet(entries("a=3333")), InGroup::MetadataDeleted(vec!["b".into()])];
        assert_eq!(told, expected);
        assert_eq!(state.group(Gid(1)).unwrap().config.metadata, entries("a=3333").into_iter().collect());
    }

    #[test]
    fn most_viewed_rooms_come_first_page_by_page() {
        let (mut state, rules) = (State::default(), Rules::default());
        state.apply(Change::App(Arc::new(fake::app("demo"))));
        for (gid, views) in [(1, 5), (2, 9), (3, 5), (4, 0), (5, 7)] {
            let room = Room { public: gid != 5, ..Room::default() };
            state.apply(Change::Group(Arc::new(Group { room, ..fake::group(gid, "demo", &format!("g{gid}")) })));
            state.apply(Change::Counters(Gid(gid), Counters { joins: views, ..Counters::default() }));
        }
        let gone = Group { deleted: Some((Millis(1), String::new())), ..fake::group(6, "demo", "g6") };
        state.apply(Change::Group(Arc::new(gone)));
        let tx = Tx::new(&mut state, &rules, Millis(0), Tick(0));
        for limit in 1..=5 {
            let (mut after, mut seen, mut pages) = (None, Vec::new(), 0);
            loop {
                let found = page(&tx, &RoomPage { app: AppId::trusted("demo"), after, limit }).unwrap();
                seen.extend(found.rooms.iter().map(|room| room.gid.0));
                pages += 1;
                after = found.next;
                if after.is_none() {
                    break;
                }
            }
            assert_eq!((seen, pages), (vec![2, 3, 1, 4], 4_u32.div_ceil(limit)));
        }
    }
}
