//! `roomd key` and `roomd app` as a person types them, without and with a running server.

use crate::{
    cli::json_of,
    harness::{Client, Folder, Process, Tencent, roomd},
};
use serde_json::{Value, json};
use std::fs;

#[test]
fn keys_and_applications_are_managed_without_and_with_a_running_server() {
    let folder = Folder::new();
    let data = folder.join("data");
    let dir = data.to_str().unwrap();
    let make = |id: &str| json_of(&["app", "create", "--app", id, "--name", "Shop", "--audit-type", "1", "--msg-life-cycle", "2", "--data", dir, "--json"]);
    let app = make("shop-1");
    for field in [
        "app_id",
        "app_key",
        "app_sign",
        "name",
        "sdkappid",
        "administrators",
        "data_center",
        "event_callback_url",
        "audit_type",
        "audit_url",
        "live_webhook_url",
    ] {
        assert!(app.get(field).is_some(), "{field}: {app}");
    }
    assert_eq!(json_of(&["app", "show", "--app", "shop-1", "--data", dir, "--json"]), app);
    let key = json_of(&["key", "create", "--data", dir, "--json"]);
    assert_eq!(roomd(&["app", "show", "--app", "none", "--data", dir]).0, 1);

    let mut process = Process::start(&data, &[]);
    let second = make("shop-2");
    assert_eq!(json_of(&["app", "list", "--data", dir, "--json"]), json!([app, second]));
    let lines = roomd(&["app", "list", "--data", dir]).1;
    assert!(lines.lines().nth(1).is_some_and(|line| line.starts_with(&format!("shop-2  {}", second["sdkappid"]))), "{lines}");
    assert_eq!(roomd(&["app", "create", "--app", "shop-2", "--data", dir]).0, 1, "its id is taken");
    // The key that was made before the start signs calls now, and none once it is deleted.
    let mut api = crate::harness::Api {
        at: process.control,
        key_id: key["access_key_id"].as_str().unwrap().into(),
        secret: key["access_key_secret"].as_str().unwrap().into(),
        now: std::sync::Arc::new(crate::harness::wall),
    };
    assert_eq!(api.ok("DescribeLiveMessageApp", &[("AppId", "shop-2")])["AppKey"], second["app_key"]);
    for app in ["shop-1", "shop-2"] {
        let app = api.ok("DescribeLiveMessageApp", &[("AppId", app)]);
        assert_eq!((&app["AuditType"], &app["MsgLifeCycle"]), (&json!(1), &json!(2)), "made without and with a server");
    }
    let (code, _, err) = roomd(&["app", "create", "--audit-type", "2", "--data", dir]);
    assert!(code != 0 && err.contains("--audit-url"), "{err}");
    let listed = json_of(&["key", "list", "--data", dir, "--json"]).to_string();
    assert!(listed.contains(&api.key_id) && !listed.contains(&api.secret), "{listed}");
    json_of(&["key", "delete", &api.key_id, "--data", dir, "--json"]);
    assert_eq!(api.fails("DescribeLiveMessageApp", &[("AppId", "shop-2")]).1, "InvalidAccessKeyId.NotFound");
    // A login of the command line is one that the server takes.
    let token = json_of(&["token", "--app", "shop-2", "--user", "u1", "--role", "admin", "--data", dir]);
    let client = Client::login(process.sessions, &token.to_string(), "d");
    assert_eq!(client.hello["data"]["role"], "admin");
    api.at = process.control;
    process.kill();
    assert_eq!(json_of(&["app", "list", "--data", dir, "--json"]), json!([app, second]));
}

#[test]
fn an_application_is_refused_in_the_words_of_its_flags() {
    let folder = Folder::new();
    let data = folder.join("data");
    let create = |more: &[&str]| roomd(&[&["app", "create", "--data", data.to_str().unwrap()], more].concat());
    let callback = ["--callback-url", "http://127.0.0.1:9000/cb"];
    let refused = |more: &[&str], code: i32, parts: &[&str]| {
        let (got, _, err) = create(more);
        assert_eq!((got, err.lines().count()), (code, 1), "{more:?}: {err}");
        assert!(parts.iter().all(|part| err.contains(part)) && !err.contains("App") && !err.contains("Callback"), "{more:?}: {err}");
    };
    refused(&["--name", "x"], 2, &["roomd: --name must have 2 to 16 characters"]);
    refused(&["--app", "a b"], 2, &["roomd: --app must have"]);
    refused(&callback, 2, &["roomd: --callback-url is not allowed", "--allow-callback 127.0.0.1\n"]);
    // What it says to type is there, as is the server's own list.
    assert_eq!(create(&[&callback[..], &["--allow-callback", "127.0.0.1"]].concat()).0, 0);
    let file = folder.join("roomd.toml");
    fs::write(&file, "[callbacks]\nallow = [\"127.0.0.1:9000\"]\n").unwrap();
    assert_eq!(create(&[&callback[..], &["--config", file.to_str().unwrap()]].concat()).0, 0);

    let _process = Process::start(&data, &[]);
    assert_eq!(create(&callback).0, 0, "it was started with this address");
    refused(&["--callback-url", "http://10.0.0.1/"], 1, &["roomd: --callback-url is not allowed", "--allow-callback 10.0.0.1 when starting roomd serve"]);
    refused(&["--name", "x"], 1, &["roomd: --name must have"]);
}

