//! Puts the parts together: starts them in an order in which nothing is asked before it can answer,
//! and stops them in the reverse. The one entry that `serve`, `dev` and the tests use.

use crate::{
    alibaba::{
        rpc::{self, Gateway, GatewayParts},
        token::NonceShape,
    },
    clock::{self, Clock},
    control::{
        Backend,
        operator::{self, Operator},
        route::Control,
    },
    delivery::{Dispatcher, ask::Asker},
    domain::request::Request,
    door::{self, Door, DoorConfig, Workers},
    engine::{self, Handle, Ports, Starting},
    ids::{ALNUM, Ids},
    metrics::Metrics,
    notify,
    settings::Settings,
    socket::{Hub, HubConfig},
    store::{self, Store},
    tencent::rest,
    words::{self, Words},
};
use std::{
    fs,
    io::Write,
    net::{SocketAddr, TcpListener},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

mod dialects;

/// Held by the process that has the store open; its text says where that process can be asked.
pub const LOCK: &str = "roomd.lock";
/// The first access key, as `roomd key create --json` prints one.
pub const ACCESS_KEY: &str = "access-key.json";
/// The bearer token of the operator's API.
pub const OPERATOR_TOKEN: &str = "operator.token";

/// A lock that is held is tried again so often, and after so many ms.
const LOCK_TRIES: u32 = 40;
const LOCK_PAUSE: u64 = 50;
/// Most hubs: connections name theirs in a few bits, and more cores than this share no more work.
const MOST_HUBS: usize = 16;

/// A server that is ready.
pub struct Running {
    /// The listeners' addresses, with the port that was found when 0 was asked for.
    pub control: SocketAddr,
    pub sessions: SocketAddr,
    pub handle: Handle,
    data: PathBuf,
    engine: engine::Running,
    hubs: Vec<Hub>,
    dispatcher: Arc<Dispatcher>,
    asker: Arc<Asker>,
    door: Door,
    ready: Arc<AtomicBool>,
    /// Keeps others from the store until the very end.
    _lock: Lock,
}

/// Starts everything; returns when the first request can be answered.
pub fn start(settings: Settings, clock: Clock, ids: Ids) -> Result<Running, String> {
    let data = settings.data.clone();
    let listen = |address: SocketAddr, flag: &str| {
        TcpListener::bind(address).map_err(|e| format!("cannot listen on {address}: {e}; choose another address with {flag}"))
    };
    let mut lock = Lock::take(&data)?;
    let store = Store::open(&data).map_err(|e| e.to_string())?;
    let (control, sessions) = (listen(settings.control, "--control")?, listen(settings.sessions, "--sessions")?);
    let address = |listener: &TcpListener| listener.local_addr().map_err(|e| format!("a listener has no address: {e}"));
    let (control_at, sessions_at) = (address(&control)?, address(&sessions)?);
    lock.say(control_at)?;

    let metrics = Arc::new(Metrics::default());
    let config = engine::Config { rules: settings.rules.clone(), metrics: metrics.clone(), retry_percent: settings.retry_percent };
    let starting = Starting::new(store, clock.clone(), ids.clone(), config).map_err(|e| e.to_string())?;
    let handle = starting.handle.clone();
    let system = |what: &str| {
        let what = what.to_owned();
        move |e: std::io::Error| format!("cannot start {what}: {e}")
    };

    words::write_example(&data).map_err(|e| format!("cannot write {}: {e}", data.join(words::FILE).display()))?;
    let words = Arc::new(Words::open(data.join(words::FILE), clock.clone()));
    let hub_config = HubConfig {
        clock: clock.clone(),
        silence: settings.rules.lifetimes.silence,
        commands_per_second: settings.limits.session_commands_per_second,
        messages_per_second: settings.limits.session_messages_per_second,
        quotas: settings.rules.quotas.clone(),
        nonces: if settings.any_nonce { NonceShape::Any } else { NonceShape::Documented },
        words: words.clone(),
    };
    let count = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_HUBS);
    let hubs: Vec<Hub> =
        (0..count as u8).map(|number| Hub::start(number, handle.clone(), hub_config.clone())).collect::<Result<_, _>>().map_err(system("a hub"))?;
    let dispatcher = Arc::new(Dispatcher::start(dialects::sending(&settings, &handle, &clock)).map_err(system("the senders"))?);
    let asker = Arc::new(Asker::start(dialects::asking(&settings, &handle, &ids, &clock)).map_err(system("the moderation"))?);
    let (jobs, questions) = (dispatcher.clone(), asker.clone());
    let ports = Ports {
        render: dialects::render,
        hook: dialects::hook,
        render_channel: dialects::render_channel,
        freeze: dialects::freezer(&settings),
        hubs: hubs.iter().map(Hub::deliverer).collect(),
        dispatch: Box::new(move |job| jobs.send(job)),
        ask: Box::new(move |question| questions.ask(question)),
    };
    let engine = starting.run(ports).map_err(system("the engine"))?;

    first_key(&data, &handle, &ids, &clock)?;
    let ready = Arc::new(AtomicBool::new(false));
    let workers = Arc::<Workers>::default();
    let ask = Arc::new(Backend::new(handle.clone(), data.clone(), workers.clone()));
    let limits = &settings.limits;
    let gateway = Gateway::new(GatewayParts {
        ask: ask.clone(),
        clock: clock.clone(),
        ids: ids.clone(),
        allow: settings.allow_callback.clone(),
        rules: settings.rules.clone(),
        words: words.clone(),
        nonces: limits.nonces,
        control_qps: limits.control_qps,
    });
    let rest = rest::Gateway::new(rest::GatewayParts {
        ask: ask.clone(),
        clock: clock.clone(),
        ids: ids.clone(),
        allow: settings.allow_callback.clone(),
        rules: settings.rules.clone(),
        words,
        addresses: dialects::addresses,
        usersig_failures_per_minute: limits.usersig_failures_per_minute,
        control_qps: limits.control_qps,
    });
    let token = operator_token(&data, &ids)?;
    let operator = Operator::new(ask, clock.clone(), ids.clone(), settings.allow_callback.clone(), token);
    let answers = Arc::new(Control::new(gateway, rest, operator, metrics, ready.clone()));
    let adopters: Vec<_> = hubs.iter().map(Hub::adopter).collect();
    let turn = AtomicUsize::new(0);
    let names = ids.clone();
    let door = door::start(DoorConfig {
        control,
        sessions,
        limits: door::Limits { connections: settings.limits.connections, connections_per_address: settings.limits.connections_per_address },
        clock,
        workers,
        handler: Arc::new(move |request| answers.answer(request)),
        explain: Box::new(move |status, why, path| match path.strip_prefix(rest::PREFIX) {
            Some(path) => {
                let rest::RestReply { headers, body } = rest::unreadable(&names, path, status, why);
                door::Reply { status: 200, headers, body }
            }
            None => {
                let rpc::RpcReply { status, headers, body } = rpc::unreadable(&names, status, why);
                door::Reply { status, headers, body }
            }
        }),
        adopt: Box::new(move |upgraded| adopters[turn.fetch_add(1, Ordering::Relaxed) % adopters.len()](upgraded)),
    })
    .map_err(system("the door"))?;
    ready.store(true, Ordering::Release);
    Ok(Running { control: control_at, sessions: sessions_at, handle, data, engine, hubs, dispatcher, asker, door, ready, _lock: lock })
}

