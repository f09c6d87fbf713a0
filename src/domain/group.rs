//! A group: what is stored of it, what lives in memory, how it is made and changed; how it ends is `deletion.rs`. Who
//! is in it is `membership.rs` and `roster.rs`, who may not come `ban.rs`, who rules over it `ruling.rs`, who may speak
//! `mute.rs`, what is said `sending.rs`, what it is as a live room `room.rs`.

use super::{
    AppId, Epoch, Gid, GroupId, Millis, Refusal, SessionId, UserId, account,
    audience::Audience,
    ban, deletion,
    event::InGroup,
    kind::{self, Card, GroupKind, JoinOption},
    membership,
    mute::{self, Mutes, Until},
    push::Push,
    quota,
    request::{Actor, Answer, GroupChange, GroupInfo, GroupRequest, NewGroup, Said},
    room::{self, Room},
    roster, ruling,
    sending::{self, Pace},
    session::Session,
    state::Change,
    tx::Tx,
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::Arc,
};

/// What is stored of a group and seldom changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub gid: Gid,
    pub app: AppId,
    pub id: GroupId,
    pub name: String,
    pub info: String,
    /// Who made it, or had it handed over; empty when nobody was named.
    pub owner: String,
    pub admins: Vec<UserId>,
    pub created: Millis,
    /// When its description, its details or who rules over it were last changed.
    pub modified: Millis,
    pub deleted: Option<(Millis, String)>,
    pub epoch: Epoch,
    pub mutes: Mutes,
    /// Who may not join, and until when.
    pub bans: BTreeMap<UserId, Until>,
    pub room: Room,
    /// What the business keeps with it as a live room, by its own keys …
    pub metadata: BTreeMap<String, String>,
    pub kind: GroupKind,
    pub join_option: JoinOption,
    /// … and as a group of the chat.
    pub data: BTreeMap<String, String>,
}

impl Group {
    /// Owner or administrator.
    pub fn rules_over(&self, user: &UserId) -> bool {
        self.owner == user.as_str() || self.admins.contains(user)
    }
}

/// What changes with every message and join.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Number of the last message that took one.
    pub top: u64,
    /// All joins ever.
    pub joins: u64,
    /// Running total of each message type.
    pub amounts: BTreeMap<i32, i64>,
    /// When the last message was said, if one was.
    pub last_said: Option<Millis>,
}

/// Whether a member stays while it is offline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberKind {
    /// In the group while its session lives.
    Live,
    /// In the group until it is removed; presence is apart.
    Kept(Box<Card>),
}

/// A stored membership.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub user: UserId,
    /// The session it is there with; `None` for a kept member that is not.
    pub sid: Option<SessionId>,
    pub kind: MemberKind,
    pub joined: Millis,
    /// Orders all joins of all groups.
    pub order: u64,
}

/// A group with all that lives in memory.
#[derive(Clone, Debug)]
pub struct GroupState {
    pub config: Arc<Group>,
    pub counters: Counters,
    pub members: HashMap<UserId, Arc<Member>>,
    /// Members that are there, all but kept ones that are not, by the order in which they joined: clients ask for them, and a
    /// group may have many others.
    pub present: BTreeSet<(u64, UserId)>,
    pub audience: Audience,
    /// Over the limit once, and not empty since.
    pub super_large: bool,
    /// Messages that would be known again and are not stored, newest last.
    pub recent: VecDeque<Said>,
    pub pace: Pace,
}

impl GroupState {
    pub fn new(config: Arc<Group>) -> Self {
        GroupState {
            config,
            counters: Counters::default(),
            members: HashMap::new(),
            present: BTreeSet::new(),
            audience: Audience::default(),
            super_large: false,
            recent: VecDeque::new(),
            pace: Pace::default(),
        }
    }

    /// Members in the order in which they joined.
    pub fn in_order(&self) -> Vec<&Arc<Member>> {
        let mut members: Vec<_> = self.members.values().collect();
        members.sort_by_key(|m| m.order);
        members
    }

