//! The shipped binary as a process, on real time.

use super::{Api, SOON};
use roomd::domain::Millis;
use serde_json::Value;
use std::{
    fs::File,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

/// A running `roomd serve`; it is killed when this is dropped.
pub struct Process {
    child: Child,
    data: PathBuf,
    pub control: SocketAddr,
    pub sessions: SocketAddr,
}

impl Process {
    /// Starts on `data` and waits for the ready line. `env` is its whole environment. What it logs is
    /// added to `roomd.log` beside the data.
    pub fn start(data: &Path, env: &[(&str, &str)]) -> Process {
        let log = data.with_extension("log");
        let log = File::options().create(true).append(true).open(log).expect("a log");
        let mut child = Command::new(env!("CARGO_BIN_EXE_roomd"))
            .args(["serve", "--control", "127.0.0.1:0", "--sessions", "127.0.0.1:0", "--allow-callback", "127.0.0.1", "--data"])
            .arg(data)
            .env_clear()
            .envs(env.iter().copied())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the binary starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut line).expect("a ready line");
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|_| {
            let _ = child.wait();
            panic!("no ready line but {line:?}; the log: {}", log_of(data))
        });
        assert_eq!(ready["ready"], true);
        let at = |name: &str| {
            let url = ready[name].as_str().expect("an address");
            let host = url.split("//").nth(1).and_then(|rest| rest.split('/').next());
            host.expect("a URL").parse().expect("an address")
        };
        Process { control: at("control"), sessions: at("sessions"), data: data.into(), child }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// kill -9, and waits until it is gone.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// SIGTERM; the exit status, and how long it took.
    pub fn terminate(&mut self) -> (ExitStatus, std::time::Duration) {
        let began = Instant::now();
        let pid = rustix::process::Pid::from_raw(self.pid() as i32).expect("a pid");
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
        loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                return (status, began.elapsed());
            }
            assert!(began.elapsed() < SOON, "it does not end; the log: {}", log_of(&self.data));
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("it is our child").is_none()
    }

    /// Bytes of it that are in memory.
    pub fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("it runs");
        let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
        1024 * kib.and_then(|kib| kib.parse::<u64>().ok()).expect("a line VmRSS: n kB")
    }

    pub fn api(&self) -> Api {
        let key = std::fs::read(self.data.join("access-key.json")).expect("the first key");
        let key: Value = serde_json::from_slice(&key).unwrap();
        Api {
            at: self.control,
            key_id: key["access_key_id"].as_str().unwrap().into(),
            secret: key["access_key_secret"].as_str().unwrap().into(),
            now: Arc::new(wall),
        }
    }

    pub fn log(&self) -> String {
        log_of(&self.data)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn log_of(data: &Path) -> String {
    std::fs::read_to_string(data.with_extension("log")).unwrap_or_default()
}

/// The machine's wall time.
pub fn wall() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    Millis(since.as_millis() as i64)
}

/// Runs a command of the binary to its end: exit code, standard output, standard error.
pub fn roomd(args: &[&str]) -> (i32, String, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_roomd")).args(args).env_clear().output().expect("the binary starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (out.status.code().expect("it was not killed"), text(out.stdout), text(out.stderr))
}
