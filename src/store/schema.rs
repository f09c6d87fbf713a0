//! The tables, as numbered migrations. A migration that has landed is never edited: add the next one.

/// Each entry brings a store from version `index` to `index + 1`.
pub const MIGRATIONS: &[&str] = &[FIRST, MESSAGING, CHANNELS, ROOMS, CHAT];

/// * `message.id` is the group's number times 2^32 plus the message's number in the group: one B-tree,
///   clustered by group and in order, although bodies are long (a WITHOUT ROWID table would split them).
///   Bodies stand last: what is looked for is found without reading them.
/// * `outbox.ready` is 1 for the oldest events of a subject, as many as one delivery takes, while no delivery of the same
///   endpoint holds it.
/// * `mark` holds the name of what has happened once: `key`, a first access key.
/// * `delivery.state`: 0 frozen, 1 delivered, 2 dead.
const FIRST: &str = "
CREATE TABLE mark (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE access_key (id TEXT PRIMARY KEY, secret TEXT NOT NULL, created INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE app (
    id TEXT PRIMARY KEY, key TEXT NOT NULL, sign TEXT NOT NULL, name TEXT NOT NULL, sdkappid INTEGER NOT NULL UNIQUE,
    administrators TEXT NOT NULL, data_center TEXT NOT NULL, event_callback_url TEXT NOT NULL, audit_type INTEGER NOT NULL,
    audit_url TEXT NOT NULL, life_cycle INTEGER NOT NULL, disabled INTEGER NOT NULL, created INTEGER NOT NULL, modified INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE grp (
    gid INTEGER PRIMARY KEY, app TEXT NOT NULL REFERENCES app(id), id TEXT NOT NULL, name TEXT NOT NULL, info TEXT NOT NULL,
    creator TEXT NOT NULL, admins TEXT NOT NULL, created INTEGER NOT NULL, deleted INTEGER, deleted_by TEXT, epoch INTEGER NOT NULL,
    muted_all INTEGER NOT NULL, muted TEXT NOT NULL, unmuted TEXT NOT NULL, super_large INTEGER NOT NULL DEFAULT 0, UNIQUE (app, id)
);
CREATE TABLE counter (gid INTEGER PRIMARY KEY REFERENCES grp(gid), top INTEGER NOT NULL, joins INTEGER NOT NULL, amounts TEXT NOT NULL);
CREATE TABLE session (
    sid TEXT PRIMARY KEY, app TEXT NOT NULL, user TEXT NOT NULL, device TEXT NOT NULL, info TEXT NOT NULL, role TEXT NOT NULL,
    started INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE member (
    gid INTEGER NOT NULL REFERENCES grp(gid), user TEXT NOT NULL, sid TEXT, kind INTEGER NOT NULL, joined INTEGER NOT NULL,
    ord INTEGER NOT NULL, PRIMARY KEY (gid, user)
) WITHOUT ROWID;
CREATE TABLE message (
    id INTEGER PRIMARY KEY, gid INTEGER NOT NULL, kind INTEGER NOT NULL, at INTEGER NOT NULL, stored INTEGER NOT NULL,
    cached INTEGER NOT NULL, deleted INTEGER NOT NULL, weight INTEGER NOT NULL, total INTEGER NOT NULL, tid TEXT NOT NULL,
    sender TEXT NOT NULL, client TEXT, info TEXT NOT NULL, body TEXT NOT NULL
);
CREATE UNIQUE INDEX message_tid ON message (gid, tid);
CREATE INDEX message_unstored ON message (id) WHERE stored = 0;
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT, endpoint TEXT NOT NULL, subject TEXT NOT NULL, payload TEXT NOT NULL, at INTEGER NOT NULL,
    ready INTEGER NOT NULL, delivery TEXT
);
CREATE INDEX outbox_ready ON outbox (endpoint, id) WHERE ready = 1 AND delivery IS NULL;
CREATE INDEX outbox_subject ON outbox (endpoint, subject);
CREATE INDEX outbox_delivery ON outbox (delivery) WHERE delivery IS NOT NULL;
CREATE TABLE delivery (
    n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, endpoint TEXT NOT NULL, body BLOB NOT NULL, created INTEGER NOT NULL,
    tries INTEGER NOT NULL, state INTEGER NOT NULL, reason TEXT, ended INTEGER
);
CREATE INDEX delivery_state ON delivery (state, ended);
CREATE TABLE attempt (
    delivery TEXT NOT NULL, n INTEGER NOT NULL, at INTEGER NOT NULL, url TEXT NOT NULL, status INTEGER, error TEXT, took INTEGER NOT NULL,
    answer BLOB NOT NULL, PRIMARY KEY (delivery, n)
) WITHOUT ROWID;
";

/// * `mark.value` of `gid`: the last number of a group that was purged; numbers are not given twice.
/// * `session.said` is the user's extension as its client said it; `info` the one that others see.
/// * `direct` holds messages to one user; the body of one that is not stored is empty.
const MESSAGING: &str = "
ALTER TABLE mark ADD COLUMN value INTEGER;
ALTER TABLE session ADD COLUMN said TEXT NOT NULL DEFAULT '';
UPDATE session SET said = info;
CREATE INDEX grp_app ON grp (app);
CREATE TABLE direct (
    app TEXT NOT NULL, receiver TEXT NOT NULL, tid TEXT NOT NULL, at INTEGER NOT NULL, stored INTEGER NOT NULL, kind INTEGER NOT NULL,
    sender TEXT NOT NULL, info TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (app, receiver, tid)
);
CREATE INDEX direct_at ON direct (stored, app, at);
";

/// * `channel` and `participant` have rows while a channel is open; `participant.sid` is NULL for a user whom
///   a media server has reported; `role`: 1 streamer, 2 viewer; `medias`: bits 1 audio, 2 video, 4 screen.
/// * `attempt.app`, `.subscription` and `.delivery_n` (the delivery's `n`) are NULL but for callbacks of subscriptions, which
///   are listed.
/// * Of a subject no more events are ready than one delivery takes, from here on.
const CHANNELS: &str = "
CREATE TABLE channel (cid INTEGER PRIMARY KEY, app TEXT NOT NULL REFERENCES app(id), id TEXT NOT NULL, UNIQUE (app, id));
CREATE TABLE participant (
    cid INTEGER NOT NULL REFERENCES channel(cid), user TEXT NOT NULL, stay TEXT NOT NULL, sid TEXT, role INTEGER NOT NULL, medias INTEGER NOT NULL,
    ord INTEGER NOT NULL, PRIMARY KEY (cid, user)
) WITHOUT ROWID;
CREATE TABLE subscription (
    id TEXT PRIMARY KEY, app TEXT NOT NULL REFERENCES app(id), url TEXT NOT NULL, channel TEXT, users TEXT NOT NULL, channel_events INTEGER NOT NULL,
    user_events INTEGER NOT NULL, created INTEGER NOT NULL, modified INTEGER NOT NULL, ord INTEGER NOT NULL
) WITHOUT ROWID;
ALTER TABLE attempt ADD COLUMN app TEXT;
ALTER TABLE attempt ADD COLUMN subscription TEXT;
ALTER TABLE attempt ADD COLUMN delivery_n INTEGER;
CREATE INDEX attempt_app ON attempt (app, at, delivery_n) WHERE app IS NOT NULL;
CREATE INDEX attempt_subscription ON attempt (app, subscription, at, delivery_n) WHERE app IS NOT NULL;
UPDATE outbox SET ready = 0 WHERE id IN (
    SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY endpoint, subject ORDER BY id) AS place FROM outbox WHERE delivery IS NULL AND ready = 1)
    WHERE place > 100
);
";

/// * `app.ord` is the order in which applications were made. `app.live_url` is NULL where there is no webhook of live rooms, `live_token` where there never was a token.
/// * `grp.muted` lists who is muted until somebody unmutes them, `muted_until` who is muted until a time, and `banned` who is
///   banned (null: for ever); `room` and `metadata` are the details of a live room. `creator` is the owner.
/// * `session.address` is where it was last connected from; `away`: whoever looks at its groups was told that its connection is lost.
/// * `message.elements` is NULL for a message that was said with a body alone.
/// * `delivery.query` is frozen with the body.
/// * `revoked` holds until when, in unix seconds of their making, a user's UserSigs are worth nothing.
const ROOMS: &str = "
ALTER TABLE app ADD COLUMN live_url TEXT;
ALTER TABLE app ADD COLUMN live_words TEXT NOT NULL DEFAULT '[]';
ALTER TABLE app ADD COLUMN live_token TEXT;
ALTER TABLE app ADD COLUMN live_token_enabled INTEGER NOT NULL DEFAULT 0;
ALTER TABLE app ADD COLUMN after_retry INTEGER NOT NULL DEFAULT 0;
ALTER TABLE app ADD COLUMN ord INTEGER NOT NULL DEFAULT 0;
UPDATE app SET ord = (SELECT count(*) FROM app AS other WHERE other.sdkappid <= app.sdkappid);
ALTER TABLE counter ADD COLUMN last_said INTEGER;
ALTER TABLE grp ADD COLUMN modified INTEGER NOT NULL DEFAULT 0;
UPDATE grp SET modified = created;
ALTER TABLE grp ADD COLUMN muted_until TEXT NOT NULL DEFAULT '{}';
ALTER TABLE grp ADD COLUMN banned TEXT NOT NULL DEFAULT '{}';
ALTER TABLE grp ADD COLUMN room TEXT NOT NULL DEFAULT '{}';
ALTER TABLE grp ADD COLUMN metadata TEXT NOT NULL DEFAULT '{}';
ALTER TABLE session ADD COLUMN address TEXT;
ALTER TABLE session ADD COLUMN away INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN elements TEXT;
ALTER TABLE message ADD COLUMN custom TEXT NOT NULL DEFAULT '';
ALTER TABLE delivery ADD COLUMN query TEXT NOT NULL DEFAULT '';
CREATE TABLE revoked (
    app TEXT NOT NULL REFERENCES app(id), user TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (app, user)
) WITHOUT ROWID;
";

/// * `app.chat_url` is NULL where there is no webhook of the chat, `chat_token` where it is not signed; `chat` holds its
///   settings: one that is not there is as by default.
/// * `grp.kind`: 0 a live room, 1 work, 2 public, 3 meeting, 4 community; `join_option`: 0 free, 1 by permission, 2 nobody; `data` is by the business's own keys.
/// * `member.card` is what a group that keeps its members keeps of one; `sid` is NULL for one that is not there.
/// * `account` holds the users that were imported, or logged in by a UserSig.
/// * `message.random` and `direct.random` are numbers that senders give their messages; `direct.seq` is the sender's own count.
const CHAT: &str = "
ALTER TABLE app ADD COLUMN chat_url TEXT;
ALTER TABLE app ADD COLUMN chat_words TEXT NOT NULL DEFAULT '[]';
ALTER TABLE app ADD COLUMN chat_token TEXT;
ALTER TABLE app ADD COLUMN chat_token_enabled INTEGER NOT NULL DEFAULT 0;
ALTER TABLE app ADD COLUMN chat TEXT NOT NULL DEFAULT '{}';
ALTER TABLE grp ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;
ALTER TABLE grp ADD COLUMN join_option INTEGER NOT NULL DEFAULT 0;
ALTER TABLE grp ADD COLUMN data TEXT NOT NULL DEFAULT '{}';
ALTER TABLE member ADD COLUMN card TEXT NOT NULL DEFAULT '{}';
ALTER TABLE session ADD COLUMN usersig INTEGER NOT NULL DEFAULT 0;
CREATE TABLE account (
    app TEXT NOT NULL REFERENCES app(id), user TEXT NOT NULL, nick TEXT NOT NULL, face_url TEXT NOT NULL, PRIMARY KEY (app, user)
) WITHOUT ROWID;
ALTER TABLE message ADD COLUMN options TEXT;
ALTER TABLE message ADD COLUMN random INTEGER;
ALTER TABLE direct ADD COLUMN elements TEXT;
ALTER TABLE direct ADD COLUMN custom TEXT NOT NULL DEFAULT '';
ALTER TABLE direct ADD COLUMN options TEXT;
ALTER TABLE direct ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE direct ADD COLUMN random INTEGER NOT NULL DEFAULT 0;
CREATE INDEX direct_pair ON direct (app, sender, receiver, at) WHERE stored = 1;
";