    /// `now`: mutes that are over are not told.
    pub fn describe(&self, now: Millis) -> GroupInfo {
        let g = &self.config;
        GroupInfo {
            gid: g.gid,
            group: g.id.clone(),
            name: g.name.clone(),
            info: g.info.clone(),
            owner: g.owner.clone(),
            admins: g.admins.clone(),
            created: g.created,
            modified: g.modified,
            last_said: self.counters.last_said,
            deleted: g.deleted.clone(),
            online: self.present.len() as u64,
            member_count: self.members.len() as u64,
            total: self.counters.joins,
            top: self.counters.top,
            super_large: self.super_large,
            mutes: g.mutes.at(now),
            room: g.room.clone(),
            metadata: g.metadata.clone(),
            kind: g.kind,
            join_option: g.join_option,
            data: g.data.clone(),
            amounts: self.counters.amounts.clone(),
        }
    }
}

/// Does what is asked of a group but what needs the store. `fresh` is the epoch of a new group.
pub fn perform(tx: &mut Tx, app: &AppId, name: &GroupId, by: Actor, what: GroupRequest, fresh: Epoch) -> Result<Answer, Refusal> {
    tx.state.app(app)?;
    let gid = |tx: &Tx| Ok(tx.state.live_group(app, name)?.config.gid);
    let done = |()| Answer::Done;
    match what {
        GroupRequest::Create(new) => create(tx, app, name, by, *new, fresh),
        GroupRequest::Describe => {
            let group = tx.state.group_named(app, name).ok_or_else(|| Refusal::NoSuchGroup(name.to_string()))?;
            Ok(Answer::Group(Box::new(group.describe(tx.now))))
        }
        GroupRequest::Modify(change) => modify(tx, gid(tx)?, by, *change).map(done),
        GroupRequest::Delete => {
            deletion::delete(tx, app, name, by);
            Ok(Answer::Done)
        }
        GroupRequest::Recover => deletion::recover(tx, app, name, by).map(done),
        GroupRequest::ChangeAdmins { users, add, most } => ruling::change_admins(tx, gid(tx)?, by, users, add, most).map(done),
        GroupRequest::ChangeOwner { user } => ruling::change_owner(tx, gid(tx)?, by, user).map(done),
        GroupRequest::ChangeMutes(change) => mute::change(tx, gid(tx)?, by, change).map(done),
        GroupRequest::Mutes => Ok(Answer::Mutes(tx.state.live_group(app, name)?.config.mutes.at(tx.now))),
        GroupRequest::Ban { users, until } => ban::ban(tx, gid(tx)?, by, users, until).map(done),
        GroupRequest::Unban { users } => {
            ban::lift(tx, gid(tx)?, &users);
            Ok(Answer::Done)
        }
        GroupRequest::Bans => Ok(Answer::Bans(ban::list(&tx.state.live_group(app, name)?.config, tx.now))),
        GroupRequest::Kick { user } => membership::kick(tx, gid(tx)?, by, &user).map(done),
        GroupRequest::PutOut { users } => {
            let gid = gid(tx)?;
            if tx.state.group(gid).is_some_and(|group| group.config.kind.keeps_members()) {
                return roster::put_out(tx, gid, by, &users).map(done);
            }
            users.iter().for_each(|user| membership::put_out(tx, gid, by.clone(), user));
            Ok(Answer::Done)
        }
        GroupRequest::SetMetadata(entries) => room::set_metadata(tx, gid(tx)?, entries, by).map(done),
        GroupRequest::DeleteMetadata(keys) => {
            room::delete_metadata(tx, gid(tx)?, keys, by);
            Ok(Answer::Done)
        }
        GroupRequest::Metadata => Ok(Answer::Metadata(tx.state.live_group(app, name)?.config.metadata.clone())),
        GroupRequest::Members(page) => Ok(Answer::Members(membership::page(tx, gid(tx)?, &page))),
        GroupRequest::Contains { users } => {
            let members = &tx.state.live_group(app, name)?.members;
            Ok(Answer::Users(users.into_iter().map(|user| (user.clone(), members.contains_key(&user))).collect()))
        }
        GroupRequest::AddMembers { members } => Ok(Answer::Added(roster::add(tx, gid(tx)?, by, members)?)),
        GroupRequest::ChangeMember { user, change } => roster::change(tx, gid(tx)?, by, user, *change).map(done),
        GroupRequest::Roster(page) => Ok(Answer::Roster(roster::page(tx, gid(tx)?, &page))),
        GroupRequest::Ranks { users } => Ok(Answer::Ranks(roster::ranks(tx, gid(tx)?, users))),
        GroupRequest::Notify { content, to } => {
            sending::notify(tx, gid(tx)?, content, &to);
            Ok(Answer::Done)
        }
        GroupRequest::Quit => {
            let user = UserId::new(&by.user).map_err(|_| Refusal::NoSession)?;
            roster::quit(tx, gid(tx)?, by, &user).map(done)
        }
        // These read the store first.
        GroupRequest::DeleteMessage { .. } | GroupRequest::Messages(_) | GroupRequest::Recall { .. } => Err(Refusal::Internal),
    }
}

