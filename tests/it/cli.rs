//! The shipped binary as a person types it: its words, its exit codes, and its end.

use crate::harness::{Client, Folder, Process, http, roomd};
use serde_json::{Value, json};
use std::fs;

pub fn json_of(args: &[&str]) -> Value {
    let (code, out, err) = roomd(args);
    assert_eq!(code, 0, "{args:?}: {err}");
    serde_json::from_str(&out).unwrap_or_else(|e| panic!("{args:?}: {e}: {out}"))
}

#[test]
fn help_names_every_command_and_each_has_its_own() {
    let (code, help, err) = roomd(&["--help"]);
    assert_eq!((code, &*err), (0, ""));
    for command in ["serve", "dev", "key", "app", "token", "usersig", "listen", "verify"] {
        assert!(help.contains(&format!("\n  {command} ")), "{command} is not in:\n{help}");
        let (code, help, _) = roomd(&[command, "--help"]);
        assert!(code == 0 && help.starts_with(&format!("Usage: roomd {command}")), "{help}");
    }
}

#[test]
fn bad_use_ends_with_2_and_one_line_that_says_what_to_type() {
    let folder = Folder::new();
    let file = folder.join("roomd.toml");
    fs::write(&file, "[limits]\nnonsense = 1\n").unwrap();
    let config = file.to_str().unwrap();
    for args in [
        &["serve", "--nonsense"][..],
        &["nonsense"],
        &[],
        &["token", "--app", "a"],
        &["serve", "--check", "--control", "nowhere"],
        &["serve", "--check", "--allow-callback", "10.0.0.1/8"],
        &["serve", "--check", "--config", config],
        &["serve", "--check", "--config", "/no/such/file"],
        &["key", "list", "--config", "/no/such/file"],
        &["dev", "--clock", "slow"],
        &["dev", "--port-base", "0"],
        &["listen", "--answer", "100"],
        &["app", "change"],
        &["app", "change", "--app", "a"],
        &["app", "create", "--sdkappid", "many"],
        &["app", "create", "--app-key-file", "/no/such/file"],
        &["verify", "usersig"],
        &["verify", "callback", "--host", "h", "--timestamp", "1", "--key", "k", "--kind", "x"],
    ] {
        let (code, out, err) = roomd(args);
        assert_eq!((code, &*out, err.lines().count()), (2, "", 1), "{args:?}: {err}");
        assert!(err.starts_with("roomd: "), "{err}");
    }
}

#[test]
fn check_prints_settings_that_read_back_the_same() {
    let folder = Folder::new();
    let file = folder.join("limits-off.toml");
    // What the load generator is run with.
    let text = "[limits]\nconnections = 0\nconnections_per_address = 0\nsession_commands_per_second = 0\ngroup_messages_per_second = 0\ncontrol_qps = false\nnonces = 0\n";
    fs::write(&file, text).unwrap();
    let (code, first, err) = roomd(&["serve", "--check", "--config", file.to_str().unwrap(), "--allow-callback", "any"]);
    assert_eq!((code, &*err), (0, ""));
    for line in text.lines().chain(["allow = [\"any\"]"]) {
        assert!(first.lines().any(|l| l == line), "{line} is not in:\n{first}");
    }
    fs::write(&file, &first).unwrap();
    let (code, second, _) = roomd(&["serve", "--check", "--config", file.to_str().unwrap()]);
    assert_eq!((code, second), (0, first));
    assert!(!folder.join("roomd-data").exists(), "a check makes nothing");
}

#[test]
fn the_first_start_makes_a_key_and_a_token_that_nobody_else_can_read() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let data = folder.join("data");
    let mut process = Process::start(&data, &[]);
    let key = process.api().key_id.clone();
    for file in ["access-key.json", "operator.token"] {
        let mode = fs::metadata(data.join(file)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{file}");
    }
    process.api().app("");
    process.kill();
    let process = Process::start(&data, &[]);
    assert_eq!(process.api().key_id, key, "a second start makes none");
    for (path, status) in [("/healthz", 200), ("/readyz", 200), ("/operator/v1/keys", 401)] {
        let answer = http(process.control, format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).unwrap();
        assert_eq!(answer.status, status, "{path}");
    }
}

#[test]
fn a_data_folder_has_one_server() {
    let folder = Folder::new();
    let data = folder.join("data");
    let _first = Process::start(&data, &[]);
    let (code, out, err) = roomd(&["serve", "--control", "127.0.0.1:0", "--sessions", "127.0.0.1:0", "--data", data.to_str().unwrap()]);
    assert_eq!((code, &*out), (1, ""), "{err}");
    assert!(err.contains("in use by another roomd") && err.contains("--data"), "{err}");
}

