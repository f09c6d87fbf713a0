//! The control workers: a few threads that take finished requests from the door, have them handled,
//! print the answers and give them back. A handler that panics costs its request, not its thread.
//! Must not know sockets, nor what a request means.

use crate::{
    clock::Clock,
    door::{Handler, Job, Reply, http},
};
use smol::channel::Receiver;
use std::{io, panic};

/// Handlers read the store and hash bodies; nothing of theirs recurses.
const STACK: usize = 512 * 1024;

/// Starts `count` threads; they end when the queue is closed and empty.
pub fn start(count: usize, queue: Receiver<Job>, clock: Clock, handler: Handler) -> io::Result<()> {
    for n in 0..count {
        let (queue, clock, handler) = (queue.clone(), clock.clone(), handler.clone());
        std::thread::Builder::new().name(format!("control-{n}")).stack_size(STACK).spawn(move || work(&queue, &clock, &handler))?;
    }
    Ok(())
}

fn work(queue: &Receiver<Job>, clock: &Clock, handler: &Handler) {
    while let Ok(Job { request, head_only, answer }) = queue.recv_blocking() {
        let handled = panic::catch_unwind(panic::AssertUnwindSafe(|| handler(&request)));
        let reply = handled.unwrap_or_else(|_| {
            tracing::error!(method = request.method, path = request.path, "a handler panicked");
            Reply::text(500, "the server failed at this request; its log says more")
        });
        // The client may be gone; then nobody takes the answer.
        let _ = answer.try_send(http::print(reply, head_only, clock.now()));
    }
}
