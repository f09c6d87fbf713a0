//! Settings, resolved once: flags over `ROOMD_*` environment over TOML file over default. Nothing
//! downstream asks "what if unset?".

use crate::domain::{address::AllowList, state::Rules};
use std::{net::SocketAddr, path::PathBuf};

/// What a server runs with.
#[derive(Clone, Debug)]
pub struct Settings {
    pub data: PathBuf,
    pub control: SocketAddr,
    pub sessions: SocketAddr,
    pub allow_callback: AllowList,
    pub limits: Limits,
    /// Quotas of the contracts and the waits of session life.
    pub rules: Rules,
    /// Length of the waits of the retry ladder in percent; 100 as documented. Crash tests shorten it.
    pub retry_percent: u32,
}

/// Bounds at the doors; 0 is off. The quotas of the contracts are in [`Rules`].
#[derive(Clone, Debug)]
pub struct Limits {
    pub connections: u32,
    pub connections_per_address: u32,
    pub session_commands_per_second: u32,
    pub group_messages_per_second: u32,
    pub control_qps: bool,
    pub nonces: u32,
}
