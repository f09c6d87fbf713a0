//! The command line: one file a command. Arguments become one call of the server or of the engine;
//! exit 0 is done, 1 failed at run time, 2 bad use, with one line that says what to type instead.

mod app;
mod dev;
mod key;
mod listen;
mod log;
mod place;
mod serve;
mod token;
mod usersig;
mod verify;
mod webhooks;

use crate::clock::Clock;
use argh::{EarlyExit, FromArgs};
use std::{ffi::OsString, fmt};

/// Rooms, sessions and signed callbacks in one binary: the control API, sessions and callbacks of
/// live clouds on your own box.
#[derive(FromArgs)]
struct Roomd {
    /// print the version
    #[argh(switch, short = 'V')]
    version: bool,
    #[argh(subcommand)]
    command: Option<Command>,
}

#[derive(FromArgs)]
#[argh(subcommand)]
enum Command {
    Dev(dev::Dev),
    Serve(serve::Serve),
    App(app::AppCommand),
    Key(key::KeyCommand),
    Token(token::TokenCommand),
    Usersig(usersig::UsersigCommand),
    Listen(listen::Listen),
    Verify(verify::Verify),
}

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub enum Failure {
    /// Exit 2: something else is to be typed.
    Use(String),
    /// Exit 1: it was asked rightly, and failed.
    Run(String),
    /// Exit 1: what was asked about is not so, as standard output says already.
    No,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Failure::Use(why) | Failure::Run(why) => f.write_str(why),
            Failure::No => f.write_str("it is not so"),
        }
    }
}

impl std::error::Error for Failure {}

/// Runs what the arguments say, program name first, and returns the exit code.
pub fn run(args: impl IntoIterator<Item = OsString>) -> u8 {
    let args: Vec<String> = match args.into_iter().skip(1).map(OsString::into_string).collect() {
        Ok(args) => args,
        Err(arg) => return fail(&Failure::Use(format!("{arg:?} is not UTF-8 text"))),
    };
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let roomd = match Roomd::from_args(&["roomd"], &args) {
        Ok(roomd) => roomd,
        Err(EarlyExit { output, status: Ok(()) }) => {
            print(output.trim_end());
            return 0;
        }
        Err(EarlyExit { output, status: Err(()) }) => return fail(&Failure::Use(instead(&output, &args))),
    };
    match roomd.run() {
        Ok(()) => 0,
        Err(failure) => fail(&failure),
    }
}

impl Roomd {
    fn run(self) -> Result<(), Failure> {
        if self.version {
            print(&format!("roomd {}", env!("CARGO_PKG_VERSION")));
            return Ok(());
        }
        log::start()?;
        match self.command {
            None => Err(Failure::Use("which command? Type roomd --help for all, or roomd dev to see everything at work".into())),
            Some(Command::Serve(serve)) => serve.run(),
            Some(Command::App(app)) => app.run(),
            Some(Command::Key(key)) => key.run(),
            Some(Command::Token(token)) => token.run(),
            Some(Command::Usersig(usersig)) => usersig.run(),
            Some(Command::Dev(dev)) => dev.run(),
            Some(Command::Listen(listen)) => listen.run(),
            Some(Command::Verify(verify)) => verify.run(),
        }
    }
}

fn fail(failure: &Failure) -> u8 {
    if !matches!(failure, Failure::No) {
        eprintln!("roomd: {failure}");
    }
    match failure {
        Failure::Use(_) => 2,
        Failure::Run(_) | Failure::No => 1,
    }
}

/// Lines to standard output, in one write: callbacks of several connections must not mix. A reader that
/// has gone (`| head`) is no error.
pub(crate) fn print(text: &str) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(format!("{text}\n").as_bytes()).and_then(|()| out.flush());
}

/// The longest file or text that is read, in bytes.
const INPUT: u64 = 4 * 1024 * 1024;

/// What a file has; `-` is standard input.
pub(crate) fn input(path: &str) -> Result<Vec<u8>, Failure> {
    use std::io::Read;
    let mut bytes = Vec::new();
    let read = match path {
        "-" => std::io::stdin().lock().take(INPUT).read_to_end(&mut bytes),
        path => std::fs::File::open(path).and_then(|file| file.take(INPUT).read_to_end(&mut bytes)),
    };
    read.map_err(|e| Failure::Use(format!("cannot read {path}: {e}")))?;
    Ok(bytes)
}

/// The machine's time.
pub(crate) fn clock() -> Result<Clock, Failure> {
    Clock::real().map_err(|e| Failure::Run(format!("the clock cannot be read: {e}")))
}

/// The environment, as the settings take it.
pub(crate) fn environment() -> Vec<(String, String)> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))).collect()
}

/// argh's complaint on one line, with the command whose help says more.
fn instead(output: &str, args: &[&str]) -> String {
    let commands = names();
    let lines: Vec<&str> = output.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with("Run ")).collect();
    let why = lines.join(" ").replace("Unrecognized argument: ", "there is no ");
    let known = args.first().filter(|a| commands.contains(a));
    match (known, args.first()) {
        (Some(command), _) => {
            let sub = args.get(1).filter(|a| !a.starts_with('-') && matches!(*command, "app" | "key" | "verify"));
            let sub = sub
                .filter(|s| ["create", "change", "webhooks", "list", "show", "delete", "callback", "login", "channel", "request", "usersig"].contains(s))
                .map(|s| format!(" {s}"))
                .unwrap_or_default();
            format!("{why}; type roomd {command}{sub} --help")
        }
        (None, Some(first)) if !first.starts_with('-') => {
            format!("there is no command {first}; type one of: {}", commands.iter().map(|c| format!("roomd {c}")).collect::<Vec<_>>().join(", "))
        }
        _ => format!("{why}; type roomd --help"),
    }
}

/// The names of the commands.
fn names() -> Vec<&'static str> {
    <Command as argh::SubCommands>::COMMANDS.iter().map(|c| c.name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(args: &[&str]) -> String {
        match Roomd::from_args(&["roomd"], args) {
            Err(EarlyExit { output, status: Err(()) }) => instead(&output, args),
            Err(EarlyExit { output, status: Ok(()) }) => format!("help: {output}"),
            Ok(_) => "fine".into(),
        }
    }

    #[test]
    fn bad_use_is_told_in_one_line() {
        for (args, expected) in [
            (&["serv"][..], "there is no command serv; type one of: roomd dev, roomd serve, "),
            (&["--what"], "there is no --what; type roomd --help"),
            (&["serve", "--what"], "there is no --what; type roomd serve --help"),
            (&["serve", "--data"], "type roomd serve --help"),
            (&["token"], "--app --user; type roomd token --help"),
            (&["key"], "type roomd key --help"),
            (&["key", "delete"], "type roomd key delete --help"),
            (&["key", "--help"], "help: Usage: roomd key <command>"),
            (&["--help"], "help: Usage: roomd "),
            (&["app", "show", "--app", "a", "--json"], "fine"),
            (&["app", "change"], "--app; type roomd app change --help"),
            (&[], "fine"),
        ] {
            let got = complaint(args);
            assert!(got.contains(expected), "{args:?}: {got}");
            assert!(got.starts_with("help") || !got.contains('\n'), "{args:?}: {got}");
        }
    }

    #[test]
    fn exit_codes() {
        for (args, code) in
            [(&["roomd", "--version"][..], 0), (&["roomd", "--help"], 0), (&["roomd"], 2), (&["roomd", "x"], 2), (&["roomd", "token", "--help"], 0)]
        {
            assert_eq!(run(args.iter().map(OsString::from)), code, "{args:?}");
        }
    }
}
