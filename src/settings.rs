//! Settings, resolved once: flags over `ROOMD_*` environment over TOML file over default. Nothing
//! downstream asks "what if unset?". Must not know who uses them.

use crate::domain::{
    address::AllowList,
    quota::{self, Quotas},
    state::Rules,
};
use std::{fmt, net::SocketAddr, path::PathBuf, sync::LazyLock};

/// What a server runs with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Folder of the store, the keys and the lock.
    pub data: PathBuf,
    /// Where the control API listens.
    pub control: SocketAddr,
    /// Where clients connect.
    pub sessions: SocketAddr,
    /// Who may be called beyond the clouds' rule.
    pub allow_callback: AllowList,
    pub limits: Limits,
    /// Quotas of the contracts and the waits of session life.
    pub rules: Rules,
    /// Length of the waits of the retry ladder in percent; 100 as documented. Crash tests shorten it.
    pub retry_percent: u32,
    /// Callbacks of channel events have each id in one spelling only, the cloud's own.
    pub rtc_strict_ids: bool,
    /// Credentials may have nonces of any shape, not only those of the cloud's documents.
    pub any_nonce: bool,
}

/// Bounds at the doors; 0 is off. The quotas of the contracts are in [`Rules`].
#[derive(Clone, Debug)]
pub struct Limits {
    /// Sockets in total.
    pub connections: u32,
    pub connections_per_address: u32,
    pub session_commands_per_second: u32,
    /// Messages of one session; undocumented. When it is not set, off with `session_commands_per_second`.
    pub session_messages_per_second: u32,
    /// The cloud's own limits on calls a second.
    pub control_qps: bool,
    /// Signatures remembered, against replay.
    pub nonces: u32,
    /// Wrong UserSigs of one address for one application; then it waits a minute.
    pub usersig_failures_per_minute: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections: 0,
            connections_per_address: 1_000,
            session_commands_per_second: 100,
            session_messages_per_second: 100,
            control_qps: true,
            nonces: 262_144,
            usersig_failures_per_minute: 100,
        }
    }
}

impl Default for Settings {
    /// As documented, but for `connections`: that depends on the machine, and is off here.
    fn default() -> Self {
        Settings {
            data: "./roomd-data".into(),
            control: SocketAddr::from(([127, 0, 0, 1], 8780)),
            sessions: SocketAddr::from(([0, 0, 0, 0], 8781)),
            allow_callback: AllowList::default(),
            limits: Limits::default(),
            rules: Rules::default(),
            retry_percent: 100,
            rtc_strict_ids: false,
            any_nonce: false,
        }
    }
}

/// What was given on the command line, unchecked; `None` and empty: nothing was.
#[derive(Clone, Debug, Default)]
pub struct Given {
    pub config: Option<PathBuf>,
    pub data: Option<String>,
    pub control: Option<String>,
    pub sessions: Option<String>,
    pub allow_callback: Vec<String>,
}

/// All that is wrong: each names the key, the value and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<String>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for Problems {}

/// Stands in a count that nobody has set yet and whose default depends on another.
const UNSET: u32 = u32::MAX;
/// Files that are not client sockets: the store, callbacks, epoll and timers.
const OWN_FILES: u64 = 200;

type Place<T> = Within<Settings, T>;
type Within<S, T> = fn(&mut S) -> &mut T;

/// Where a value goes, which says what it may be.
enum Kind {
    Path(Place<PathBuf>),
    Address(Place<SocketAddr>),
    Hosts(Place<AllowList>),
    /// 0 or false is off.
    Count(Place<u32>),
    /// A count of the table of quotas.
    Quota(Within<Quotas, u32>),
    Switch(Place<bool>),
    Millis(Place<u64>, u64),
    Percent(Place<u32>),
}

struct Key {
    /// Section and name in the file, `limits.nonces`.
    name: String,
    env: String,
    kind: Kind,
}

macro_rules! keys {
    ($($name:literal $env:literal $kind:ident $field:ident$(.$more:ident)* $(, $least:literal)?;)*) => {
        vec![$(Key { name: $name.into(), env: $env.into(), kind: Kind::$kind(|s| &mut s.$field$(.$more)* $(, $least)?) }),*]
    };
}

/// All of them; the quotas are `[limits]` as well.
static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| {
    let mut keys = own_keys();
    keys.extend(quota::TABLE.iter().map(|(name, place)| Key {
        name: format!("limits.{name}"),
        env: format!("ROOMD_LIMITS_{}", name.to_ascii_uppercase()),
        kind: Kind::Quota(*place),
    }));
    keys
});