#[test]
fn sigterm_closes_sockets_with_3001_and_ends_with_0_within_5_seconds() {
    let folder = Folder::new();
    let mut process = Process::start(&folder.join("data"), &[]);
    let app = process.api().app("");
    process.api().group(&app, "g1");
    let expires = crate::harness::wall().seconds() + 600;
    let mut clients: Vec<Client> = (0..5).map(|n| Client::login(process.sessions, &app.login(&format!("u{n}"), expires, ""), "d")).collect();
    clients.iter_mut().for_each(|client| drop(client.join("g1")));
    // One that does not read, and one that only stands there.
    clients[0].stop_reading();
    let _idle = std::net::TcpStream::connect(process.control).unwrap();
    let (status, took) = process.terminate();
    assert_eq!(status.code(), Some(0), "{}", process.log());
    assert!(took.as_secs_f64() < 5.0, "{took:?}");
    for client in &mut clients[1..] {
        assert_eq!(client.closed(), (3001, "shutdown".into()));
    }
    let log = fs::metadata(folder.join("data").join("roomd.db-wal")).map_or(0, |m| m.len());
    assert_eq!(log, 0, "the log was written into the store");
}

#[test]
fn a_store_of_a_newer_version_is_refused_and_not_touched() {
    let folder = Folder::new();
    let data = folder.join("data");
    Process::start(&data, &[]).terminate();
    let file = data.join("roomd.db");
    let store = rusqlite::Connection::open(&file).unwrap();
    store.pragma_update(None, "user_version", 99).unwrap();
    drop(store);
    let before = fs::read(&file).unwrap();
    let (code, out, err) = roomd(&["serve", "--control", "127.0.0.1:0", "--sessions", "127.0.0.1:0", "--data", data.to_str().unwrap()]);
    assert_eq!((code, &*out), (1, ""), "{err}");
    assert!(err.contains("has version 99") && err.contains("not touched"), "{err}");
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[test]
fn no_secret_is_ever_logged() {
    let folder = Folder::new();
    let mut process = Process::start(&folder.join("data"), &[("ROOMD_LOG", "debug"), ("RUST_LOG", "trace")]);
    let api = process.api();
    let app = api.app("");
    let login = app.login("u1", crate::harness::wall().seconds() + 600, "");
    let _client = Client::login(process.sessions, &login, "d");
    let mut bad = api.call("DescribeLiveMessageApp", &[("AppId", &app.id)]);
    bad.secret.push('x');
    bad.v3();
    process.terminate();
    let token: Value = serde_json::from_str(&login).unwrap();
    let log = process.log();
    for secret in [&*api.secret, &app.key, token["app_token"].as_str().unwrap()] {
        assert!(!log.contains(secret), "{log}");
    }
}

#[test]
fn a_usersig_that_the_command_line_makes_is_explained_by_it() {
    let folder = Folder::new();
    let dir = folder.join("data");
    let dir = dir.to_str().unwrap();
    let app = json_of(&["app", "create", "--app", "shop", "--data", dir, "--json"]);
    let (number, key) = (app["sdkappid"].to_string(), app["app_key"].as_str().unwrap());
    let (_, usersig, _) = roomd(&["usersig", "--app", "shop", "--user", "u1", "--data", dir]);
    let verify = |more: &[&str]| roomd(&[&["verify", "usersig", "--usersig", usersig.trim()], more].concat());
    let (code, out, err) = verify(&["--key", key, "--sdkappid", &number, "--user", "u1"]);
    assert_eq!((code, &*err), (0, ""));
    for part in ["identifier  u1\n", "    TLS.identifier:u1\n", "expires     in 1", "✓ valid\n"] {
        assert!(out.contains(part), "{part} is not in:\n{out}");
    }
    for (more, why) in [
        (&["--key", "another"][..], "✗ the signature is wrong"),
        (&["--key", key, "--sdkappid", "7"], "not for 7"),
        (&["--key", key, "--user", "u2"], "not for \"u2\""),
    ] {
        let (code, out, _) = verify(more);
        assert!(code == 1 && out.contains(why) && !out.contains(key), "{out}");
    }
}

#[test]
fn the_settings_file_says_where_the_store_is() {
    let folder = Folder::new();
    let file = folder.join("roomd.toml");
    fs::write(&file, format!("data = {:?}\n", folder.join("elsewhere"))).unwrap();
    let config = file.to_str().unwrap();
    let app = json_of(&["app", "create", "--app", "shop", "--config", config, "--json"]);
    assert_eq!(json_of(&["app", "list", "--config", config, "--json"]), json!([app]));
    assert_eq!(json_of(&["key", "list", "--config", config, "--json"]), json!([]));
    assert_eq!(json_of(&["token", "--app", "shop", "--user", "u", "--config", config])["app_id"], "shop");
    assert!(folder.join("elsewhere").join("roomd.db").exists());
}

#[test]
fn a_taken_port_is_answered_with_the_flag_that_chooses_another() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    for (args, flag) in [(["dev", "--port-base"], "--port-base"), (["listen", "--port"], "--host")] {
        let (code, out, err) = roomd(&[&args[..], &[&port.to_string()]].concat());
        assert_eq!((code, &*out, err.lines().count()), (1, "", 1), "{args:?}: {err}");
        assert!(err.starts_with("roomd: cannot listen on 127.0.0.1:") && err.contains(flag), "{err}");
        assert!(!err.contains("--control"), "{err}");
    }
}

