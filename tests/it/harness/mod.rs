//! What every test stands on: a server, a receiver of callbacks, clients and signed calls.

mod api;
mod business;
mod channels;
mod chat;
mod client;
mod crowd;
mod frames;
mod hooks;
mod moderator;
mod process;
mod receiver;
mod server;
mod tencent;

pub use api::{Answer, Api, Call, http};
pub use business::{AFTER, Answers, BEFORE, Business, Heard};
pub use channels::{Told, Watch, check_story, operator, report, rtc};
pub use chat::{golden, saying, text_body};
pub use client::Client;
pub use crowd::{Listener, alone};
pub use hooks::{WORDS, line as hook_line, query};
pub use moderator::{Moderator, Say};
pub use process::{Process, roomd, wall};
pub use receiver::{Callback, Moment, React, Receiver, told};
pub use server::World;
pub use tencent::{Post, Tencent, code};

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

/// Longest wait for anything that comes over a real socket; only a failing test waits so long.
pub const SOON: Duration = Duration::from_secs(10);

/// A number that no other caller in this process gets.
pub fn unique() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A folder that goes with its owner.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Folder {
        let path = std::env::temp_dir().join(format!("roomd-it-{}-{}", std::process::id(), unique()));
        std::fs::create_dir_all(&path).expect("a temporary folder can be made");
        Folder(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Asks again until it is true, for at most [`SOON`].
pub fn eventually(what: &str, mut is: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is() {
        assert!(began.elapsed() < SOON, "it did not come to be: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// An application, as its owner's server knows it.
#[derive(Clone)]
pub struct App {
    pub id: String,
    pub key: String,
}

impl App {
    /// The login JSON that a business's server hands to its client, good until `expires` (unix seconds).
    pub fn login(&self, user: &str, expires: i64, role: &str) -> String {
        let token = roomd::alibaba::token::login_token(&self.id, &self.key, user, "AK-n", &expires.to_string(), role);
        serde_json::json!({
            "app_id": self.id, "app_token": token,
            "auth": {"user_id": user, "nonce": "AK-n", "timestamp": expires, "role": role},
        })
        .to_string()
    }

    /// What the business's server hands to its client for one channel, good until `expires`.
    pub fn channel_token(&self, user: &str, channel: &str, expires: i64) -> String {
        let (token, expires) = (roomd::alibaba::token::rtc_token, expires.to_string());
        serde_json::json!({
            "appid": self.id, "channelid": channel, "userid": user, "nonce": "AK-n", "timestamp": expires,
            "token": token(&self.id, &self.key, channel, user, "AK-n", &expires),
        })
        .to_string()
    }
}
