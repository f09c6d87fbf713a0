//! The store: one SQLite file, one writer. The only place that says SQL. [`Store`] writes the very
//! changes that the domain made to its state and loads that state again; [`Reader`] is a read-only
//! connection for those who list. It must not know who asks, or why.

mod app;
mod attempt;
mod channel;
mod direct;
mod group;
mod message;
pub mod outbox;
mod retention;
mod schema;
mod session;
mod subscription;

#[cfg(test)]
mod tests;

pub use message::Recovered;
pub use retention::{GROUPS as GROUPS_A_STEP, STEP as ROWS_A_STEP};

use crate::domain::{
    AppId, Change, Gid, GroupId, Millis, State, Tid, UserId,
    direct::{DirectPage, DirectsFound},
    group::Counters,
    message::{Found, HistoryPage, Message, MessagePage},
    request::{AttemptPage, AttemptsFound, GroupPage, GroupsFound},
    sending::StoredMessage,
};
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use std::{
    cell::Cell,
    fmt, io,
    path::{Path, PathBuf},
};

/// Name of the database inside the data folder.
pub const FILE: &str = "roomd.db";

#[derive(Debug)]
pub enum StoreError {
    /// The file was written by a newer roomd. Nothing was touched.
    Newer {
        path: PathBuf,
        found: i64,
        known: i64,
    },
    Folder {
        path: PathBuf,
        source: io::Error,
    },
    Sql(rusqlite::Error),
    /// SQLite took back the open transaction by itself.
    Lost,
    /// A row that this version cannot read.
    Row(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            StoreError::Newer { path, found, known } => write!(
                f,
                "{} has version {found}, and this roomd knows versions up to {known}: start the newer roomd that wrote it, or another --data folder; the store was not touched",
                path.display()
            ),
            StoreError::Folder { path, source } => write!(f, "cannot use the data folder {}: {source}; choose another with --data", path.display()),
            StoreError::Sql(source) => write!(f, "the store {FILE}: {source}; see that its disk has room and that no other program holds it open"),
            StoreError::Lost => write!(f, "the store took back the open transaction"),
            StoreError::Row(what) => write!(f, "the store holds {what}, which this roomd cannot read"),
        }
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            StoreError::Folder { source, .. } => Some(source),
            StoreError::Sql(source) => Some(source),
            _ => None,
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(source: rusqlite::Error) -> Self {
        StoreError::Sql(source)
    }
}

pub type Result<T> = std::result::Result<T, StoreError>;

/// Makes the data folder. It will hold every secret of the applications, so others cannot look in.
pub fn make_folder(data: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(data);
    made.map_err(|source| StoreError::Folder { path: data.to_owned(), source })
}

/// The only write connection. It opens a transaction with the first write and keeps it until
/// [`Store::commit`] or [`Store::roll_back`].
pub struct Store {
    conn: Connection,
    /// We began a transaction and have neither committed nor rolled back. SQLite can roll back by
    /// itself (full disk, IO error); only this tells that from "nothing was begun".
    open: Cell<bool>,
    /// The present batch could not begin: waiting again for each of its commands would hold up everybody.
    refused: Cell<bool>,
}

impl Store {
    /// Opens or makes the store in the folder `data`, and brings it to the present version.
    pub fn open(data: &Path) -> Result<Store> {
        make_folder(data)?;
        let folder = |source| StoreError::Folder { path: data.to_owned(), source };
        let path = data.join(FILE);
        if path.exists() {
            // Looked at before anything is written: a newer store is left as it is.
            let look = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
            refuse_newer(&path, &look)?;
        }
        // Made here, so that it and the log beside it are nobody else's to read, wherever the folder came from.
        use std::os::unix::fs::OpenOptionsExt;
        std::fs::OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(folder)?;
        let mut conn = Connection::open(&path)?;
        tune(&conn)?;
        conn.pragma_update(None, "journal_mode", "WAL")?;
        conn.pragma_update(None, "synchronous", "FULL")?;
        conn.pragma_update(None, "wal_autocheckpoint", 1000)?;
        conn.pragma_update(None, "journal_size_limit", 4_194_304)?;
        conn.pragma_update(None, "foreign_keys", true)?;
        migrate(&mut conn)?;
        conn.set_prepared_statement_cache_capacity(128);
        Ok(Store { conn, open: Cell::new(false), refused: Cell::new(false) })
    }