#[test]
fn an_application_of_the_other_cloud_moves_here_with_its_number_and_key() {
    let folder = Folder::new();
    let data = folder.join("data");
    let dir = data.to_str().unwrap();
    let key = "5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e";
    let file = folder.join("key.txt");
    let path = file.to_str().unwrap();
    fs::write(&file, format!("{key}\n")).unwrap();
    let create = |id: &str, number: &str, more: &[&str]| {
        let args = ["app", "create", "--app", id, "--sdkappid", number, "--app-key-file", path, "--data", dir, "--json"];
        roomd(&[&args[..], more].concat())
    };
    let refused = |got: (i32, String, String), code: i32, part: &str| {
        assert_eq!((got.0, &*got.1, got.2.lines().count()), (code, "", 1), "{}", got.2);
        assert!(got.2.starts_with(&format!("roomd: {part}")) && !got.2.contains(key), "{part}: {}", got.2);
    };
    let moved = |number: u32, admins: &[&str], after_retry: u8, app: &Value| {
        let expected = (json!(number), json!(key), json!(admins), json!(after_retry));
        assert_eq!((&app["sdkappid"], &app["app_key"], &app["administrators"], &app["after_retry"]), (&expected.0, &expected.1, &expected.2, &expected.3));
    };
    let change = |id: &str, more: &[&str]| roomd(&[&["app", "change", "--app", id, "--data", dir, "--json"], more].concat());
    let changed = |id: &str, more: &[&str]| {
        let (code, out, err) = change(id, more);
        assert_eq!(code, 0, "{err}");
        serde_json::from_str::<Value>(&out).unwrap()
    };
    let live = |data: &std::path::Path| Process::start(data, &[]);
    let mut process = None;
    for (n, wrong) in [(0, 2), (1, 1)] {
        // First without a server, then with one.
        if n == 1 {
            process = Some(live(&data));
        }
        let (id, number) = (format!("moved-{n}"), 1_400_000_700 + n);
        let (code, out, err) = create(&id, &number.to_string(), &["--administrator", "admin", "--administrator", "主播", "--after-retry", "3"]);
        assert_eq!(code, 0, "{err}");
        moved(number, &["admin", "主播"], 3, &serde_json::from_str(&out).unwrap());
        refused(create("other", &number.to_string(), &[]), 1, &format!("--sdkappid {number} is taken"));
        refused(create("other", "0", &[]), wrong, "--sdkappid must be");
        refused(create("other", "7", &["--after-retry", "4"]), wrong, "--after-retry must be 0 to 3");
        refused(create("other", "7", &["--administrator", "a", "--administrator", "a"]), wrong, "--administrator must not name");
        moved(number, &["b"], 3, &changed(&id, &["--administrator", "b"]));
        moved(number, &["b"], 0, &changed(&id, &["--after-retry", "0"]));
        refused(change(&id, &["--administrator", "c", "--after-retry", "9"]), wrong, "--after-retry must be");
        refused(change("none", &["--after-retry", "1"]), 1, "application none does not exist");
        moved(number, &["b", "c d"], 1, &changed(&id, &["--administrator", "b", "--administrator", "c d", "--after-retry", "1"]));
        let (_, shown, _) = roomd(&["app", "show", "--app", &id, "--data", dir]);
        assert!(shown.lines().any(|line| line.split_once(' ').is_some_and(|(name, value)| name == "administrators" && value.trim() == "b, c d")), "{shown}");
    }
    // What the command line makes opens the door to whom the command line has let in, by this number.
    let at = process.as_ref().expect("it runs").control;
    for (user, expected) in [("b", 100301), ("c d", 100301), ("admin", 60010)] {
        let usersig = roomd(&["usersig", "--app", "1400000701", "--user", user, "--data", dir]).1;
        let api = Tencent { at, sdkappid: 1_400_000_701, key: key.into(), identifier: user.into(), now: std::sync::Arc::new(|| 0) };
        assert_eq!(api.post("live_config/get_callback", &json!({})).with("usersig", usersig.trim()).code(), expected, "{user}");
    }
    for (text, what) in [("", "must have the key as its one line"), ("a\nb\n", "must have the key as its one line")] {
        fs::write(&file, text).unwrap();
        let (code, _, err) = create("other", "7", &[]);
        assert!(code == 2 && err.contains(what), "{err}");
    }
    fs::write(&file, "a b\r\n").unwrap();
    refused(create("other", "7", &[]), 1, "--app-key-file must have 1 to 128 printable ASCII characters");
    drop(process);
}