#[test]
fn a_level_of_logging_that_is_none_is_told() {
    let run = |level: &str| {
        let command = std::process::Command::new(env!("CARGO_BIN_EXE_roomd")).args(["serve", "--check"]).env_clear().env("ROOMD_LOG", level).output().unwrap();
        (command.status.code(), String::from_utf8(command.stderr).unwrap())
    };
    assert_eq!(run("loud"), (Some(2), "roomd: ROOMD_LOG = \"loud\" is not a level; write one of error, warn, info, debug, trace\n".into()));
    for level in ["", "debug", "WARN"] {
        assert_eq!(run(level).0, Some(0), "{level}");
    }
    let help = roomd(&["serve", "--help"]).1;
    assert!(help.contains("ROOMD_LOG") && help.contains("ROOMD_CONFIG"), "{help}");
}

#[test]
fn verify_refuses_the_login_that_the_server_refuses() {
    let long = "n".repeat(65);
    let token = roomd::alibaba::token::login_token("a", "k", "u", &long, "9999999999", "");
    let login = json!({"app_id": "a", "app_token": token, "auth": {"user_id": "u", "nonce": long, "timestamp": 9_999_999_999u64}}).to_string();
    let (code, out, err) = roomd(&["verify", "login", "--key", "k", "--login", &login]);
    assert_eq!((code, &*err), (1, ""), "what is wrong is in the output");
    assert!(out.ends_with("✗ auth.nonce has 65 bytes; 64 are allowed\n"), "{out}");
}

#[test]
fn a_deleted_last_key_stays_deleted_and_a_link_in_the_folder_is_not_followed() {
    let folder = Folder::new();
    let data = folder.join("data");
    let at = data.to_str().unwrap();
    drop(Process::start(&data, &[]));
    let key: Value = serde_json::from_str(&fs::read_to_string(data.join("access-key.json")).unwrap()).unwrap();
    let (code, _, err) = roomd(&["key", "delete", key["access_key_id"].as_str().unwrap(), "--data", at]);
    assert_eq!(code, 0, "{err}");
    drop(Process::start(&data, &[]));
    assert_eq!(json_of(&["key", "list", "--data", at, "--json"]), json!([]));

    let victim = folder.join("victim");
    fs::write(&victim, "precious").unwrap();
    fs::remove_file(data.join("roomd.lock")).unwrap();
    std::os::unix::fs::symlink(&victim, data.join("roomd.lock")).unwrap();
    let (code, _, err) = roomd(&["serve", "--data", at, "--control", "127.0.0.1:0", "--sessions", "127.0.0.1:0"]);
    assert!(code == 1 && err.contains("roomd.lock"), "{code} {err}");
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
}

#[test]
fn a_log_that_nobody_reads_any_more_ends_nothing() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};
    let folder = Folder::new();
    let mut child = Command::new(env!("CARGO_BIN_EXE_roomd"))
        .args(["serve", "--control", "127.0.0.1:0", "--sessions", "127.0.0.1:0", "--data"])
        .arg(folder.join("data"))
        .env_clear()
        .env("ROOMD_LOG", "trace")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stderr.take());
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
    let at = ready["control"].as_str().unwrap().strip_prefix("http://").unwrap().parse().unwrap();
    // Each of these is logged.
    for _ in 0..3 {
        let answer = http(at, b"GET /?Action=None HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        assert_eq!(answer.status, 400);
    }
    let pid = rustix::process::Pid::from_raw(child.id() as i32).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
