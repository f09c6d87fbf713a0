//! Rows of groups, their counters and their members.

use super::{Result, StoreError, from_json, json, run};
use crate::domain::{
    AppId, Change, Epoch, Gid, GroupId, Millis, SessionId, State, UserId,
    deletion::FORGOTTEN,
    group::{Counters, Group, Member, MemberKind},
    kind::{GroupKind, JoinOption},
    mute::{Mutes, Until},
    request::{GroupPage, GroupsFound, PageStart},
};
use rusqlite::{Connection, Row, params};
use std::{collections::BTreeMap, sync::Arc};

pub fn put(conn: &Connection, g: &Group) -> Result<()> {
    let (deleted, by) = match &g.deleted {
        Some((at, by)) => (Some(at.0), Some(by)),
        None => (None, None),
    };
    let until = |until: Until| match until {
        Until::At(at) => Some(at.0),
        Until::Forever => None,
    };
    let lasting: Vec<&UserId> = g.mutes.users.iter().filter(|(_, end)| until(**end).is_none()).map(|(user, _)| user).collect();
    let timed: BTreeMap<&UserId, i64> = g.mutes.users.iter().filter_map(|(user, end)| Some((user, until(*end)?))).collect();
    let bans: BTreeMap<&UserId, Option<i64>> = g.bans.iter().map(|(user, end)| (user, until(*end))).collect();
    run(
        conn,
        "INSERT INTO grp (gid, app, id, name, info, creator, admins, created, deleted, deleted_by, epoch, muted_all, muted, unmuted, muted_until, banned,
         room, metadata, modified, kind, join_option, data)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22)
         ON CONFLICT (gid) DO UPDATE SET id = ?3, name = ?4, info = ?5, creator = ?6, admins = ?7, deleted = ?9, deleted_by = ?10, epoch = ?11,
         muted_all = ?12, muted = ?13, unmuted = ?14, muted_until = ?15, banned = ?16, room = ?17, metadata = ?18, modified = ?19,
         kind = ?20, join_option = ?21, data = ?22",
        params![
            g.gid.0,
            g.app.as_str(),
            g.id.as_str(),
            g.name,
            g.info,
            g.owner,
            json(&g.admins),
            g.created.0,
            deleted,
            by,
            g.epoch.0 as i64,
            g.mutes.all,
            json(&lasting),
            json(&g.mutes.except),
            json(&timed),
            json(&bans),
            json(&g.room),
            json(&g.metadata),
            g.modified.0,
            KINDS.iter().position(|kind| *kind == g.kind).expect("all are listed") as i64,
            JOIN_OPTIONS.iter().position(|option| *option == g.join_option).expect("all are listed") as i64,
            json(&g.data)
        ],
    )
}

const COLUMNS: &str = "gid, app, id, name, info, creator, admins, created, deleted, deleted_by, epoch, muted_all, muted, unmuted, super_large, \
                       muted_until, banned, room, metadata, modified, kind, join_option, data";

/// By their numbers in rows.
const KINDS: [GroupKind; 5] = [GroupKind::AvChatRoom, GroupKind::Work, GroupKind::Public, GroupKind::Meeting, GroupKind::Community];
const JOIN_OPTIONS: [JoinOption; 3] = [JoinOption::Free, JoinOption::NeedPermission, JoinOption::Disabled];

fn numbered<T: Copy>(all: &[T], what: &str, n: i64) -> Result<T> {
    usize::try_from(n).ok().and_then(|n| all.get(n)).copied().ok_or_else(|| StoreError::Row(format!("{what} {n}")))
}

fn read(row: &Row) -> Result<Group> {
    let deleted = row.get::<_, Option<i64>>(8)?.map(Millis);
    let lasting: Vec<UserId> = from_json(&row.get::<_, String>(12)?)?;
    let timed: BTreeMap<UserId, i64> = from_json(&row.get::<_, String>(15)?)?;
    let mutes = lasting.into_iter().map(|user| (user, Until::Forever)).chain(timed.into_iter().map(|(user, at)| (user, Until::At(Millis(at))))).collect();
    let bans: BTreeMap<UserId, Option<i64>> = from_json(&row.get::<_, String>(16)?)?;
    Ok(Group {
        gid: Gid(row.get(0)?),
        app: AppId::trusted(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?),
        id: GroupId::trusted(row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?),
        name: row.get(3)?,
        info: row.get(4)?,
        owner: row.get(5)?,
        admins: from_json(&row.get::<_, String>(6)?)?,
        created: Millis(row.get(7)?),
        modified: Millis(row.get(19)?),
        deleted: match deleted {
            Some(at) => Some((at, row.get::<_, Option<String>>(9)?.unwrap_or_default())),
            None => None,
        },
        epoch: Epoch(row.get::<_, i64>(10)? as u64),
        mutes: Mutes { all: row.get(11)?, users: mutes, except: from_json(&row.get::<_, String>(13)?)? },
        bans: bans.into_iter().map(|(user, at)| (user, at.map_or(Until::Forever, |at| Until::At(Millis(at))))).collect(),
        room: from_json(&row.get::<_, String>(17)?)?,
        metadata: from_json(&row.get::<_, String>(18)?)?,
        kind: numbered(&KINDS, "a group of kind", row.get(20)?)?,
        join_option: numbered(&JOIN_OPTIONS, "a group with the join option", row.get(21)?)?,
        data: from_json(&row.get::<_, String>(22)?)?,
    })
}

