//! The way into the engine: one bounded queue, and the handle that all other threads hold. What is
//! full is told to whoever pushes; the engine itself never waits for them.

use crate::{
    clock::{Clock, Work},
    domain::{
        ConnRef, Epoch, GroupId, Refusal, SessionId, UserId,
        app::Directory,
        direct::DirectDraft,
        message::Draft,
        moderation::{QuestionId, Verdict},
        mute::MuteChange,
        outbox::Outcome,
        request::{Answer, GroupRequest, Request},
        session::{Login, SocketEnd},
    },
};
use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, RwLock, mpsc},
    task::Wake,
};

/// Most commands that wait for the engine.
pub const QUEUE_COMMANDS: usize = 8_192;
/// Most bytes of message bodies among them.
pub const QUEUE_BYTES: usize = 16 * 1024 * 1024;

/// What a connection asks, decoded and checked.
#[derive(Clone, Debug)]
pub struct SocketCommand {
    pub conn: ConnRef,
    /// The number by which the client knows its answer; 0 for what nobody waits for.
    pub id: u32,
    pub op: SocketOp,
}

#[derive(Clone, Debug)]
pub enum SocketOp {
    Connect(Box<Login>),
    /// `since`: recover what came after this position.
    Subscribe {
        sid: SessionId,
        group: GroupId,
        join_leave: bool,
        since: Option<Position>,
    },
    Unsubscribe {
        sid: SessionId,
        group: GroupId,
    },
    Publish {
        sid: SessionId,
        group: GroupId,
        draft: Box<Draft>,
    },
    Presence {
        sid: SessionId,
        group: GroupId,
    },
    PresenceStats {
        sid: SessionId,
        group: GroupId,
    },
    History {
        sid: SessionId,
        group: GroupId,
        since: Option<Position>,
        reverse: bool,
        limit: u32,
    },
    /// Something that a user may ask of a group.
    Group {
        sid: SessionId,
        group: GroupId,
        what: Box<GroupRequest>,
    },
    SendDirect {
        sid: SessionId,
        draft: Box<DirectDraft>,
    },
    /// Reliable messages that the client confirms.
    Confirm {
        sid: SessionId,
        acks: Vec<String>,
    },
    Logoff {
        sid: SessionId,
    },
    /// The socket is gone.
    Ended {
        sid: SessionId,
        how: SocketEnd,
    },
}

impl SocketOp {
    /// Who asks, where it matters that it is over the session's present connection.
    pub fn sid(&self) -> Option<&SessionId> {
        match self {
            SocketOp::Connect(_) | SocketOp::Ended { .. } => None,
            SocketOp::Subscribe { sid, .. }
            | SocketOp::Unsubscribe { sid, .. }
            | SocketOp::Publish { sid, .. }
            | SocketOp::Presence { sid, .. }
            | SocketOp::PresenceStats { sid, .. }
            | SocketOp::History { sid, .. }
            | SocketOp::Group { sid, .. }
            | SocketOp::SendDirect { sid, .. }
            | SocketOp::Confirm { sid, .. }
            | SocketOp::Logoff { sid } => Some(sid),
        }
    }

    /// What others read when it is done: it counts as a message.
    pub fn is_heard(&self) -> bool {
        match self {
            SocketOp::Publish { .. } | SocketOp::SendDirect { .. } => true,
            SocketOp::Group { what, .. } => {
                matches!(**what, GroupRequest::Modify { .. } | GroupRequest::ChangeMutes(_) | GroupRequest::DeleteMessage { .. })
            }
            _ => false,
        }
    }

    /// The message that it is, if it is one.
    pub fn draft_mut(&mut self) -> Option<&mut Draft> {
        match self {
            SocketOp::Publish { draft, .. } => Some(draft),
            SocketOp::SendDirect { draft, .. } => Some(&mut draft.draft),
            _ => None,
        }
    }

    /// Bytes of text that it carries, as far as they count.
    pub fn bytes(&self) -> usize {
        match self {
            SocketOp::Publish { draft, .. } => draft.body.len(),
            SocketOp::SendDirect { draft, .. } => draft.draft.body.len(),
            SocketOp::Group { what, .. } => text_of(what),
            SocketOp::Confirm { acks, .. } => acks.iter().map(String::len).sum(),
            _ => 0,
        }
    }
}

fn text_of(what: &GroupRequest) -> usize {
    let ids = |users: &[UserId]| users.iter().map(|user| user.as_str().len()).sum();
    match what {
        GroupRequest::Create(new) => new.info.len(),
        GroupRequest::Modify { info, .. } => info.as_ref().map_or(0, String::len),
        GroupRequest::ChangeMutes(MuteChange::Mute(users) | MuteChange::Unmute(users) | MuteChange::MuteAll { except: users }) => ids(users),
        GroupRequest::Contains { users } => ids(users),
        _ => 0,
    }
}

/// A place in a stream; the epoch is text as the client gave it, and may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    pub offset: u64,
    pub epoch: String,
}

impl Position {
    /// Of this stream, or of none in particular.
    pub fn is_of(&self, epoch: Epoch) -> bool {
        self.epoch.is_empty() || self.epoch == epoch.to_string()
    }
}

/// How a caller hears of its request.
pub(super) type Answering = mpsc::SyncSender<Result<Answer, Refusal>>;

/// Everything that can be queued.
pub(super) enum Command {
    Call(Box<Request>, Answering),
    Socket(SocketCommand),
    Outcome(Box<Outcome>),
    Verdict(QuestionId, Verdict),
    Stop,
}