impl Running {
    /// One line of JSON (`design.md` §5).
    pub fn ready_line(&self) -> String {
        serde_json::json!({
            "ready": true,
            "control": format!("http://{}", self.control),
            "sessions": format!("ws://{}{}", self.sessions, door::WEBSOCKET_PATH),
            "data": self.data,
        })
        .to_string()
    }

    /// Stops accepting, answers what is in flight, closes sockets with 3001, checkpoints. Sessions stay
    /// open in the store: who comes back after the next start resumes.
    pub fn stop(self) {
        self.ready.store(false, Ordering::Release);
        self.handle.closing();
        std::thread::scope(|scope| {
            let (door, hubs, dispatcher, asker) = (self.door, self.hubs, &self.dispatcher, &self.asker);
            scope.spawn(|| door.stop());
            scope.spawn(|| dispatcher.stop());
            scope.spawn(|| asker.stop());
            scope.spawn(|| Hub::stop(hubs));
        });
        self.engine.stop();
    }
}

/// SIGTERM and SIGINT. Made before anybody is told that the process is ready: a signal that comes at
/// once must stop it, not kill it.
pub struct StopSignal(signal_hook::iterator::Signals);

impl StopSignal {
    pub fn register() -> Result<StopSignal, String> {
        use signal_hook::consts::{SIGINT, SIGTERM};
        signal_hook::iterator::Signals::new([SIGTERM, SIGINT]).map(StopSignal).map_err(|e| format!("signals cannot be caught: {e}"))
    }

    /// Blocks until one has come.
    pub fn wait(mut self) {
        let _ = self.0.forever().next();
    }
}

/// `roomd serve`: until a signal comes.
pub fn run(settings: Settings, clock: Clock) -> Result<(), String> {
    // A limit on the size of files (`ulimit -f`, LimitFSIZE=) must read as a failed write, like a full
    // disk, and not end the process. The flag itself is of no use.
    signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default()).map_err(|e| format!("SIGXFSZ cannot be caught: {e}"))?;
    let signal = StopSignal::register()?;
    let running = start(settings, clock, Ids::random())?;
    let mut stdout = std::io::stdout();
    // Whoever started us may not read it.
    let _ = writeln!(stdout, "{}", running.ready_line()).and_then(|()| stdout.flush());
    notify::ready(&format!("control {}, sessions {}", running.control, running.sessions));
    tracing::info!(control = %running.control, sessions = %running.sessions, "ready");
    signal.wait();
    tracing::info!("stopping");
    notify::stopping();
    running.stop();
    Ok(())
}

