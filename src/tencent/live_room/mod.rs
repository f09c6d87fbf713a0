//! Live rooms (`tencent.md` §4), a file a theme. A room is a group, whoever made it, so each command is one
//! request to the domain about a group, or two.

pub mod members;
pub mod messages;
pub mod metadata;
pub mod rooms;