impl Command {
    fn bytes(&self) -> usize {
        match self {
            Command::Socket(SocketCommand { op, .. }) => op.bytes(),
            Command::Call(request, _) => match &**request {
                Request::Send { draft, .. } => draft.body.len(),
                Request::SendDirect { draft, .. } => draft.draft.body.len(),
                Request::Group { what, .. } => text_of(what),
                _ => 0,
            },
            _ => 0,
        }
    }
}

#[derive(Default)]
struct Waiting {
    commands: VecDeque<(Command, Work)>,
    bytes: usize,
    /// A timer of the engine has come.
    alarmed: Option<Work>,
    /// Hubs that found the queue full and want to hear when there is room.
    hungry: Vec<u8>,
    stopped: bool,
}

pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    ready: Condvar,
    clock: Clock,
}

/// What the engine takes out at once.
pub(super) struct Drained {
    pub commands: Vec<(Command, Work)>,
    pub hungry: Vec<u8>,
    /// Keeps a virtual clock waiting until the timers were served.
    pub _alarmed: Option<Work>,
}

impl Queue {
    pub fn new(clock: Clock) -> Arc<Queue> {
        Arc::new(Queue { waiting: Mutex::default(), ready: Condvar::new(), clock })
    }

    /// Waits for work or a timer, then takes all there is (at most `most` commands).
    pub fn drain(&self, most: usize) -> Drained {
        let mut waiting = self.waiting.lock().expect("no panic while held");
        while waiting.commands.is_empty() && waiting.alarmed.is_none() {
            waiting = self.ready.wait(waiting).expect("no panic while held");
        }
        let n = waiting.commands.len().min(most);
        let commands: Vec<_> = waiting.commands.drain(..n).collect();
        waiting.bytes -= commands.iter().map(|(c, _)| c.bytes()).sum::<usize>();
        Drained { commands, hungry: std::mem::take(&mut waiting.hungry), _alarmed: waiting.alarmed.take() }
    }

    /// No command is taken any more; those who wait get an error.
    pub fn close(&self) {
        let mut waiting = self.waiting.lock().expect("no panic while held");
        waiting.stopped = true;
        waiting.commands.clear();
    }
}

impl Wake for Queue {
    /// A timer has come.
    fn wake(self: Arc<Self>) {
        let mut waiting = self.waiting.lock().expect("no panic while held");
        if waiting.alarmed.is_none() {
            waiting.alarmed = Some(self.clock.work());
        }
        self.ready.notify_one();
    }
}

/// The engine, as all other threads know it.
#[derive(Clone)]
pub struct Handle {
    queue: Arc<Queue>,
    directory: Arc<RwLock<Arc<Directory>>>,
}

impl Handle {
    pub(super) fn new(queue: Arc<Queue>, directory: Directory) -> Handle {
        Handle { queue, directory: Arc::new(RwLock::new(Arc::new(directory))) }
    }

    /// Asks, and waits for the answer; it comes after the commit. [`Refusal::Busy`] when the queue
    /// is full or the engine stops.
    pub fn call(&self, request: Request) -> Result<Answer, Refusal> {
        let (answer, wait) = mpsc::sync_channel(1);
        self.put(Command::Call(Box::new(request), answer), true)?;
        wait.recv().unwrap_or(Err(Refusal::Busy))
    }

    /// Moves as many commands as there is room for, in order. False: some are left, and the hub
    /// will be woken when there is room.
    pub fn submit(&self, hub: u8, commands: &mut VecDeque<SocketCommand>) -> bool {
        let mut waiting = self.queue.waiting.lock().expect("no panic while held");
        if waiting.stopped {
            commands.clear();
            return true;
        }
        while let Some(command) = commands.pop_front() {
            // A socket's end needs no room: there is at most one for each connection.
            let end = matches!(command.op, SocketOp::Ended { .. });
            let command = Command::Socket(command);
            let full = waiting.commands.len() >= QUEUE_COMMANDS || waiting.bytes + command.bytes() > QUEUE_BYTES;
            if full && !end {
                let Command::Socket(command) = command else { unreachable!("made above") };
                commands.push_front(command);
                if !waiting.hungry.contains(&hub) {
                    waiting.hungry.push(hub);
                }
                break;
            }
            waiting.bytes += command.bytes();
            let work = self.queue.clock.work();
            waiting.commands.push_back((command, work));
        }
        self.queue.ready.notify_one();
        commands.is_empty()
    }

    /// A try of a delivery has ended. Never refused: the senders are few.
    pub fn outcome(&self, outcome: Outcome) {
        let _ = self.put(Command::Outcome(Box::new(outcome)), false);
    }

    /// A moderation server has answered, or has not. Never refused: the questions are bounded.
    pub fn verdict(&self, id: QuestionId, verdict: Verdict) {
        let _ = self.put(Command::Verdict(id, verdict), false);
    }

    /// Applications and keys as last committed.
    pub fn directory(&self) -> Arc<Directory> {
        self.directory.read().expect("no panic while held").clone()
    }

    pub(super) fn publish_directory(&self, directory: Directory) {
        *self.directory.write().expect("no panic while held") = Arc::new(directory);
    }

    pub(super) fn stop(&self) {
        let _ = self.put(Command::Stop, false);
    }

    fn put(&self, command: Command, bounded: bool) -> Result<(), Refusal> {
        let mut waiting = self.queue.waiting.lock().expect("no panic while held");
        let full = waiting.commands.len() >= QUEUE_COMMANDS || waiting.bytes + command.bytes() > QUEUE_BYTES;
        if waiting.stopped || (bounded && full) {
            return Err(Refusal::Busy);
        }
        waiting.bytes += command.bytes();
        let work = self.queue.clock.work();
        waiting.commands.push_back((command, work));
        self.queue.ready.notify_one();
        Ok(())
    }
}
