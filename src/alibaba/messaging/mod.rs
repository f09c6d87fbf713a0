//! The operations of interactive messaging (`alibaba.md` §2), a theme a file.

pub mod apps;
pub(super) mod direct;
pub(super) mod groups;
pub(super) mod members;
pub(super) mod messages;
pub(super) mod mutes;
pub(super) mod users;

pub use super::params::is_new_id;