#[test]
fn a_key_is_read_from_standard_input() {
    use std::{io::Write, process};
    let folder = Folder::new();
    let data = folder.join("data");
    let mut child = process::Command::new(env!("CARGO_BIN_EXE_roomd"))
        .args(["app", "create", "--app-key-file", "-", "--json", "--data"])
        .arg(&data)
        .env_clear()
        .stdin(process::Stdio::piped())
        .stdout(process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"secret-of-theirs\r\n").unwrap();
    let out = child.wait_with_output().unwrap();
    let app: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(app["app_key"], "secret-of-theirs");
}

#[test]
fn where_an_application_is_told_of_its_chat_is_set_and_shown_without_and_with_a_running_server() {
    let folder = Folder::new();
    let data = folder.join("data");
    let dir = data.to_str().unwrap();
    let number = json_of(&["app", "create", "--app", "shop", "--data", dir, "--json"])["sdkappid"].to_string();
    let run = |args: &[&str]| roomd(&[&["app"], args, &["--app", "shop", "--data", dir]].concat());
    let done = |args: &[&str]| {
        let (code, out, err) = run(&[args, &["--json"]].concat());
        assert_eq!(code, 0, "{args:?}: {err}");
        serde_json::from_str::<Value>(&out).unwrap()
    };
    let refused = |args: &[&str], code: i32, part: &str| {
        let (got, out, err) = run(args);
        assert_eq!((got, &*out, err.lines().count()), (code, "", 1), "{args:?}: {err}");
        assert!(err.starts_with("roomd: ") && err.contains(part), "{part}: {err}");
    };
    let whole = |url: &str, commands: &[&str], token: &str, enabled: bool| json!({"url": url, "commands": commands, "token": token, "token_enabled": enabled});
    let (state, after) = ("State.StateChange", "Group.CallbackAfterSendMsg");
    let mut process = None;
    for wrong in [2, 1] {
        // First without a server, then with one.
        if wrong == 1 {
            process = Some(Process::start(&data, &[]));
        }
        assert_eq!(done(&["webhooks"]), whole("", &[], "", false));
        let (code, out, _) = run(&["webhooks"]);
        assert!(code == 0 && out.contains("--url URL"), "{out}");
        refused(&["webhooks", "--token", "t"], 2, "there is no webhook yet; give --url");
        refused(&["webhooks", "--url", "http://a.example/"], 2, "give --command WORD");
        refused(&["webhooks", "--url", "http://a b/", "--command", state], wrong, "roomd: --url has ' '");
        refused(&["webhooks", "--url", "http://a.example/", "--command", "x"], wrong, "roomd: --command has x, which is none of: State.StateChange, ");
        refused(&["webhooks", "--remove", "--token", "t"], 2, "--remove takes all away");
        let set = done(&["webhooks", "--url", "http://a.example:9000/", "--command", state, "--command", after]);
        assert_eq!(set, whole("http://a.example:9000/", &[state, after], "", false));
        refused(&["webhooks", "--token-enabled", "true"], wrong, "roomd: --token must be there");
        assert_eq!(done(&["webhooks", "--token", "t1"]), whole("http://a.example:9000/", &[state, after], "t1", true));
        assert_eq!(done(&["webhooks", "--token-enabled", "false"]), whole("http://a.example:9000/", &[state, after], "t1", false));
        assert_eq!(done(&["webhooks", "--command", after]), whole("http://a.example:9000/", &[after], "t1", false));
        let (_, shown, _) = run(&["webhooks"]);
        assert!(shown.lines().any(|line| line.split_whitespace().eq(["commands", after])), "{shown}");
        let (code, by_number, _) = roomd(&["app", "webhooks", "--app", &number, "--data", dir, "--json"]);
        assert_eq!((code, serde_json::from_str::<Value>(&by_number).unwrap()), (0, done(&["webhooks"])), "named by its SDKAppID");
        assert_eq!(done(&["webhooks", "--remove"]), whole("", &[], "", false));

        refused(&["change", "--rate-mode", "maybe"], 2, "--rate-mode maybe is not known; give drop or reject");
        refused(&["change", "--on-silence", "maybe"], 2, "give deliver or refuse");
        refused(&["change", "--auto-import", "maybe"], 2, "type roomd app change --help");
        let flags = ["--rate-mode", "reject", "--auto-import", "true", "--event-time-as-string", "true", "--on-silence", "refuse", "--tell-refused", "false"];
        let changed = done(&[&["change"], &flags[..]].concat());
        assert_eq!((&changed["app_id"], &changed["on_silence"]), (&json!("shop"), &json!("refuse")), "what was changed is shown");
        let chat = json!({"rate_mode": "reject", "auto_import": true, "event_time_as_string": true, "on_silence": "refuse", "tell_refused": false});
        assert_eq!(done(&["show", "--chat"]), chat);
        done(&["change", "--rate-mode", "drop", "--auto-import", "false", "--event-time-as-string", "false"]);
        let chat = json!({"rate_mode": "drop", "auto_import": false, "event_time_as_string": false, "on_silence": "refuse", "tell_refused": false});
        assert_eq!(done(&["show", "--chat"]), chat);
    }
    drop(process);
    assert_eq!(roomd(&["app", "webhooks", "--app", "none", "--data", dir]).0, 1);
}
