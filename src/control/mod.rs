//! The control listener: what its paths mean. The door has read the request and enforced every
//! limit; here it becomes a call of a dialect or of the operator's API, and its answer.

pub mod operator;
pub mod route;

use crate::{
    domain::{
        AppId, GroupId, Refusal,
        app::{App, Audit, Directory},
        ask::Ask,
        direct::{DirectPage, DirectsFound},
        hook::HookKind,
        message::{Found, HistoryPage, Message, MessagePage},
        request::{Answer, AttemptPage, AttemptsFound, GroupPage, GroupsFound, Request},
    },
    engine::Handle,
    store::{self, Reader},
    tencent::hook,
};
use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

use crate::door::Workers;
pub use crate::door::{Reply, Request as ControlRequest};

/// The engine and the store, as the dialects ask them. Readers are kept for the next question; there
/// are never more than threads that ask at once.
pub struct Backend {
    handle: Handle,
    data: PathBuf,
    readers: Mutex<Vec<Reader>>,
    workers: Arc<Workers>,
}

impl Backend {
    /// `workers`: on whose threads it is asked.
    pub fn new(handle: Handle, data: PathBuf, workers: Arc<Workers>) -> Backend {
        Backend { handle, data, readers: Mutex::default(), workers }
    }

    fn read<T>(&self, work: impl FnOnce(&Reader) -> store::Result<T>) -> Result<T, String> {
        let idle = self.readers.lock().expect("no panic while held").pop();
        let reader = idle.map_or_else(|| Reader::open(&self.data), Ok).map_err(|e| e.to_string())?;
        // A reader that failed is not used again.
        let found = work(&reader).map_err(|e| e.to_string())?;
        self.readers.lock().expect("no panic while held").push(reader);
        Ok(found)
    }
}

impl Backend {
    /// Until a business's server has answered.
    fn may_wait(&self, request: &Request) -> bool {
        let Some((app, kind)) = HookKind::of(request) else { return false };
        let is_asked = |app: &Arc<App>| hook::is_wanted(kind, app) || kind.says() && matches!(app.audit, Audit::Custom(_));
        self.handle.directory().apps.get(app).is_some_and(is_asked)
    }
}

impl Ask for Backend {
    fn call(&self, request: Request) -> Result<Answer, Refusal> {
        // The dialects need not know who is asked about what.
        if self.may_wait(&request) { self.call_patiently(request) } else { self.handle.call(request) }
    }

    fn call_patiently(&self, request: Request) -> Result<Answer, Refusal> {
        self.workers.patiently(|| self.handle.call(request)).unwrap_or(Err(Refusal::Busy))
    }

    fn directory(&self) -> Arc<Directory> {
        self.handle.directory()
    }

    fn messages(&self, app: &AppId, group: &GroupId, page: &MessagePage) -> Result<Option<Found>, String> {
        self.read(|reader| reader.messages(app, group, page))
    }

    fn history(&self, app: &AppId, group: &GroupId, page: &HistoryPage) -> Result<Option<Vec<Message>>, String> {
        self.read(|reader| reader.history(app, group, page))
    }

    fn directs(&self, page: &DirectPage) -> Result<DirectsFound, String> {
        self.read(|reader| reader.directs(page))
    }

    fn groups(&self, page: &GroupPage) -> Result<GroupsFound, String> {
        self.read(|reader| reader.groups(page))
    }

    fn attempts(&self, page: &AttemptPage) -> Result<AttemptsFound, String> {
        self.read(|reader| reader.attempts(page))
    }
}