/// May this user's client ask for it? Servers may all (`alibaba.md` §5.1, `session.md` §5).
pub fn permit(tx: &Tx, session: &Session, name: &GroupId, what: &GroupRequest) -> Result<(), Refusal> {
    let refused = |what: &str, who: &str| Err(Refusal::NotAllowed(format!("{what} {name}; {who} may")));
    match what {
        GroupRequest::Create(_) if session.role == ADMIN => Ok(()),
        GroupRequest::Create(_) => refused("create group", "a login of the role admin"),
        // Of a message that is its own, the sender decides as well: that is looked at with the message.
        GroupRequest::DeleteMessage { .. } | GroupRequest::Quit => tx.state.live_group(&session.app, name).map(drop),
        GroupRequest::Describe | GroupRequest::Mutes => {
            let group = tx.state.live_group(&session.app, name)?;
            // Whom nobody invited is not told what they are invited to.
            let open = group.config.kind != GroupKind::Work || group.config.rules_over(&session.user);
            if open || group.members.contains_key(&session.user) { Ok(()) } else { refused("ask about group", "its members") }
        }
        _ => {
            let group = &tx.state.live_group(&session.app, name)?.config;
            match what {
                _ if !group.rules_over(&session.user) => refused("manage group", "its creator and administrators"),
                GroupRequest::Kick { user } if group.owner == user.as_str() => refused("put the creator out of group", "nobody"),
                _ => Ok(()),
            }
        }
    }
}

/// The login role that may make groups.
pub const ADMIN: &str = "admin";

/// Creating is idempotent; the name of a deleted group stays taken (`alibaba.md` §2.2), unless it is wanted anew:
/// then nothing of the one that had it can be recovered.
fn create(tx: &mut Tx, app: &AppId, name: &GroupId, by: Actor, new: NewGroup, epoch: Epoch) -> Result<Answer, Refusal> {
    let old = tx.state.group_named(app, name).map(|old| (old.config.gid, old.config.deleted.is_some()));
    if let Some((_, already_deleted)) = old
        && !(new.anew && already_deleted)
    {
        return Ok(Answer::Created { group: name.clone(), already_exists: true, already_deleted });
    }
    room_for_one_more(tx, app)?;
    if let Some((old, _)) = old {
        deletion::forget(tx, old);
    }
    let gid = tx.state.next_gid();
    let group = Group {
        gid,
        app: app.clone(),
        id: name.clone(),
        name: new.name,
        info: new.info,
        owner: new.owner,
        admins: new.admins,
        created: tx.now,
        modified: tx.now,
        deleted: None,
        epoch,
        mutes: Mutes { all: new.muted_all, ..Mutes::default() },
        bans: BTreeMap::new(),
        room: new.room,
        metadata: BTreeMap::new(),
        kind: new.kind,
        join_option: new.join_option,
        data: new.data,
    };
    put(tx, group);
    if new.kind.keeps_members() {
        roster::found(tx, gid, new.members)?;
    } else if let Some(owner) = new.must_be {
        account::must_be(tx, app, &owner)?;
    }
    tx.group_event(gid, by.clone(), InGroup::Created { members: kept_members(tx, gid) });
    tell_near_limit(tx, app, gid, by);
    Ok(Answer::Created { group: name.clone(), already_exists: false, already_deleted: false })
}

/// May it be made, as far as that shows before it is? Who asks for one that is there is told so, and not asked about it.
pub fn may_create(tx: &Tx, app: &AppId, new: &NewGroup) -> Result<(), Refusal> {
    room_for_one_more(tx, app)?;
    let app = tx.state.app(app)?;
    let owner = if new.kind.keeps_members() { UserId::new(&new.owner).ok() } else { new.must_be.clone() };
    owner.iter().chain(new.members.iter().map(|member| &member.user)).try_for_each(|user| account::may_be(tx, app, user))
}