fn own_keys() -> Vec<Key> {
    keys! {
    "data" "ROOMD_DATA" Path data;
    "listen.control" "ROOMD_CONTROL" Address control;
    "listen.sessions" "ROOMD_SESSIONS" Address sessions;
    "callbacks.allow" "ROOMD_ALLOW_CALLBACK" Hosts allow_callback;
    "callbacks.retry_percent" "ROOMD_CALLBACKS_RETRY_PERCENT" Percent retry_percent;
    "callbacks.rtc_strict_ids" "ROOMD_CALLBACKS_RTC_STRICT_IDS" Switch rtc_strict_ids;
    "sessions.silence_ms" "ROOMD_SESSIONS_SILENCE_MS" Millis rules.lifetimes.silence, 100;
    "sessions.hold_ms" "ROOMD_SESSIONS_HOLD_MS" Millis rules.lifetimes.hold, 0;
    "sessions.interrupt_ms" "ROOMD_SESSIONS_INTERRUPT_MS" Millis rules.lifetimes.interrupt, 0;
    "sessions.leave_on_logoff" "ROOMD_SESSIONS_LEAVE_ON_LOGOFF" Switch rules.lifetimes.leave_on_logoff;
    "sessions.any_nonce" "ROOMD_SESSIONS_ANY_NONCE" Switch any_nonce;
    "moderation.server_messages" "ROOMD_MODERATION_SERVER_MESSAGES" Switch rules.moderate_servers;
    "limits.connections" "ROOMD_LIMITS_CONNECTIONS" Count limits.connections;
    "limits.connections_per_address" "ROOMD_LIMITS_CONNECTIONS_PER_ADDRESS" Count limits.connections_per_address;
    "limits.session_commands_per_second" "ROOMD_LIMITS_SESSION_COMMANDS_PER_SECOND" Count limits.session_commands_per_second;
    "limits.session_messages_per_second" "ROOMD_LIMITS_SESSION_MESSAGES_PER_SECOND" Count limits.session_messages_per_second;
    "limits.control_qps" "ROOMD_LIMITS_CONTROL_QPS" Switch limits.control_qps;
    "limits.nonces" "ROOMD_LIMITS_NONCES" Count limits.nonces;
    "limits.usersig_failures_per_minute" "ROOMD_LIMITS_USERSIG_FAILURES_PER_MINUTE" Count limits.usersig_failures_per_minute;
    }
}

/// A value as it was given.
enum Raw {
    Text(String),
    Number(i64),
    Switch(bool),
    List(Vec<String>),
    Other(String),
}

impl fmt::Display for Raw {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Raw::Text(text) => write!(f, "{text:?}"),
            Raw::Number(n) => write!(f, "{n}"),
            Raw::Switch(on) => write!(f, "{on}"),
            Raw::List(list) => write!(f, "{list:?}"),
            Raw::Other(text) => f.write_str(text),
        }
    }
}

impl Settings {
    /// Puts the layers together. `env` holds all of the environment; `open_files` is the limit that
    /// the default of `connections` depends on (see [`raise_open_files`]).
    pub fn resolve(given: &Given, env: &[(String, String)], open_files: u64) -> Result<Settings, Problems> {
        let mut settings = Settings::default();
        settings.limits.connections = u32::try_from(open_files.saturating_sub(OWN_FILES).max(16)).unwrap_or(u32::MAX);
        let mut problems = Vec::new();
        let from_env = |name: &str| env.iter().find(|(n, v)| n == name && !v.is_empty()).map(|(_, v)| v.clone());
        settings.limits.session_messages_per_second = UNSET;
        if let Some(path) = given.config.clone().or_else(|| from_env("ROOMD_CONFIG").map(PathBuf::from)) {
            settings.read_file(&path, &mut problems);
        }
        for key in KEYS.iter() {
            if let Some(text) = from_env(&key.env) {
                let raw = if let Kind::Hosts(_) = key.kind { Raw::List(text.split(',').map(|t| t.trim().into()).collect()) } else { Raw::Text(text) };
                settings.set(key, raw, &key.env, &mut problems);
            }
        }
        problems.extend(env.iter().filter_map(|(name, value)| unknown_env(name, value)));
        let text = |t: &Option<String>| t.clone().map(Raw::Text);
        let hosts = (!given.allow_callback.is_empty()).then(|| Raw::List(given.allow_callback.clone()));
        for (name, flag, raw) in [
            ("data", "--data", text(&given.data)),
            ("listen.control", "--control", text(&given.control)),
            ("listen.sessions", "--sessions", text(&given.sessions)),
            ("callbacks.allow", "--allow-callback", hosts),
        ] {
            let key = KEYS.iter().find(|k| k.name == name).expect("these keys stand in the table");
            if let Some(raw) = raw {
                settings.set(key, raw, flag, &mut problems);
            }
        }
        if settings.limits.session_messages_per_second == UNSET {
            let paced = settings.limits.session_commands_per_second > 0;
            settings.limits.session_messages_per_second = if paced { Limits::default().session_messages_per_second } else { 0 };
        }
        if settings.control == settings.sessions && settings.control.port() != 0 {
            problems.push(format!("listen.control and listen.sessions are both {}; give them different ports", settings.control));
        }
        if problems.is_empty() { Ok(settings) } else { Err(Problems(problems)) }
    }