/// The engine alone, for commands that change a store which no server has open. What it answered is
/// committed; the process may end at any time.
pub fn offline(settings: &Settings) -> Result<Handle, String> {
    let data = &settings.data;
    let lock = Lock::take(data)?;
    let store = Store::open(data).map_err(|e| e.to_string())?;
    let clock = Clock::real().map_err(|e| format!("cannot start the clock: {e}"))?;
    let config = engine::Config { rules: settings.rules.clone(), metrics: Arc::default(), retry_percent: settings.retry_percent };
    let starting = Starting::new(store, clock, Ids::random(), config).map_err(|e| e.to_string())?;
    // Nothing is sent from here: what is frozen meanwhile is sent by the next server, as it is.
    let ports = Ports {
        render: dialects::render,
        hook: dialects::hook,
        render_channel: dialects::render_channel,
        freeze: dialects::freezer(settings),
        hubs: Vec::new(),
        dispatch: Box::new(|_| {}),
        ask: Box::new(|_| {}),
    };
    let running = starting.run(ports).map_err(|e| format!("cannot start the engine: {e}"))?;
    std::mem::forget(lock); // held until this process ends, as its engine is
    Ok(running.handle)
}

/// A store that never had a key gets a pair, in a file for whoever installed it. The file comes first: a
/// power cut in between leaves a file whose key is not known, and the next start makes both.
fn first_key(data: &Path, handle: &Handle, ids: &Ids, clock: &Clock) -> Result<(), String> {
    if handle.directory().had_keys {
        return Ok(());
    }
    let key = operator::new_key(ids, clock.now());
    write_secret(&data.join(ACCESS_KEY), &format!("{}\n", operator::key_json(&key)))?;
    handle.call(Request::CreateKey(key)).map(drop).map_err(|e| format!("the first access key could not be stored: {e}"))
}

fn operator_token(data: &Path, ids: &Ids) -> Result<String, String> {
    let path = data.join(OPERATOR_TOKEN);
    match fs::read_to_string(&path) {
        Ok(token) if !token.trim().is_empty() => Ok(token.trim().to_owned()),
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(format!("cannot read {}: {e}", path.display())),
        _ => {
            let token = ids.text(40, ALNUM);
            write_secret(&path, &format!("{token}\n"))?;
            Ok(token)
        }
    }
}

/// Written beside and moved into place: a power cut leaves the old file or the new one. Mode 0600.
fn write_secret(path: &Path, text: &str) -> Result<(), String> {
    let new = path.with_extension("new");
    let write = || {
        let _ = fs::remove_file(&new);
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        // The name is in the folder, and that has to be on the disk as well.
        fs::File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    };
    write().map_err(|e| format!("cannot write {}: {e}", path.display()))
}

/// The lock on a data folder: one process has the store open for writing.
struct Lock {
    file: fs::File,
}

impl Lock {
    fn take(data: &Path) -> Result<Lock, String> {
        store::make_folder(data).map_err(|e| e.to_string())?;
        let path = data.join(LOCK);
        // Not through a link: what is written here must not land in another file.
        let flags = rustix::fs::OFlags::NOFOLLOW.bits() as i32;
        let open = fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).custom_flags(flags).open(&path);
        let file = open.map_err(|e| format!("cannot open {}: {e}", path.display()))?;
        // A command that only looks holds it for a moment.
        for _ in 0..LOCK_TRIES {
            if rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_ok() {
                file.set_len(0).map_err(|e| format!("cannot write {}: {e}", path.display()))?;
                return Ok(Lock { file });
            }
            clock::pause(LOCK_PAUSE);
        }
        let said = fs::read_to_string(&path).unwrap_or_default();
        let pid = serde_json::from_str::<serde_json::Value>(&said).ok().and_then(|v| v["pid"].as_u64());
        let who = pid.map_or_else(|| "another roomd".into(), |pid| format!("another roomd (process {pid})"));
        Err(format!("{} is in use by {who}; stop it, or choose another folder with --data", data.display()))
    }

    /// Says where the server can be asked.
    fn say(&mut self, control: SocketAddr) -> Result<(), String> {
        // A wildcard address is listened on, not called.
        let host = match control.ip() {
            ip if ip.is_unspecified() => "127.0.0.1".to_owned(),
            std::net::IpAddr::V6(ip) => format!("[{ip}]"),
            ip => ip.to_string(),
        };
        let text = serde_json::json!({"pid": std::process::id(), "control": format!("http://{host}:{}", control.port())});
        writeln!(self.file, "{text}").map_err(|e| format!("cannot write the lock: {e}"))
    }
}