/// Nothing of a group is left but, in `mark`, that its number was given. Its messages went before.
pub fn forget(conn: &Connection, gid: Gid) -> Result<()> {
    run(conn, "DELETE FROM member WHERE gid = ?1", params![gid.0])?;
    run(conn, "DELETE FROM counter WHERE gid = ?1", params![gid.0])?;
    run(conn, "DELETE FROM grp WHERE gid = ?1", params![gid.0])?;
    run(conn, "INSERT INTO mark (name, value) VALUES ('gid', ?1) ON CONFLICT (name) DO UPDATE SET value = max(value, ?1)", params![gid.0])
}

/// A page of an application's groups. Numbers grow, so their order is that in which groups were made.
pub fn page(conn: &Connection, page: &GroupPage) -> Result<GroupsFound> {
    // What is forgotten has no name that could be told.
    let kind = page.deleted.map_or("AND (deleted IS NULL OR deleted <> ?99)", |deleted| if deleted { "AND deleted <> ?99" } else { "AND deleted IS NULL" });
    let mut kind = kind.replace("?99", &FORGOTTEN.0.to_string());
    if let Some(only) = page.kind {
        kind += &format!(" AND kind = {}", KINDS.iter().position(|kind| *kind == only).expect("all are listed"));
    }
    let (beyond, order) = if page.ascending { (">", "ASC") } else { ("<", "DESC") };
    let edge = if page.ascending { i64::MIN } else { i64::MAX };
    let (after, skip) = match page.from {
        PageStart::After(after) => (after.unwrap_or(edge), 0),
        PageStart::Skip(n) => (edge, i64::try_from(n).unwrap_or(i64::MAX)),
    };
    let mut count = conn.prepare_cached(&format!("SELECT count(*) FROM grp WHERE app = ?1 {kind}"))?;
    let total: i64 = count.query_row(params![page.app.as_str()], |row| row.get(0))?;
    let sql = format!("SELECT {COLUMNS} FROM grp WHERE app = ?1 AND gid {beyond} ?2 {kind} ORDER BY gid {order} LIMIT ?3 OFFSET ?4");
    let mut rows = conn.prepare_cached(&sql)?;
    let mut rows = rows.query(params![page.app.as_str(), after, i64::from(page.limit) + 1, skip])?;
    let (mut groups, mut more) = (Vec::new(), false);
    while let Some(row) = rows.next()? {
        more = groups.len() == page.limit as usize;
        if !more {
            groups.push(read(row)?);
        }
    }
    let next = groups.last().filter(|_| more).map(|group: &Group| group.gid.0);
    Ok(GroupsFound { groups, next, total: total.max(0) as u64 })
}

pub fn put_counters(conn: &Connection, gid: Gid, c: &Counters) -> Result<()> {
    let amounts = json(&c.amounts);
    run(conn, "INSERT OR REPLACE INTO counter VALUES (?1, ?2, ?3, ?4, ?5)", params![gid.0, c.top as i64, c.joins as i64, amounts, c.last_said.map(|at| at.0)])
}

pub fn put_member(conn: &Connection, gid: Gid, m: &Member) -> Result<()> {
    let (kind, card) = match &m.kind {
        MemberKind::Live => (0, "{}".into()),
        MemberKind::Kept(card) => (1, json(card)),
    };
    run(
        conn,
        "INSERT OR REPLACE INTO member VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![gid.0, m.user.as_str(), m.sid.as_ref().map(SessionId::as_str), kind, m.joined.0, m.order as i64, card],
    )
}

/// Sessions are loaded before: a member is listed with its session.
pub fn load(conn: &Connection, state: &mut State) -> Result<()> {
    let last: Option<i64> = conn.query_row("SELECT max(value) FROM mark WHERE name = 'gid'", [], |row| row.get(0))?;
    state.numbers_given(Gid(last.unwrap_or(0)));
    let mut rows = conn.prepare(&format!("SELECT {COLUMNS} FROM grp ORDER BY gid"))?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        let group = read(row)?;
        let gid = group.gid;
        state.apply(Change::Group(Arc::new(group)));
        state.apply(Change::SuperLarge(gid, row.get("super_large")?));
    }
    let mut rows = conn.prepare("SELECT gid, top, joins, amounts, last_said FROM counter")?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        let counters = Counters {
            top: row.get::<_, i64>(1)? as u64,
            joins: row.get::<_, i64>(2)? as u64,
            amounts: from_json(&row.get::<_, String>(3)?)?,
            last_said: row.get::<_, Option<i64>>(4)?.map(Millis),
        };
        state.apply(Change::Counters(Gid(row.get(0)?), counters));
    }
    let mut rows = conn.prepare("SELECT gid, user, sid, kind, joined, ord, card FROM member ORDER BY ord")?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        let kind = match row.get::<_, i64>(3)? {
            0 => MemberKind::Live,
            1 => MemberKind::Kept(Box::new(from_json(&row.get::<_, String>(6)?)?)),
            n => return Err(StoreError::Row(format!("a membership of kind {n}"))),
        };
        let member = Member {
            user: UserId::trusted(&row.get::<_, String>(1)?),
            sid: row.get::<_, Option<String>>(2)?.map(|sid| SessionId::trusted(&sid)),
            kind,
            joined: Millis(row.get(4)?),
            order: row.get::<_, i64>(5)? as u64,
        };
        state.apply(Change::Member(Gid(row.get(0)?), Arc::new(member)));
    }
    Ok(())
}
