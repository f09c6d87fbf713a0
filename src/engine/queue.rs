//! The way into the engine: one bounded queue, and the handle that all other threads hold. What is
//! full is told to whoever pushes; the engine itself never waits for them.

use super::command::{SocketCommand, SocketOp, bytes_of};
use crate::{
    clock::{Clock, Work},
    domain::{
        Refusal,
        app::Directory,
        moderation::{QuestionId, Verdict},
        outbox::Outcome,
        request::{Answer, Request},
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

/// How a caller hears of its request.
pub(super) type Answering = mpsc::SyncSender<Result<Answer, Refusal>>;

/// Everything that can be queued.
pub(super) enum Command {
    Call(Box<Request>, Answering),
    Socket(SocketCommand),
    Outcome(Box<Outcome>),
    Verdict(QuestionId, Verdict),
    /// The server will stop soon.
    Closing,
    Stop,
}

impl Command {
    fn bytes(&self) -> usize {
        match self {
            Command::Socket(SocketCommand { op, .. }) => op.bytes(),
            Command::Call(request, _) => bytes_of(request),
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

    /// A business's server has answered, or has not. Never refused: the questions are bounded.
    pub fn verdict(&self, id: QuestionId, verdict: Verdict) {
        let _ = self.put(Command::Verdict(id, verdict), false);
    }

    /// The server stops: what waits for an answer does not go on without it from here on.
    pub fn closing(&self) {
        let _ = self.put(Command::Closing, false);
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
