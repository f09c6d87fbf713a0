//! The port through which a cloud's REST commands reach the rest of the server: what changes goes to the
//! engine, what is only read to the directory or the store. Knows neither; it only says in the domain's types
//! what may be asked. [`Request`] is what changes.

use super::{
    AppId, GroupId, Refusal,
    app::Directory,
    direct::{DirectPage, DirectsFound},
    message::{Found, HistoryPage, Message, MessagePage},
    request::{Answer, AttemptPage, AttemptsFound, GroupPage, GroupsFound, Request},
};
use std::sync::Arc;

/// What a cloud's commands ask of the rest of the server; tests stand in for it.
pub trait Ask: Send + Sync {
    /// Does it, and answers after the commit.
    fn call(&self, request: Request) -> Result<Answer, Refusal>;
    /// The same, for what may wait seconds for a client or for another server: the others must not wait with it.
    fn call_patiently(&self, request: Request) -> Result<Answer, Refusal>;
    /// Applications and keys as last committed.
    fn directory(&self) -> Arc<Directory>;
    /// A page of a group's kept messages; `None`: there is no such group.
    fn messages(&self, app: &AppId, group: &GroupId, page: &MessagePage) -> Result<Option<Found>, String>;
    /// The newest messages of a group up to a place; `None`: there is no such group.
    fn history(&self, app: &AppId, group: &GroupId, page: &HistoryPage) -> Result<Option<Vec<Message>>, String>;
    /// A page of what two users said to each other.
    fn directs(&self, page: &DirectPage) -> Result<DirectsFound, String>;
    /// A page of an application's groups.
    fn groups(&self, page: &GroupPage) -> Result<GroupsFound, String>;
    /// A page of an application's tries of callbacks.
    fn attempts(&self, page: &AttemptPage) -> Result<AttemptsFound, String>;
}