    fn read_file(&mut self, path: &std::path::Path, problems: &mut Vec<String>) {
        let shown = path.display();
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(e) => return problems.push(format!("{shown} cannot be read ({e}); name a file that can with --config")),
        };
        let table: toml::Table = match text.parse() {
            Ok(table) => table,
            Err(e) => {
                let e: toml::de::Error = e;
                let line = 1 + text[..e.span().map_or(0, |s| s.start.min(text.len()))].matches('\n').count();
                return problems.push(format!("{shown} line {line}: {}; write TOML, as in the sample roomd.toml", e.message().trim()));
            }
        };
        for (outer, value) in table {
            match value {
                toml::Value::Table(section) => {
                    for (inner, value) in section {
                        self.set_named(&format!("{outer}.{inner}"), value, problems);
                    }
                }
                value => self.set_named(&outer, value, problems),
            }
        }
    }

    fn set_named(&mut self, name: &str, value: toml::Value, problems: &mut Vec<String>) {
        let raw = match value {
            toml::Value::String(text) => Raw::Text(text),
            toml::Value::Integer(n) => Raw::Number(n),
            toml::Value::Boolean(on) => Raw::Switch(on),
            toml::Value::Array(list) if list.iter().all(toml::Value::is_str) => Raw::List(list.iter().filter_map(|v| v.as_str().map(String::from)).collect()),
            toml::Value::Float(n) => Raw::Other(n.to_string()),
            other => Raw::Other(format!("a {}", other.type_str())),
        };
        match KEYS.iter().find(|k| k.name == name) {
            Some(key) => self.set(key, raw, name, problems),
            None => problems.push(format!("{name} = {raw} is not a setting; {}", suggest(name))),
        }
    }

    /// `given_as` is the key, variable or flag that the person wrote.
    fn set(&mut self, key: &Key, raw: Raw, given_as: &str, problems: &mut Vec<String>) {
        let shown = raw.to_string();
        if let Err(instead) = self.put(key, raw) {
            problems.push(format!("{given_as} = {shown} will not do; {instead}"));
        }
    }

    fn put(&mut self, key: &Key, raw: Raw) -> Result<(), String> {
        match (&key.kind, raw) {
            (Kind::Path(place), Raw::Text(text)) if !text.is_empty() => *place(self) = text.into(),
            (Kind::Path(_), _) => return Err("write the path of a folder".into()),
            (Kind::Address(place), Raw::Text(text)) => *place(self) = text.parse().map_err(|_| address_hint(&text))?,
            (Kind::Address(_), _) => return Err("write an address and a port, such as \"127.0.0.1:8780\"".into()),
            (Kind::Hosts(place), Raw::List(list)) => *place(self) = AllowList::parse(&list)?,
            (Kind::Hosts(place), Raw::Text(text)) => *place(self) = AllowList::parse(&[text])?,
            (Kind::Hosts(_), _) => return Err("write a list, such as [\"192.168.0.0/16\", \"erp.lan:8080\"]".into()),
            (Kind::Count(place), raw) => *place(self) = count(&raw)?,
            (Kind::Quota(place), raw) => *place(&mut self.rules.quotas) = count(&raw)?,
            (Kind::Switch(place), Raw::Switch(on)) => *place(self) = on,
            (Kind::Switch(place), raw) if is_off(&raw) || number(&raw) == Some(0) => *place(self) = false,
            (Kind::Switch(place), raw) if matches!(&raw, Raw::Text(text) if text == "true") || number(&raw) == Some(1) => *place(self) = true,
            (Kind::Switch(_), _) => return Err("write true or false".into()),
            (Kind::Millis(place, least), raw) => {
                const DAY: u64 = 86_400_000;
                let ms = number(&raw).and_then(|n| u64::try_from(n).ok()).filter(|n| (*least..=DAY).contains(n));
                *place(self) = ms.ok_or(format!("write milliseconds, from {least} to {DAY}"))?;
            }
            (Kind::Percent(place), raw) => {
                let percent = number(&raw).and_then(|n| n.try_into().ok()).filter(|n| (1..=1000).contains(n));
                *place(self) = percent.ok_or("write a percentage from 1 to 1000; 100 is as documented")?;
            }
        }
        Ok(())
    }

    /// The settings as a file that gives the same.
    pub fn to_toml(&self) -> String {
        let mut copy = self.clone();
        let mut out = String::new();
        let mut section = "";
        for key in KEYS.iter() {
            let (of, name) = key.name.split_once('.').unwrap_or(("", &key.name));
            if of != section {
                out += &format!("\n[{of}]\n");
                section = of;
            }
            let value = match &key.kind {
                Kind::Path(place) => quote(&place(&mut copy).to_string_lossy()),
                Kind::Address(place) => quote(&place(&mut copy).to_string()),
                Kind::Hosts(place) => format!("[{}]", place(&mut copy).entries().iter().map(|e| quote(e)).collect::<Vec<_>>().join(", ")),
                Kind::Count(place) | Kind::Percent(place) => place(&mut copy).to_string(),
                Kind::Quota(place) => place(&mut copy.rules.quotas).to_string(),
                Kind::Switch(place) => place(&mut copy).to_string(),
                Kind::Millis(place, _) => place(&mut copy).to_string(),
            };
            out += &format!("{name} = {value}\n");
        }
        out
    }
}

