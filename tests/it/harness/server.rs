//! A server in this process, on a virtual clock and with seeded ids, and what most tests want around it.

use super::{Api, App, Client, Folder, Receiver, receiver::told};
use roomd::{
    clock::Clock,
    domain::{AppId, Millis, UserId, account::Account, address::AllowList, request::Request},
    ids::Ids,
    server::{self, Running},
    settings::Settings,
};
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use std::sync::Arc;

pub struct Server {
    running: Option<Running>,
    settings: Settings,
    pub clock: Clock,
    ids: Ids,
    pub folder: Folder,
}

impl Server {
    /// Limits that count real or virtual seconds are off; `change` may set them.
    pub fn start(clock: Clock, change: impl FnOnce(&mut Settings)) -> Server {
        let folder = Folder::new();
        let mut settings = Settings {
            data: folder.path().into(),
            control: ([127, 0, 0, 1], 0).into(),
            sessions: ([127, 0, 0, 1], 0).into(),
            allow_callback: AllowList::parse(&["127.0.0.1".into()]).unwrap(),
            ..Settings::default()
        };
        settings.limits.control_qps = false;
        settings.limits.session_commands_per_second = 0;
        settings.limits.session_messages_per_second = 0;
        change(&mut settings);
        let mut server = Server { running: None, settings, clock, ids: Ids::seeded(7), folder };
        server.begin();
        server
    }

    fn begin(&mut self) {
        let running = server::start(self.settings.clone(), self.clock.clone(), self.ids.clone());
        self.running = Some(running.expect("the server starts"));
    }

    pub fn running(&self) -> &Running {
        self.running.as_ref().expect("it runs")
    }

    pub fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop();
        }
    }

    /// Stopped and started on the same data; the clock goes on where it was.
    pub fn restart(&mut self) {
        self.stop();
        self.begin();
    }

    /// As if the process were lost: another one begins with what is on the disk at this moment.
    pub fn crash(&mut self) {
        self.settle();
        let copy = Folder::new();
        let files = std::fs::read_dir(self.folder.path()).expect("the data").map(|file| file.expect("a name").file_name());
        // The log first: what a checkpoint takes from it meanwhile is in the database then, and in both does no harm.
        let (log, rest): (Vec<_>, Vec<_>) = files.partition(|name| name.to_string_lossy().ends_with("-wal"));
        for name in log.into_iter().chain(rest) {
            std::fs::copy(self.folder.path().join(&name), copy.path().join(&name)).expect("a copy");
        }
        // What the old one writes on its way out is not in the copy.
        self.stop();
        self.settings.data = copy.path().into();
        self.folder = copy;
        self.begin();
    }

    /// Lets so much time pass.
    pub fn advance(&self, ms: u64) {
        self.settle();
        self.clock.advance(ms).expect("all work gets done");
    }

    /// Waits until nothing is under way.
    pub fn settle(&self) {
        // A socket's end that the server has read but not yet told anybody is nobody's work.
        for _ in 0..3 {
            self.clock.advance(0).expect("all work gets done");
        }
    }

    pub fn api(&self) -> Api {
        let key = std::fs::read(self.folder.join("access-key.json")).expect("the first key");
        let key: Value = serde_json::from_slice(&key).unwrap();
        let clock = self.clock.clone();
        Api {
            at: self.running().control,
            key_id: key["access_key_id"].as_str().unwrap().into(),
            secret: key["access_key_secret"].as_str().unwrap().into(),
            now: Arc::new(move || clock.now()),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A failed test shows its own message; a stop that waits for what failed would hide it.
        if !std::thread::panicking() {
            self.stop();
        }
    }
}

/// A server, a receiver, and an application whose events go there.
pub struct World {
    pub receiver: Receiver,
    pub app: App,
    pub server: Server,
}

impl World {
    pub fn new() -> World {
        World::with(|_| ())
    }

    pub fn with(change: impl FnOnce(&mut Settings)) -> World {
        World::begin(Clock::standing(), change)
    }

    /// At this second of the wall clock.
    pub fn at(seconds: i64) -> World {
        World::begin(Clock::standing_at(Millis(seconds * 1_000)), |_| ())
    }

    fn begin(clock: Clock, change: impl FnOnce(&mut Settings)) -> World {
        let receiver = Receiver::start();
        let server = Server::start(clock, change);
        let clock = server.clock.clone();
        receiver.clock(Arc::new(move || clock.now().0));
        let app = server.api().app(&receiver.url());
        receiver.knows(&app);
        World { receiver, app, server }
    }

    /// With these groups.
    pub fn of(groups: &[&str]) -> World {
        let world = World::new();
        world.groups(groups);
        world
    }

    /// They exist, and were never there.
    pub fn users(&self, users: &[&str]) {
        let accounts = users.iter().map(|user| Account { user: UserId::trusted(user), nick: String::new(), face_url: String::new() }).collect();
        self.server.running().handle.call(Request::ImportAccounts { app: AppId::trusted(&self.app.id), accounts }).expect("users");
    }

    pub fn groups(&self, groups: &[&str]) {
        for group in groups {
            self.api().group(&self.app, group);
        }
    }

    pub fn api(&self) -> Api {
        self.server.api()
    }

    /// A login that is good for a day.
    pub fn login(&self, user: &str) -> String {
        self.app.login(user, self.seconds() + 86_400, "")
    }

    /// The application's number, by which the other cloud knows it.
    pub fn sdkappid(&self) -> u32 {
        self.sdkappid_of(&self.app)
    }

    pub fn sdkappid_of(&self, app: &App) -> u32 {
        self.server.running().handle.directory().apps[&*app.id].sdkappid
    }

    pub fn seconds(&self) -> i64 {
        let Millis(now) = self.server.clock.now();
        now / 1000
    }

    pub fn open(&self) -> Client {
        Client::open(self.server.running().sessions)
    }

    /// `user`, logged in on the device `d`.
    pub fn on(&self, user: &str) -> Client {
        self.on_device(user, "d")
    }

    pub fn on_device(&self, user: &str, device: &str) -> Client {
        Client::login(self.server.running().sessions, &self.login(user), device)
    }

    /// `user`, logged in and in the group.
    pub fn member(&self, user: &str, group: &str) -> Client {
        let mut client = self.on(user);
        client.join(group);
        client
    }

    pub fn advance(&self, ms: u64) {
        self.server.advance(ms);
    }

    /// A look into the store.
    pub fn sql(&self) -> Connection {
        Connection::open_with_flags(self.server.folder.join("roomd.db"), OpenFlags::SQLITE_OPEN_READ_ONLY).expect("the store")
    }

    /// The receiver was told exactly this since the last look, in this order for each user.
    #[track_caller]
    pub fn told(&self, expected: &[&str]) {
        self.receiver.await_more(expected.len());
        self.server.settle();
        let mut got: Vec<String> = self.receiver.news().iter().map(|(user, _, event)| format!("{user} {}", told(event))).collect();
        let mut expected: Vec<String> = expected.iter().map(|e| e.to_string()).collect();
        let user = |text: &String| text.split(' ').next().unwrap_or_default().to_owned();
        got.sort_by_key(user);
        expected.sort_by_key(user);
        assert_eq!(got, expected, "what the receiver was told");
    }
}