    /// The state as it was last committed. Every session comes back without a link; the engine
    /// gives each a fresh time to return.
    pub fn load(&self) -> Result<State> {
        let mut state = State::default();
        app::load(&self.conn, &mut state)?;
        session::load(&self.conn, &mut state)?;
        group::load(&self.conn, &mut state)?;
        channel::load(&self.conn, &mut state)?;
        subscription::load(&self.conn, &mut state)?;
        outbox::load(&self.conn, &mut state)?;
        Ok(state)
    }

    /// Opens the transaction if none is open.
    pub fn begin(&self) -> Result<()> {
        match (self.open.get(), self.conn.is_autocommit()) {
            (true, true) => Err(StoreError::Lost),
            (true, false) => Ok(()),
            (false, _) if self.refused.get() => Err(StoreError::Lost),
            (false, _) => {
                self.refused.set(true);
                self.conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
                self.refused.set(false);
                self.open.set(true);
                Ok(())
            }
        }
    }

    /// A new batch: it may try to begin again.
    pub fn new_batch(&self) {
        self.refused.set(false);
    }

    /// Was anything begun that is not committed yet?
    pub fn in_transaction(&self) -> bool {
        self.open.get()
    }

    pub fn commit(&self) -> Result<()> {
        if self.conn.is_autocommit() {
            return Err(StoreError::Lost);
        }
        self.conn.prepare_cached("COMMIT")?.execute([])?;
        self.open.set(false);
        Ok(())
    }

