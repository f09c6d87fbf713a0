//! The rules: applications, groups, channels, sessions, messages, subscriptions, events, retry. Pure: no clock, no IO, no
//! randomness and no cloud's spelling. Commands run on a [`Tx`], which changes the [`State`] and
//! remembers how to undo it, what to store, which events happened and what to push.
//! Must not import anything of ours.

pub mod account;
pub mod address;
pub mod app;
pub mod ask;
pub mod audience;
pub mod ban;
pub mod channel;
pub mod channels;
pub mod deletion;
pub mod direct;
pub mod endpoint;
pub mod event;
pub mod fate;
pub mod group;
pub mod hook;
pub mod id;
pub mod kind;
pub mod membership;
pub mod message;
pub mod moderation;
pub mod mute;
pub mod outbox;
pub mod participant;
pub mod push;
pub mod quota;
pub mod refusal;
pub mod repeat;
pub mod report;
pub mod request;
pub mod retry;
pub mod revocation;
pub mod room;
pub mod roster;
pub mod ruling;
pub mod sending;
pub mod session;
pub mod state;
pub mod subscription;
pub mod time;
pub mod tx;

pub use id::{AppId, ChannelId, Cid, ConnRef, Epoch, Gid, GroupId, Named, SessionId, StayId, SubscriptionId, Tid, Topic, UserId};
pub use refusal::Refusal;
pub use state::{Change, State};
pub use time::{Millis, Tick};
pub use tx::Tx;