/// In the order in which they joined; empty where members are in the group only while they are there.
pub(super) fn kept_members(tx: &Tx, gid: Gid) -> Vec<UserId> {
    let Some(group) = tx.state.group(gid).filter(|group| group.config.kind.keeps_members()) else { return Vec::new() };
    group.in_order().into_iter().map(|member| member.user.clone()).collect()
}

/// At so many percent of the groups that it may have, an application is told (`tencent.md` §3.2).
const NEAR_LIMIT_PERCENT: u32 = 70;

/// The group `gid` was the one that brought the application there.
fn tell_near_limit(tx: &mut Tx, app: &AppId, gid: Gid, by: Actor) {
    let most = tx.rules.quotas.groups_per_app;
    let near = (u64::from(most) * u64::from(NEAR_LIMIT_PERCENT)).div_ceil(100);
    let groups = tx.state.live_groups(app) as u32;
    if most > 0 && u64::from(groups) == near {
        tx.group_event(gid, by, InGroup::NearLimit { groups, most });
    }
}

/// Makes the group what it says.
pub fn put(tx: &mut Tx, group: Group) -> Arc<Group> {
    let group = Arc::new(group);
    tx.change(Change::Group(group.clone()));
    group
}

pub(super) fn room_for_one_more(tx: &Tx, app: &AppId) -> Result<(), Refusal> {
    let most = tx.rules.quotas.groups_per_app;
    if quota::room(tx.state.live_groups(app), most) { Ok(()) } else { Err(Refusal::TooManyGroups(most)) }
}

/// What changes nothing is told nobody.
fn modify(tx: &mut Tx, gid: Gid, by: Actor, change: GroupChange) -> Result<(), Refusal> {
    let group = tx.state.group(gid).expect("the caller found it");
    let old = group.config.clone();
    // Who rules over a group that keeps its members is one of them.
    if old.kind.keeps_members()
        && let Some(stranger) = change.admins.iter().flatten().find(|admin| !group.members.contains_key(*admin))
    {
        return Err(Refusal::NoSuchMember { user: stranger.to_string(), group: old.id.to_string() });
    }
    let GroupChange { name, info, admins, notice, cover_url, categories, activity_status, public, max_members, take_seat_mode, muted_all, join_option, data } =
        change;
    let mut kept = old.data.clone();
    kind::merge(&mut kept, data.unwrap_or_default(), tx.rules.quotas.group_data_keys)?;
    let room = Room {
        notice: notice.unwrap_or_else(|| old.room.notice.clone()),
        cover_url: cover_url.unwrap_or_else(|| old.room.cover_url.clone()),
        categories: categories.unwrap_or_else(|| old.room.categories.clone()),
        activity_status: activity_status.unwrap_or(old.room.activity_status),
        public: public.unwrap_or(old.room.public),
        max_members: max_members.unwrap_or(old.room.max_members),
        take_seat_mode: take_seat_mode.unwrap_or(old.room.take_seat_mode),
        ..old.room.clone()
    };
    let new = Group {
        name: name.unwrap_or_else(|| old.name.clone()),
        info: info.unwrap_or_else(|| old.info.clone()),
        admins: admins.unwrap_or_else(|| old.admins.clone()),
        room,
        join_option: join_option.unwrap_or(old.join_option),
        data: kept,
        ..(*old).clone()
    };
    let described = (&new.name, &new.info, &new.room) != (&old.name, &old.info, &old.room);
    if new != *old {
        let new = put(tx, Group { modified: tx.now, ..new });
        if (&new.name, &new.info, &new.admins) != (&old.name, &old.info, &old.admins) {
            tx.push(Push::Info { gid, group: new.clone(), at: tx.now });
        }
        if new.room != old.room {
            tx.push(Push::Room { gid, group: new, at: tx.now });
        }
    }
    let mutes = muted_all.is_some_and(|all| mute::set_all(tx, gid, all));
    if described || mutes {
        tx.group_event(gid, by.clone(), InGroup::Changed { before: old.clone() });
    }
    ruling::tell_admins(tx, gid, &by, &old.admins);
    Ok(())
}
