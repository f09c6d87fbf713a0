//! Sessions on WebSockets (`session.md`): a hub a core, each a thread with its own epoll. A hub reads
//! its connections, decodes commands and hands them to the engine; what the engine pushes it encodes
//! once, fans out, and writes at most once a socket and tick. It must not know SQL or a domain rule.

mod connection;
mod deliver;
mod draft;
mod fields;
mod frame;
mod hub;
mod login;
mod rate;
mod reactor;
mod receive;
mod rpc;
mod topics;
pub mod wire;

pub use hub::{Hub, HubConfig};
