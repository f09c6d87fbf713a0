//! **roomd**: rooms, sessions and signed callbacks in one small static binary.
//!
//! ```text
//!  server SDKs ─┐                         ┌─ control/  alibaba · tencent · operator (sync workers)
//!  browsers  ───┤→ door/ (accept, limits, │                    │ Request            ▲ Answer
//!  clients   ───┘   HTTP head) ───────────┴─ socket/  one hub thread a core ──► engine ──► store (SQLite, 1 writer)
//!                                               ▲    encoded once, fan-out ◄──┘  │ same commit: outbox rows
//!                                               └────────────────────────────────┘            │ wake
//!  business servers ◄──────────────────────────────────────────────── delivery/ (sign, POST, retry, record)
//! ```
//!
//! # Code map
//!
//! | where | what |
//! | --- | --- |
//! | [`domain`] | the rules: applications and their users (`account`), groups and what each kind of them may do (`kind`), members (`membership` while they are there, `roster` where they are kept), mutes, bans, rooms, channels, sessions, messages (`sending` to a group, `direct` to a user, `repeat`: said before), who is asked first (`hook`, `moderation`), what the business is told of a message's `fate`, subscriptions, events, retry, limits. Pure |
//! | [`alibaba`] | that cloud's spelling: bytes to requests (`messaging/`, `event_sub/`), events and questions to bodies, signatures, tokens |
//! | [`tencent`] | the other cloud's: UserSigs, the gateway of its REST API (`rest`), the table of its commands (`command`) and their parameters (`body`), a file or folder a service (`live_config`, `live_room/`, `group/` of the chat, `account`, `c2c`: openim), what messages are made of (`message`, `elements`), both generations of names (`names`), questions before something is done (`hook`), webhooks of live rooms and of the chat (`webhook/`), their `words`, where they go (`destination`) |
//! | [`store`] | SQLite; writes the domain's changes and loads its state again |
//! | [`engine`] | one thread: commands (`execute`, `socket`), group commit (`batch`), lanes, timers, purges; is somebody to be asked first (`look`), what waits for that (`waiting`) and goes on (`asking`), what is told of a refusal (`told`); what waits for an ack (`acks`) |
//! | [`door`] | accepts, reads HTTP under every limit, the workers that answer |
//! | [`control`] | which path belongs to whom; the operator's API |
//! | [`socket`] | hubs, the client protocol with its rpc methods, fan-out |
//! | [`delivery`] | one try of one callback, one question to a business's server |
//! | [`words`] | the built-in moderation's list of words |
//! | [`receiver`] | the callback receiver of `roomd dev`, `roomd listen` and the tests |
//! | [`form`], [`throttle`] | what the dialects share: parameters as they travel, calls counted by the second |
//! | [`clock`], [`ids`] | the only sources of time and of randomness |
//! | [`metrics`] | what is counted, and `/metrics` |
//! | `explanation` | what `roomd verify` prints, whichever the cloud |
//! | [`fatal`] | the end of the process when a thread that everything needs meets a defect |
//! | [`settings`], [`server`], [`notify`], `cli` | resolved once; put together; told to systemd; typed by a person |
//!
//! Imports point down only: `domain` knows nothing of ours, dialects and `store` the domain, `engine` both but
//! no dialect (it is handed the renderers as functions), the doors the engine's handle and the dialects, `server`
//! and `cli` all. The table of who may import whom is in `tests/it/imports.rs`, which keeps it.
//!
//! # The way of a message
//!
//! A client's `publish` is read by its hub ([`socket`]: `receive`, decoded by `wire`), checked for what needs no
//! state (rates, the word list) and queued ([`engine::Handle`]). The engine takes all that is queued as one
//! batch (`engine/mod`). The way through all that may stand against a message is one function, `domain/sending::next`:
//! is there such a group, may the sender speak, is it too long, was it said before, what does the business say to it,
//! what the moderation, were there too many. `engine/look` asks it first: what a business's server has to be asked about
//! waits in its line (`waiting`), and goes on when the answer is there (`asking`). Then `socket` (or `execute`, for a
//! server's call) asks it again and does what it says: a number and the counters, or nothing. `settle` writes what
//! changed, with the events' outbox rows, in a savepoint; what was refused is told the business in one of its own
//! (`told`). One COMMIT makes the batch true. Only then `after_commit` answers, hands the hubs what they push (`deliver`:
//! encoded once a group, one write a socket and tick), and gives frozen callbacks to [`delivery`].
//!
//! # The way of a channel's event
//!
//! Who joins `rtc:…`, publishes or leaves does so in `domain/channel` (a media server's word for it comes through
//! the operator's API and `domain/report`). Each step changes a `Participant` and is a `ChannelEvent`. In the same
//! commit the event becomes an outbox row of each subscription that wants it now (`engine/execute` asks
//! `domain/subscription`), spelled by `alibaba/rtc_callback`, in that one's lane, with the channel as its subject;
//! so a POST tells of one channel, in order. `engine/lanes` freezes it. A reported user's time ends in
//! `domain/report`, a session's in `domain/session`. What is open stands in `store/channel`.
//!
//! # The way of a webhook
//!
//! What happens to a group is a `GroupEvent` (`domain/event`); of a session and of a message to one user there are
//! events as well. `tencent/webhook` spells each, in the same commit, as a query and a body for whichever of the application's two URLs
//! wants it: that of its live rooms (`webhook/live`) and that of its chat (the other files); where both want the same word, that of
//! the chat gets it. Its subject is the group, the user, or the two users. A POST tells of one. The signature is in the URL, so
//! `server/dialects` puts that together at each try, and it is recorded nowhere.
//! The words that no event has are taken in a configuration, and nothing comes of them (`tencent/words`).
//!
//! A word with Before is no event but a question (`domain/hook`): it is not written down, asked once, and forgotten.
//!
//! `design.md`, `session.md`, `alibaba.md` and `tencent.md`, which comments name, are in `docs/`.
//!
//! # Invariants
//!
//! 1. **Nothing acknowledged is lost.** A reply is sent after the commit. At any kill or power cut, a failing
//!    COMMIT included, memory equals what a reload would give. (One exception: counters of messages that are
//!    neither stored nor cached are saved within a second.)
//! 2. **No callback before its cause is committed**, and every event reaches its outbox row in the same commit.
//! 3. **Presence you can bill on.** For a session exactly one logon and one logoff, in that order, also across a
//!    crash; for an RTC channel Open, for each stay in it Join … Leave, then Close. Exactly once in the outbox, at
//!    least once on the wire; a repeat is byte-identical and carries the same `Roomd-Delivery`.
//! 4. **Order.** A subject's next event is not sent before the earlier one was delivered or is dead; a failing
//!    delivery holds back only its own subjects.
//! 5. **One delivery is one POST**, frozen (id, body, members) before its first byte is sent, never split or
//!    merged afterwards. Each try that reached for the endpoint is an attempt row.
//! 6. **The ladder** 1, 2, 5, 10, 60, 120, 300 s, each wait from the end of the try before. Webhooks of live rooms
//!    and of the chat are repeated only as often as their application wants, after 1, 5 and 30 s.
//! 7. **A try is spent on the endpoint's fault only**: no route, no name resolution, our own resources spend
//!    nothing. (A connect time-out still counts as the endpoint's fault.)
//! 8. **Every queue has a bound and a rule for full** (below).
//! 9. **Only `clock.rs` reads a clock or arms a timer**, but for the time-outs of blocking sockets, which the
//!    kernel counts.
//!
//! # Queues
//!
//! | queue | bound | full |
//! | --- | --- | --- |
//! | connections at the door | `connections`, `connections_per_address` | 503 / 429 and close |
//! | requests → control workers | [`door`]'s channel | 503 with Retry-After |
//! | control, hubs → engine | [`engine::QUEUE_COMMANDS`], [`engine::QUEUE_BYTES`] | a call is refused (503); a hub stops reading its sockets until there is room |
//! | engine → hub | what one hub tick lets the engine make | never blocks: a hub takes all of it each tick and budgets by connection |
//! | hub → socket | 1 MiB a connection | over half: publications of weight ≤ 1 without a position are dropped; full: close 3008 |
//! | commands behind a connect or a large answer | one frame (64 KiB) | the socket is not read until the answer is there |
//! | outbox | rows in the store | kept until delivered, dead or purged |
//! | lane → senders | 4 deliveries an endpoint | the rest waits in the outbox |
//! | what waits for a business's answer (messages, joins, new groups and members); questions → askers | 16 a line of a client (a session; a session and group), 64 of a server (a sender and group; a group), 1,024 an application, 4,096 and 16 MiB in all | refused with 412, or 400 |
//! | reliable messages to be confirmed | one a control call that waits, 3 s; 64 a receiver | 503, as those calls; 400 |
//! | messages read for one batch's answers | 4 MiB | the rest of its commands is a batch of its own |
//! | large answers owed to a connection | 1 MiB | its next commands wait |
//! | name look-ups of callbacks and questions | 16 | the try is not spent |
//! | control calls that wait for a client or for a business's answer | 128, each with a thread | 503 |
//! | nonces | `nonces` | the oldest minute of the key that has most goes, its older stamps are refused |
//! | addresses that showed wrong UserSigs | 4,096 | the one whose minute began first is forgotten |
//! | bodies at the door | 64 MiB in all | 503 |
//! | users in channels that media servers report | none: the operator's own servers | – |

#![forbid(unsafe_code)]

pub mod alibaba;
pub mod cli;
pub mod clock;
pub mod control;
pub mod delivery;
pub mod domain;
pub mod door;
pub mod engine;
mod explanation;
#[cfg(test)]
pub(crate) mod fake;
pub mod fatal;
pub mod form;
pub mod ids;
pub mod metrics;
pub mod notify;
#[cfg(test)]
mod readme;
pub mod receiver;
pub mod server;
pub mod settings;
pub mod socket;
pub mod store;
pub mod tencent;
pub mod throttle;
pub mod words;
