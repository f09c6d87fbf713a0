//! Settings as a person gives them: files, variables, flags, and what is said about mistakes.

use super::*;
use std::sync::atomic::{AtomicU32, Ordering};

/// A file in the temporary folder, gone with its name.
struct File(PathBuf);

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn file(text: &str) -> File {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let path = std::env::temp_dir().join(format!("roomd-settings-{}-{}.toml", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
    std::fs::write(&path, text).unwrap();
    File(path)
}

fn resolve(text: &str, env: &[(&str, &str)], given: Given) -> Result<Settings, Problems> {
    let file = file(text);
    let env: Vec<_> = env.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
    Settings::resolve(&Given { config: Some(file.0.clone()), ..given }, &env, 1_200)
}

const DEFAULTS: &str = r#"data = "./roomd-data"

[listen]
control = "127.0.0.1:8780"
sessions = "0.0.0.0:8781"

[callbacks]
allow = []
retry_percent = 100
rtc_strict_ids = false

[sessions]
silence_ms = 90000
hold_ms = 2000
interrupt_ms = 20000
leave_on_logoff = false
any_nonce = false

[moderation]
server_messages = false

[limits]
connections = 1000
connections_per_address = 1000
session_commands_per_second = 100
session_messages_per_second = 100
control_qps = true
nonces = 262144
usersig_failures_per_minute = 100
apps = 300
groups_per_app = 5000
deleted_groups_per_app = 10000
deleted_group_days = 30
super_large_above = 2000
admins_per_group = 3
group_name_bytes = 128
group_info_bytes = 32768
users_per_mute = 30
mutes_per_group = 1000
bans_per_group = 1000
metadata_keys = 10
metadata_bytes = 16384
accounts_per_app = 100000
members_per_group = 6000
members_per_community = 100000
group_data_keys = 10
member_data_keys = 5
kept_groups_per_user = 1000
revoked_users_per_app = 100000
group_messages_per_second = 40
users_per_check = 100
types_per_group = 30
body_bytes = 15360
element_bytes = 12288
user_info_bytes = 512
page_size = 50
channels_per_session = 256
subscriptions_per_app = 20
all_channel_subscriptions_per_app = 1
users_per_subscription = 100
operation_qps = 50
channel_operation_qps = 100
mute_qps = 10
"#;

#[test]
fn defaults_are_as_documented() {
    let s = Settings::resolve(&Given::default(), &[], 1_200).unwrap();
    assert_eq!(s.to_toml(), DEFAULTS);
    assert_eq!(s.limits.connections, 1_000);
}

#[test]
fn the_sample_says_the_defaults() {
    let sample = include_str!("../roomd.toml");
    let plain = |text: &str| text.lines().filter(|l| !l.starts_with("# ") && *l != "#").map(|l| l.trim_start_matches('#')).collect::<Vec<_>>().join("\n");
    let s = resolve(&plain(sample), &[], Given::default()).unwrap();
    assert_eq!(s.to_toml(), Settings::resolve(&Given::default(), &[], 1_200).unwrap().to_toml());
    let missing: Vec<_> = KEYS.iter().filter(|k| !sample.contains(k.name.rsplit('.').next().unwrap())).map(|k| &k.name).collect();
    assert!(missing.is_empty(), "the sample does not show {missing:?}");
    resolve(sample, &[], Given::default()).unwrap();
}

#[test]
fn flags_go_before_environment_before_file() {
    let text =
        "data = \"/f\"\n[listen]\ncontrol = \"127.0.0.1:1\"\nsessions = \"127.0.0.1:2\"\n[callbacks]\nallow = [\"any\"]\n[limits]\nnonces = 7\napps = 8\n";
    let env =
        [("ROOMD_CONTROL", "127.0.0.1:3"), ("ROOMD_SESSIONS", "127.0.0.1:4"), ("ROOMD_LIMITS_NONCES", "9"), ("ROOMD_ALLOW_CALLBACK", "10.0.0.0/8, erp.lan")];
    let given = Given { sessions: Some("[::1]:5".into()), allow_callback: vec!["192.168.0.1".into()], ..Given::default() };
    let s = resolve(text, &env, given).unwrap();
    assert_eq!(s.data, PathBuf::from("/f"));
    assert_eq!((s.control.port(), s.sessions.port(), s.limits.nonces, s.rules.quotas.apps), (3, 5, 9, 8));
    assert_eq!(s.allow_callback.entries(), ["192.168.0.1"]);
    assert_eq!(resolve(text, &env, Given::default()).unwrap().allow_callback.entries(), ["10.0.0.0/8", "erp.lan"]);
}

#[test]
fn limits_are_switched_off_with_zero_or_false() {
    let text = "[limits]\nconnections = 0\nconnections_per_address = false\nsession_commands_per_second = 0\ngroup_messages_per_second = 0\ncontrol_qps = false\nnonces = 0\n";
    let s = resolve(text, &[("ROOMD_LIMITS_APPS", "off"), ("ROOMD_LIMITS_SUPER_LARGE_ABOVE", "false")], Given::default()).unwrap();
    let l = &s.limits;
    assert_eq!((l.connections, l.connections_per_address, l.session_commands_per_second, s.rules.quotas.group_messages_per_second, l.nonces), (0, 0, 0, 0, 0));
    assert_eq!((l.control_qps, s.rules.quotas.apps, s.rules.quotas.super_large_above), (false, 0, 0));
    assert!(!resolve("[limits]\ncontrol_qps = 0\n", &[], Given::default()).unwrap().limits.control_qps);
}

#[test]
fn what_is_printed_is_read_again() {
    let text =
        "data = \"/a \\\"b\\\"\"\n[callbacks]\nallow = [\"any\", \"[::1]:90\"]\nretry_percent = 1\n[sessions]\nsilence_ms = 500\nleave_on_logoff = true\n";
    let printed = resolve(text, &[], Given::default()).unwrap().to_toml();
    assert!(printed.contains("silence_ms = 500\n") && printed.contains("allow = [\"any\", \"[::1]:90\"]"), "{printed}");
    assert_eq!(resolve(&printed, &[], Given::default()).unwrap().to_toml(), printed);
}

#[test]
fn mistakes_are_named_with_what_to_write_instead() {
    for (text, env, parts) in [
        ("[limits]\nnonce = 1", &[][..], &["limits.nonce = 1", "write nonces, in the section [limits]"][..]),
        ("nonces = 1", &[], &["nonces = 1", "write nonces, in the section [limits]"]),
        ("control = \"1.2.3.4:5\"", &[], &["control = \"1.2.3.4:5\"", "[listen]"]),
        ("[limits]\nnonces = -1", &[], &["limits.nonces = -1", "or 0 for no limit"]),
        ("[limits]\nnonces = true", &[], &["limits.nonces = true", "write a number"]),
        ("[limits]\nnonces = 4294967296", &[], &["4294967296", "write a number"]),
        ("[limits]\nnonces = 1.5", &[], &["limits.nonces = 1.5", "write a number"]),
        ("[limits]\ncontrol_qps = 5", &[], &["limits.control_qps = 5", "write true or false"]),
        ("[limits]\nnonces = { a = 1 }", &[], &["limits.nonces = a table", "write a number"]),
        ("[listen]\ncontrol = \":8780\"", &[], &["listen.control = \":8780\"", "write an address", "0.0.0.0:8780"]),
        ("[listen]\ncontrol = \"localhost:99\"", &[], &["127.0.0.1:99"]),
        ("[listen]\ncontrol = \"0.0.0.0:8781\"", &[], &["are both 0.0.0.0:8781", "different ports"]),
        ("[callbacks]\nallow = [\"10.0.0.1/8\"]", &[], &["callbacks.allow", "10.0.0.1/8", "write 10.0.0.0/8"]),
        ("[callbacks]\nretry_percent = 0", &[], &["callbacks.retry_percent = 0", "from 1 to 1000"]),
        ("[sessions]\nsilence_ms = 5", &[], &["sessions.silence_ms = 5", "from 100"]),
        ("data = \"\"", &[], &["data = \"\"", "path of a folder"]),
        ("[limits]\nnonces = 1\nnonces 2\n", &[], &["line 3", "TOML"]),
        ("", &[("ROOMD_LIMITS_NONCE", "1")], &["ROOMD_LIMITS_NONCE = \"1\"", "write ROOMD_LIMITS_NONCES"]),
        ("", &[("ROOMD_LIMITS_NONCES", "many")], &["ROOMD_LIMITS_NONCES = \"many\"", "write a number"]),
    ] {
        let problems = resolve(text, env, Given::default()).unwrap_err().to_string();
        for part in parts {
            assert!(problems.contains(part), "{text}: {problems}");
        }
    }
    let problems = resolve("[limits]\na = 1\n", &[], Given { control: Some("x".into()), ..Given::default() }).unwrap_err();
    assert_eq!(problems.0.len(), 2, "all are told at once: {problems}");
    let none = Settings::resolve(&Given { config: Some("/no/such/file".into()), ..Given::default() }, &[], 0).unwrap_err();
    assert!(none.to_string().contains("/no/such/file cannot be read"), "{none}");
    resolve("", &[("ROOMD_SESSIONS_SERVICE_HOST", "10.0.0.1"), ("ROOMD_PORT", "tcp://10.0.0.1:1")], Given::default()).unwrap();
}

#[test]
fn the_rate_of_messages_goes_with_that_of_commands() {
    for (text, expected) in [
        ("", 100),
        ("[limits]\nsession_commands_per_second = 0\n", 0),
        ("[limits]\nsession_commands_per_second = 0\nsession_messages_per_second = 7\n", 7),
        ("[limits]\nsession_messages_per_second = 0\n", 0),
    ] {
        assert_eq!(resolve(text, &[], Given::default()).unwrap().limits.session_messages_per_second, expected, "{text}");
    }
}
