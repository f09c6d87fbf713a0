//! Where live rooms are told of (`tencent.md` §3).

use super::*;

const SET: &str = "live_config/set_callback";
const UPDATE: &str = "live_config/update_callback";
const URL: &str = "http://www.example.com/callback";

fn two() -> Value {
    json!({"Url": URL, "CallbackCommandList": ["Live.CallbackAfterCreateRoom", "Live.CallbackAfterDestroyRoom"]})
}

#[test]
fn the_answer_has_the_bytes_of_the_document_s_sample() {
    let server = Server::new();
    assert_eq!(server.code(SET, two()), 0);
    let got = String::from_utf8(server.raw("POST", "live_config/get_callback", &server.query().text(), b"{}").body).unwrap();
    let id = serde_json::from_str::<Value>(&got).unwrap()["RequestId"].as_str().unwrap().to_owned();
    // Nothing in it has a blank but the layout.
    let sample: String = include_str!("../../../tests/wire/tencent/get_callback.json").split_ascii_whitespace().collect();
    assert_eq!(got, sample.replace("Id-1cc8828fd3d84795ac866ced43b15b5c-O-Seq-61309", &id));
}

#[test]
fn the_life_of_a_callback() {
    let server = Server::new();
    let get = || server.call("live_config/get_callback", json!({}));
    assert_eq!((code(&get()), server.code(UPDATE, two())), (100301, 100301));
    assert_eq!(server.code("live_config/delete_callback", json!({})), 0);
    assert_eq!(server.call(SET, two()).get("Response"), None);
    assert_eq!(server.code(SET, json!({"Url": "http://b.example", "CallbackCommandList": []})), 100300);
    assert_eq!(get()["Response"], two());
    let changed = json!({"Url": "https://b.example:8443/x", "CallbackCommandList": ["Mic.CallbackAfterSeatInfoChanged"]});
    assert_eq!(server.code(UPDATE, changed.clone()), 0);
    assert_eq!(get()["Response"], changed);
    for _ in 0..2 {
        assert_eq!(server.code("live_config/delete_callback", json!({})), 0);
    }
    assert_eq!((code(&get()), server.code(UPDATE, two())), (100301, 100301));
    // No words turn all off, and words are kept once each, in their order.
    assert_eq!(server.code(SET, json!({"Url": URL, "CallbackCommandList": []})), 0);
    let twice = json!({"Url": URL, "CallbackCommandList": ["Live.CallbackAfterDestroyRoom", "Live.CallbackAfterCreateRoom", "Live.CallbackAfterDestroyRoom"]});
    assert_eq!(server.code(UPDATE, twice), 0);
    assert_eq!(get()["Response"]["CallbackCommandList"], json!(["Live.CallbackAfterDestroyRoom", "Live.CallbackAfterCreateRoom"]));
}

#[test]
fn a_refusal_names_the_command_that_helps() {
    let server = Server::new();
    let refused = |path: &str, helps: &str| {
        let answer = server.call(path, two());
        assert!(answer["ErrorInfo"].as_str().unwrap().ends_with(&format!(" with {helps}")), "{path}: {answer}");
    };
    refused("live_config/get_callback", "set_callback");
    refused(UPDATE, "set_callback");
    assert_eq!(server.code(SET, two()), 0);
    refused(SET, "update_callback");
    refused("live_config/get_callback_token", "set_callback_token");
}

#[test]
fn bad_callbacks_change_nothing() {
    let server = Server::new();
    let bad = || {
        let list = |list: Value| but(&two(), json!({ "CallbackCommandList": list }));
        let mut bad = vec![
            but(&two(), json!({"Url": null})),
            but(&two(), json!({"CallbackCommandList": null})),
            but(&two(), json!({"Url": 1})),
            list(json!("Live.CallbackAfterCreateRoom")),
            list(json!([1])),
            list(json!([""])),
            list(json!(["Live.CallbackMemberStateChanged"])),
            list(json!(["Room.CallbackAfterCreateRoom"])),
            list(json!(vec!["Live.CallbackAfterCreateRoom"; 101])),
        ];
        for url in [
            "",
            "www.example.com",
            "ftp://a.example/",
            "http://",
            "http://a.example/a b",
            "http://a.example/a!",
            "http://a.example/a$b",
            "http://a.example/?a=b",
            "http://a.example/a&b",
            "http://a_b.example/",
            "http://a..example/",
            &format!("http://{}.example/", "a".repeat(64)),
            "http://a.example:70000/",
            "http://127.0.0.1/",
            "http://10.0.0.1:9001/",
            "http://localhost:80/",
            "http://169.254.169.254/",
            &format!("http://a.example/{}", "x".repeat(2_048)),
        ] {
            bad.push(but(&two(), json!({ "Url": url })));
        }
        bad
    };
    server.refuses(SET, 100002, bad());
    server.refuses(UPDATE, 100002, bad());
    let answer = server.call(SET, but(&two(), json!({"Url": "http://127.0.0.1/"})));
    assert!(answer["ErrorInfo"].as_str().unwrap().contains("--allow-callback 127.0.0.1"), "{answer}");
    for url in ["https://www.example.com:8443/a/b-c_d~e", "http://8.8.8.8:9000/x", "http://10.0.0.1:9000/x", "http://[2001:4860:4860::8888]:9000/"] {
        server.call("live_config/delete_callback", json!({}));
        assert_eq!(server.code(SET, but(&two(), json!({ "Url": url }))), 0, "{url}");
    }
}

#[test]
fn the_life_of_a_token() {
    const SET: &str = "live_config/set_callback_token";
    let server = Server::new();
    let get = || server.call("live_config/get_callback_token", json!({}));
    assert_eq!(code(&get()), 100302);
    let bad =
        || [json!({"Token": ""}), json!({"Token": "z".repeat(129), "IsTokenEnable": true}), json!({"Token": 1}), json!({"Token": "n", "IsTokenEnable": "no"})];
    server.refuses(SET, 100002, bad());
    server.refuses(SET, 100002, [json!({}), json!({"Token": "xxxxyyyy"}), json!({"IsTokenEnable": true})]);
    assert_eq!(server.call(SET, json!({"Token": "xxxxyyyy", "IsTokenEnable": false})).get("Response"), None);
    assert_eq!(get()["Response"], json!({"Token": "xxxxyyyy", "IsTokenEnable": false}));
    assert_eq!(server.code(SET, json!({"IsTokenEnable": true})), 0);
    assert_eq!(server.code(SET, json!({"Token": "z".repeat(128)})), 0);
    server.refuses(SET, 100002, bad());
    assert_eq!(get()["Response"], json!({"Token": "z".repeat(128), "IsTokenEnable": true}));
    server.call("live_config/delete_callback", json!({}));
    assert_eq!(code(&get()), 0, "a token is kept whatever becomes of the callback");
}