    /// Drops everything since [`Store::begin`].
    pub fn roll_back(&self) {
        self.open.set(false);
        if !self.conn.is_autocommit()
            && let Err(error) = self.conn.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "the store could not roll back");
        }
    }

    /// Runs one command's writes as a whole: an error takes back these alone.
    pub fn savepoint<T>(&self, work: impl FnOnce(&Store) -> Result<T>) -> Result<T> {
        self.begin()?;
        self.conn.prepare_cached("SAVEPOINT command")?.execute([])?;
        let done = work(self);
        if self.conn.is_autocommit() {
            // The whole transaction went, not just this command: `commit` will say so to all.
            return done.and(Err(StoreError::Lost));
        }
        if done.is_err() {
            self.conn.prepare_cached("ROLLBACK TO command")?.execute([])?;
        }
        self.conn.prepare_cached("RELEASE command")?.execute([])?;
        done
    }

    /// Writes one change. Counters are written by [`Store::write_counters`], once a batch.
    pub fn write(&self, change: &Change) -> Result<()> {
        let conn = &self.conn;
        match change {
            Change::App(app) => app::put(conn, app),
            Change::AppGone(id) => run(conn, "DELETE FROM app WHERE id = ?1", params![id.as_str()]),
            Change::Key(key) => app::put_key(conn, key),
            Change::KeyGone(id) => run(conn, "DELETE FROM access_key WHERE id = ?1", params![id]),
            Change::Group(group) => group::put(conn, group),
            Change::GroupGone(gid) => group::forget(conn, *gid),
            Change::SuperLarge(gid, now) => run(conn, "UPDATE grp SET super_large = ?2 WHERE gid = ?1", params![gid.0, now]),
            Change::Member(gid, member) => group::put_member(conn, *gid, member),
            Change::MemberGone(gid, user) => run(conn, "DELETE FROM member WHERE gid = ?1 AND user = ?2", params![gid.0, user.as_str()]),
            Change::Session(session) => session::put(conn, session),
            Change::SessionGone(sid) => run(conn, "DELETE FROM session WHERE sid = ?1", params![sid.as_str()]),
            Change::Message(message) => message::put(conn, message),
            Change::MessageDeleted(gid, seq) => message::delete(conn, *gid, *seq),
            Change::Direct(direct) => direct::put(conn, direct),
            Change::DirectGone(app, receiver, tid) => direct::delete(conn, app, receiver, tid),
            Change::Channel(channel) => channel::put(conn, channel),
            Change::ChannelGone(cid) => channel::remove(conn, *cid),
            Change::Participant(cid, participant) => channel::put_participant(conn, *cid, participant),
            Change::ParticipantGone(cid, user) => channel::remove_participant(conn, *cid, user),
            Change::Subscription(subscription) => subscription::put(conn, subscription),
            Change::SubscriptionGone(_, id) => subscription::remove(conn, id),
            Change::Revoked(app, user, at) => app::put_revoked(conn, app, user, *at),
            Change::Account(app, account) => app::put_account(conn, app, account),
            Change::AccountGone(app, user) => run(conn, "DELETE FROM account WHERE app = ?1 AND user = ?2", params![app.as_str(), user.as_str()]),
            // Counters come once a batch.
            Change::Counters(..) | Change::CountersLater(..) => Ok(()),
            // These live in memory only.
            Change::Link(..)
            | Change::Attached(..)
            | Change::Recent(..)
            | Change::Pace(..)
            | Change::GroupBack(_)
            | Change::ChannelBack(_)
            | Change::HeardUntil(..)
            | Change::Lingers(..)
            | Change::Lane(..)
            | Change::Nothing => Ok(()),
        }
    }

    pub fn write_counters(&self, gid: Gid, counters: &Counters) -> Result<()> {
        group::put_counters(&self.conn, gid, counters)
    }

    /// The message of this id in the group.
    pub fn find_message(&self, gid: Gid, tid: &str) -> Result<Option<StoredMessage>> {
        message::find(&self.conn, gid, tid)
    }

    /// The message with this number in the group.
    pub fn find_seq(&self, gid: Gid, seq: u64) -> Result<Option<StoredMessage>> {
        message::numbered(&self.conn, gid, seq)
    }

    /// Is there a message of this id to the user?
    pub fn has_direct(&self, app: &AppId, receiver: &UserId, tid: &Tid) -> Result<bool> {
        direct::has(&self.conn, app, receiver, tid)
    }

    /// A page as [`Reader::messages`] gives it, that looks at fewer rows and ends by its bytes as well: the writer is not to be held up.
    pub fn messages(&self, gid: Gid, page: &MessagePage) -> Result<Found> {
        message::page(&self.conn, gid, page, message::Looks::SHORT)
    }

    /// See [`retention::groups`].
    pub fn groups_to_look_at(&self, after: Gid) -> Result<Vec<retention::Old>> {
        retention::groups(&self.conn, after)
    }

    /// See [`retention::messages`].
    pub fn forget_messages(&self, gid: Gid, before: Option<Millis>, now: Millis) -> Result<u32> {
        retention::messages(&self.conn, gid, before, now)
    }

    /// See [`direct::forget`].
    pub fn forget_direct(&self, app: &AppId, stored_before: Millis, traces_before: Millis, now: Millis, most: u32) -> Result<u32> {
        direct::forget(&self.conn, app, stored_before, traces_before, now, most)
    }

    /// See [`message::recover`].
    pub fn recover(&self, gid: Gid, since: u64, top: u64) -> Result<Recovered> {
        message::recover(&self.conn, gid, since, top)
    }

    /// Stored messages after (or, in reverse, before) a position.
    pub fn history(&self, gid: Gid, since: Option<u64>, reverse: bool, limit: u32) -> Result<Vec<Message>> {
        message::history(&self.conn, gid, since, reverse, limit)
    }

    /// Moves everything from the write-ahead log into the main file; for when nothing else is going on.
    pub fn checkpoint(&self) -> Result<()> {
        self.conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(())
    }

    /// For tests that make a real COMMIT fail.
    #[cfg(test)]
    pub(crate) fn conn_mut(&mut self) -> &mut Connection {
        &mut self.conn
    }

    pub(crate) fn conn(&self) -> &Connection {
        &self.conn
    }
}

