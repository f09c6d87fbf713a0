//! The end of the process when a thread that everything lives on meets a defect. The store makes a
//! restart safe at any instant; a process that lives on without its engine or a hub is a zombie: users
//! would stay logged on for ever, and systemd would see nothing wrong.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs the body of the thread `name`; a panic in it ends the process.
pub fn or_abort(name: &str, body: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(body)).is_err() {
        // Whatever the telling meets, the end comes.
        let _end = Abort;
        tracing::error!(
            thread = name,
            "a defect ended a thread that everything needs; the process ends and can be started again, nothing acknowledged is lost"
        );
    }
}

struct Abort;

impl Drop for Abort {
    fn drop(&mut self) {
        std::process::abort();
    }
}
