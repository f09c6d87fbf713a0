//! `roomd serve`: arguments become settings, and the server runs with them until it is told to stop.

use super::{Failure, clock, environment, print};
use crate::{
    server,
    settings::{Given, Settings, raise_open_files},
};
use argh::FromArgs;
use std::path::PathBuf;

/// Run the server. When it is ready it prints one line of JSON with its addresses.
#[derive(FromArgs)]
#[argh(
    subcommand,
    name = "serve",
    note = "Each setting also has a variable ROOMD_…, which the sample roomd.toml names;\nROOMD_CONFIG=FILE stands for --config. ROOMD_LOG says how much is logged to standard error:\nerror, warn, info (the default), debug or trace."
)]
pub struct Serve {
    /// settings file (TOML; the sample is roomd.toml)
    #[argh(option, arg_name = "file")]
    config: Option<PathBuf>,
    /// folder of the store, the keys and the lock (./roomd-data)
    #[argh(option, arg_name = "dir")]
    data: Option<String>,
    /// address of the control API (127.0.0.1:8780; port 0 picks a free one)
    #[argh(option, arg_name = "addr")]
    control: Option<String>,
    /// address for clients (0.0.0.0:8781)
    #[argh(option, arg_name = "addr")]
    sessions: Option<String>,
    /// callback addresses allowed beyond the clouds' rule: a block, host[:port], or any; may be repeated
    #[argh(option, arg_name = "entry")]
    allow_callback: Vec<String>,
    /// only check the settings: print what the server would run with, or what is wrong
    #[argh(switch)]
    check: bool,
}

impl Serve {
    pub fn run(self) -> Result<(), Failure> {
        let Serve { config, data, control, sessions, allow_callback, check } = self;
        let given = Given { config, data, control, sessions, allow_callback };
        let settings = Settings::resolve(&given, &environment(), raise_open_files()).map_err(|problems| Failure::Use(problems.to_string()))?;
        if check {
            print(settings.to_toml().trim_end());
            return Ok(());
        }
        server::run(settings, clock()?).map_err(Failure::Run)
    }
}