/// A read-only connection; sees what was committed. One for each thread that reads.
pub struct Reader {
    conn: Connection,
}

impl Reader {
    pub fn open(data: &Path) -> Result<Reader> {
        let conn = Connection::open_with_flags(data.join(FILE), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        tune(&conn)?;
        // A reader's pages are few; the writer has the larger cache.
        conn.pragma_update(None, "cache_size", -256)?;
        Ok(Reader { conn })
    }

    /// Stored, undeleted messages of a group (which may itself be deleted). `None`: the group never existed.
    pub fn messages(&self, app: &AppId, group: &GroupId, page: &MessagePage) -> Result<Option<Found>> {
        match find_group(&self.conn, app, group)? {
            Some(gid) => message::page(&self.conn, gid, page, message::Looks::LONG).map(Some),
            None => Ok(None),
        }
    }

    /// The newest kept messages of a group up to a place; `None`: there is no such group.
    pub fn history(&self, app: &AppId, group: &GroupId, page: &HistoryPage) -> Result<Option<Vec<Message>>> {
        match find_group(&self.conn, app, group)? {
            Some(gid) => message::newest(&self.conn, gid, page).map(Some),
            None => Ok(None),
        }
    }

    /// See [`direct::page`].
    pub fn directs(&self, page: &DirectPage) -> Result<DirectsFound> {
        direct::page(&self.conn, page)
    }

    /// See [`attempt::page`].
    pub fn attempts(&self, page: &AttemptPage) -> Result<AttemptsFound> {
        attempt::page(&self.conn, page)
    }

    /// See [`group::page`].
    pub fn groups(&self, page: &GroupPage) -> Result<GroupsFound> {
        group::page(&self.conn, page)
    }
}

fn find_group(conn: &Connection, app: &AppId, group: &GroupId) -> Result<Option<Gid>> {
    let mut find = conn.prepare_cached("SELECT gid FROM grp WHERE app = ?1 AND id = ?2")?;
    Ok(find.query_row(params![app.as_str(), group.as_str()], |row| Ok(Gid(row.get(0)?))).optional()?)
}

fn tune(conn: &Connection) -> Result<()> {
    conn.busy_timeout(std::time::Duration::from_millis(5000))?;
    conn.pragma_update(None, "cache_size", -2000)?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(())
}

fn version(conn: &Connection) -> Result<i64> {
    Ok(conn.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}

fn refuse_newer(path: &Path, conn: &Connection) -> Result<()> {
    let (found, known) = (version(conn)?, schema::MIGRATIONS.len() as i64);
    if found > known {
        return Err(StoreError::Newer { path: path.to_owned(), found, known });
    }
    Ok(())
}

/// One transaction a migration: a power cut leaves the store at one version or the next.
fn migrate(conn: &mut Connection) -> Result<()> {
    let from = version(conn)?.max(0) as usize;
    for (index, script) in schema::MIGRATIONS.iter().enumerate().skip(from) {
        let tx = conn.transaction()?;
        tx.execute_batch(script)?;
        tx.pragma_update(None, "user_version", index as i64 + 1)?;
        tx.commit()?;
    }
    Ok(())
}

fn run(conn: &Connection, sql: &str, values: impl rusqlite::Params) -> Result<()> {
    conn.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

/// A list of ids or a small map, as JSON in one column.
fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("lists and maps of plain ids always serialise")
}

fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|e| StoreError::Row(format!("the list {text:?} ({e})")))
}