/// Lets the process open as many files as it may, and says how many that is.
pub fn raise_open_files() -> u64 {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    let soft = limit.current;
    limit.current = limit.maximum;
    if let Err(e) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(error = %e, "the limit of open files could not be raised");
        return soft.unwrap_or(u64::MAX);
    }
    limit.maximum.unwrap_or(u64::MAX)
}

fn count(raw: &Raw) -> Result<u32, String> {
    let n = if is_off(raw) { Some(0) } else { number(raw) };
    let n = n.and_then(|n| n.try_into().ok()).filter(|n| *n < UNSET);
    n.ok_or(format!("write a number from 1 to {}, or 0 for no limit", UNSET - 1))
}

fn number(raw: &Raw) -> Option<i64> {
    match raw {
        Raw::Number(n) => Some(*n),
        Raw::Text(text) => text.parse().ok(),
        _ => None,
    }
}

fn is_off(raw: &Raw) -> bool {
    match raw {
        Raw::Switch(on) => !on,
        Raw::Text(text) => text == "false" || text == "off",
        _ => false,
    }
}

fn quote(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out += &format!("\\u{:04X}", c as u32),
            c => out.push(c),
        }
    }
    out + "\""
}

fn address_hint(text: &str) -> String {
    let port = text.rsplit(':').next().filter(|p| p.parse::<u16>().is_ok()).unwrap_or("8780");
    let host = if text.starts_with("localhost") { "127.0.0.1" } else { "0.0.0.0" };
    format!("write an address and a port, such as \"{host}:{port}\"")
}

/// A variable of a section that has no such key. Others pass: Kubernetes sets `ROOMD_PORT` and the like by itself.
fn unknown_env(name: &str, value: &str) -> Option<String> {
    let ours = ["ROOMD_LIMITS_", "ROOMD_CALLBACKS_", "ROOMD_SESSIONS_", "ROOMD_MODERATION_"].iter().any(|p| name.starts_with(p));
    let foreign = name.contains("_SERVICE_") || name.contains("_PORT");
    if !ours || foreign || KEYS.iter().any(|k| k.env == name) {
        return None;
    }
    let near = KEYS.iter().map(|k| &*k.env).min_by_key(|env| distance(env, name)).unwrap_or_default();
    Some(format!("{name} = {value:?} is not a setting; write {near}"))
}

fn suggest(name: &str) -> String {
    // What one writes first, and what a table of that name forbids.
    if let "control" | "sessions" | "listen" = name {
        return "write [listen], and below it control = \"127.0.0.1:8780\" or sessions = \"0.0.0.0:8781\"".into();
    }
    let last = |n: &'static str| n.rsplit('.').next().unwrap_or(n); // KEYS live for ever
    let (section, written) = name.rsplit_once('.').unwrap_or(("", name));
    let of = |key: &str| key.rsplit_once('.').map_or("", |(section, _)| section) == section;
    // A section that there is was meant; the beginning of a key's name counts as the whole.
    let known = KEYS.iter().any(|k| of(&k.name));
    let far = |key: &'static str| if !written.is_empty() && last(key).starts_with(written) { 0 } else { distance(last(key), written).min(distance(key, name)) };
    let near = KEYS.iter().map(|k| &*k.name).filter(|key| !known || section.is_empty() || of(key)).min_by_key(|key| far(key)).unwrap_or_default();
    match near.split_once('.') {
        Some((section, key)) => format!("write {key}, in the section [{section}]"),
        None => format!("write {near}"),
    }
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let changed = corner + usize::from(x != y);
            corner = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(corner + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
